"""Vetting cases: papers opened with a reason, claims decided, two people for applications."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from marketplace.events.models import Event
from marketplace.organizations.models import Membership
from marketplace.people.models import User
from tests import make
from tests.make import NOON
from tests.vetting import build
from tests.web.staff import cast
from vetting.models import Application, Credential, DocumentAccess, Qualification

pytestmark = pytest.mark.django_db

CHECKED = dict.fromkeys(
    ("name_matches", "issuer_exists", "dates_plausible", "looks_untouched"), "yes"
)


@pytest.fixture
def sam() -> User:
    return cast.staff("vetting")


def _propose(application: Application, **values: object) -> tuple[str, dict[str, object]]:
    return reverse("staff:propose_application", args=[application.pk]), dict(values)


def _act(application: Application, act: str) -> str:
    return reverse("staff:decide_application", args=[application.pk, act])


# Papers -----------------------------------------------------------------------------------------
def test_paper_comes_as_a_sealed_off_download_and_leaves_a_trace(sam: User) -> None:
    paper = cast.credential().documents.get()

    answer = cast.enter(sam).post(
        reverse("staff:open_paper", args=[paper.pk]), {"reason": "Checking the licence."}
    )

    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Cache-Control"] == "no-store, private"
    seen = DocumentAccess.objects.get()
    assert (seen.document, seen.by, seen.reason) == (paper, sam, "Checking the licence.")


@pytest.mark.parametrize("reason", ["", "    ", "ok"])
def test_paper_stays_closed_without_a_reason(sam: User, reason: str) -> None:
    paper = cast.credential().documents.get()

    answer = cast.enter(sam).post(reverse("staff:open_paper", args=[paper.pk]), {"reason": reason})

    assert answer.status_code == 422
    assert "Write why you open this document" in cast.text(answer)
    assert not DocumentAccess.objects.exists()


def test_paper_is_never_given_by_a_link(sam: User) -> None:
    paper = cast.credential().documents.get()

    assert cast.enter(sam).get(reverse("staff:open_paper", args=[paper.pk])).status_code == 405


def test_nobody_opens_the_papers_of_their_own_people(sam: User) -> None:
    lab = make.organization()
    Membership.objects.create(organization=lab, user=sam, role="viewer", joined_at=NOON)
    paper = cast.credential(make.employee(lab)).documents.get()

    answer = cast.enter(sam).post(
        reverse("staff:open_paper", args=[paper.pk]), {"reason": "Checking the licence."}
    )

    assert answer.status_code == 403
    assert not DocumentAccess.objects.exists()


# Credentials ------------------------------------------------------------------------------------
def test_checked_claim_is_verified(sam: User) -> None:
    found = cast.credential()
    build.read(found, by=sam)

    cast.enter(sam).post(
        reverse("staff:credential", args=[found.pk]),
        {
            **CHECKED,
            "outcome": "verified",
            "registry_url": "https://board.example.org/1",
            "name_as_shown": "Ada Expert",
        },
    )

    found.refresh_from_db()
    assert (found.state, found.assurance) == ("verified", "a3")


def test_rejected_claim_says_why_and_rests_on_the_failed_points(sam: User) -> None:
    found = cast.credential()
    build.read(found, by=sam)
    paper = found.documents.get()

    cast.enter(sam).post(
        reverse("staff:credential", args=[found.pk]),
        {
            **CHECKED,
            "name_matches": "no",
            "outcome": "rejected",
            "code": "name_differs",
            "message": build.WHY.message,
        },
    )

    decision = Credential.objects.get().decision
    assert decision is not None
    assert decision.evidence == ["checklist:name_matches", f"document:{paper.pk}"]
    assert decision.appeal_until == NOON + timedelta(days=30)


def test_claim_is_not_judged_by_who_left_its_paper_closed(sam: User) -> None:
    found = cast.credential()
    address = reverse("staff:credential", args=[found.pk])

    answer = cast.enter(sam).post(address, {**CHECKED, "outcome": "verified"})

    assert answer.status_code == 422
    assert "Open the paper you have not looked at, then decide." in cast.text(answer)
    assert Credential.objects.get().state == "in_review"


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"outcome": "verified"}, "This field is required."),
        ({**CHECKED, "outcome": "verified", "looks_untouched": "no"}, "speaks against it"),
        ({**CHECKED, "outcome": "needs_info"}, "says what is needed"),
        ({**CHECKED, "outcome": "rejected"}, "Choose the reason."),
        (
            {**CHECKED, "outcome": "verified", "registry_url": "https://a.example.org"},
            "Write the name as the source shows it.",
        ),
    ],
)
def test_half_a_verdict_is_sent_back(sam: User, sent: dict[str, str], problem: str) -> None:
    found = cast.credential()

    answer = cast.enter(sam).post(reverse("staff:credential", args=[found.pk]), sent)

    assert answer.status_code == 422
    assert problem in cast.text(answer)
    assert Credential.objects.get().state == "in_review"


def test_draft_of_a_claim_is_nobody_elses_to_read(sam: User) -> None:
    draft = Credential.objects.create(
        expert=make.expert(), kind="degree", title="MSc", issuer="TU", created_at=NOON
    )

    assert cast.enter(sam).get(reverse("staff:credential", args=[draft.pk])).status_code == 404


# Applications -----------------------------------------------------------------------------------
def test_approval_takes_two_people_and_qualifies_at_once(sam: User) -> None:
    found = cast.applied(cast.domain())
    url, sent = _propose(found, outcome="approved")
    cast.enter(sam).post(url, sent)

    refused = cast.enter(sam).post(_act(found, "confirm"), follow=True)
    cast.enter(cast.staff("vetting", name="Kim Second")).post(_act(found, "confirm"))

    assert "Somebody else has to confirm your proposal." in cast.text(refused)
    found.refresh_from_db()
    assert found.state == "approved"
    assert Qualification.objects.get().expert == found.expert


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"message": cast.ENOUGH, "evidence": ["statement"]}, "Choose the reason."),
        ({"code": "rules_broken", "message": "x" * 99, "evidence": ["statement"]}, "100 char"),
        ({"code": "rules_broken", "message": cast.ENOUGH}, "at least one piece of evidence"),
    ],
)
def test_decline_takes_reason_words_and_evidence(
    sam: User, sent: dict[str, object], problem: str
) -> None:
    found = cast.applied(cast.domain())
    url, values = _propose(found, outcome="declined", **sent)

    answer = cast.enter(sam).post(url, values)

    assert answer.status_code == 422
    assert problem in cast.text(answer)
    assert Application.objects.get().proposed_outcome == ""


def test_confirmed_decline_can_be_appealed(sam: User) -> None:
    found = cast.applied(cast.domain())
    url, sent = _propose(
        found,
        outcome="declined",
        code="experience_too_thin",
        message=cast.ENOUGH,
        evidence=["statement"],
    )
    cast.enter(sam).post(url, sent)

    cast.enter(cast.staff("vetting", name="Kim Second")).post(_act(found, "confirm"))

    decision = Application.objects.select_related("decision").get().decision
    assert decision is not None
    assert (decision.reason_code, decision.evidence) == ("experience_too_thin", ["statement"])
    assert decision.appeal_until == NOON + timedelta(days=30)


def test_conflict_is_told_in_place_of_the_form(sam: User) -> None:
    lab = make.organization()
    Membership.objects.create(organization=lab, user=sam, role="viewer", joined_at=NOON)
    found = cast.applied(cast.domain(), make.employee(lab))
    client = cast.enter(sam)

    page = cast.text(client.get(reverse("staff:application", args=[found.pk])))
    url, sent = _propose(found, outcome="approved")
    answer = client.post(url, sent)

    assert "Somebody else decides this one" in page
    assert "Propose a decision" not in page
    assert answer.status_code == 422
    assert Application.objects.get().proposed_outcome == ""


def test_dropped_proposal_leaves_the_case_open(sam: User) -> None:
    found = cast.proposed(cast.applied(cast.domain()), by=sam)

    cast.enter(sam).post(_act(found, "drop"))

    found.refresh_from_db()
    assert (found.state, found.proposed_outcome) == ("in_review", "")


def test_waitlist_and_back(sam: User) -> None:
    found = cast.applied(cast.domain())
    client = cast.enter(sam)

    client.post(_act(found, "waitlist"), {"message": "We have enough people for now."})
    found.refresh_from_db()
    waited = found.state
    client.post(_act(found, "reopen"))

    found.refresh_from_db()
    assert (waited, found.state) == ("waitlisted", "in_review")


def test_auditor_reads_a_case_without_name_or_papers() -> None:
    expert = make.expert("Ada Lovelace")
    cast.credential(expert)
    found = cast.applied(cast.domain(), expert)

    page = cast.text(
        cast.enter(cast.staff("auditor")).get(reverse("staff:application", args=[found.pk]))
    )

    assert expert.pseudonym in page
    assert "Ada Lovelace" not in page
    assert "Physician" not in page
    assert "Propose a decision" not in page


def test_queue_over_its_clock_is_marked(sam: User, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.credential()
    client = cast.enter(sam)

    fresh = cast.text(client.get("/staff/"))
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON + timedelta(days=3))
    late = cast.text(client.get("/staff/"))

    assert ("too late" in fresh, "too late" in late) == (False, True)
    assert "Oldest waits 3 days" in late


def test_empty_queue_tells_the_longest_wait_of_today(
    sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = cast.credential()
    build.read(found, by=sam)
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON + timedelta(hours=3))
    client = cast.enter(sam)
    client.post(reverse("staff:credential", args=[found.pk]), {**CHECKED, "outcome": "verified"})

    assert "Nothing waiting. Oldest today was 3 h." in cast.text(client.get("/staff/"))


def test_opening_a_paper_is_an_event(sam: User) -> None:
    paper = cast.credential().documents.get()

    cast.enter(sam).post(reverse("staff:open_paper", args=[paper.pk]), {"reason": "Checking."})

    assert Event.objects.get(kind="document.opened").actor == sam.pk
