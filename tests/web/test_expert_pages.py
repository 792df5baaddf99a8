"""The expert's pages over HTTP: one verb each, nothing of anybody else's, few queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.people.models import Expert
from tasks.models import Assignment, Draft
from tasks.services import reviewing
from tests import make
from tests.make import NOON, usd
from tests.vetting import build
from vetting.models import Application, Attempt, Credential

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON)


def enter(who: Expert) -> Client:
    client = Client()
    client.force_login(who.user)
    return client


def answer(assignment: Assignment, **more: str) -> dict[str, str]:
    """A whole answer as the form sends it."""
    words = {"overall": "-2", "rationale": "One answer says what it is.", "assistance": "none"}
    return {**words, "sends": "1", "revision": "0", "active_seconds": "60", **more}


# Who gets in ------------------------------------------------------------------------------------
def test_visitor_sees_what_guildhall_is(client: Client) -> None:
    assert "Paid work for people who know their field" in client.get("/").content.decode()


def test_user_without_a_profile_is_led_to_make_one() -> None:
    client = Client()
    client.force_login(make.user())

    assert client.get("/").headers["Location"] == "/account/"
    assert client.get("/earnings/").headers["Location"] == "/account/"


@pytest.mark.parametrize("path", ["", "submission/"])
def test_task_of_somebody_else_does_not_exist(path: str) -> None:
    assignment = make.claimed(make.open_batch())
    eve = make.expert("Eve Stranger")

    assert enter(eve).get(f"/tasks/{assignment.pk}/{path}").status_code == 404


@pytest.mark.parametrize("act", ["draft", "beat", "extend", "submit", "return", "again"])
def test_act_on_a_task_of_somebody_else_does_not_exist(act: str) -> None:
    assignment = make.claimed(make.open_batch())
    eve = make.expert("Eve Stranger")

    answered = enter(eve).post(f"/tasks/{assignment.pk}/{act}/", answer(assignment))

    assert answered.status_code == 404
    assignment.refresh_from_db()
    assert assignment.state == "active"


# Work -------------------------------------------------------------------------------------------
def test_expert_accepts_the_terms_shown_and_claims() -> None:
    batch = make.open_batch()
    ada, project = make.expert(), batch.project
    client = enter(ada)
    assert project.current_terms is not None
    shown = {"shown_hash": project.current_terms.content_hash}

    client.post(f"/work/{project.pk}/accept/", shown)
    claimed = client.post(f"/work/{project.pk}/claim/")

    assignment = Assignment.objects.get(expert=ada)
    assert claimed.headers["Location"] == f"/tasks/{assignment.pk}/"


def test_terms_that_were_not_shown_are_not_accepted() -> None:
    batch = make.open_batch()

    refused = enter(make.expert()).post(
        f"/work/{batch.project_id}/accept/", {"shown_hash": "0" * 64}
    )

    assert refused.status_code == 409
    assert "The terms changed while you were reading." in refused.content.decode()


def test_nothing_to_claim_is_said_and_no_error() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    make.claimed(batch)
    ada = make.joined_expert(batch.project)

    page = enter(ada).post(f"/work/{batch.project_id}/claim/", follow=True)

    assert "Every open task here is taken" in page.content.decode()


def test_draft_is_kept_and_its_next_revision_comes_back() -> None:
    assignment = make.claimed(make.open_batch())

    answered = enter(assignment.expert).post(
        f"/tasks/{assignment.pk}/draft/", {"revision": "0", "rationale": "Half a sen"}
    )

    kept = Draft.objects.get(assignment=assignment)
    assert kept.answer == {"rationale": "Half a sen", "both_bad": False}
    assert 'name="revision" id="revision" value="1"' in answered.content.decode()


def test_draft_that_arrived_when_the_page_was_left_is_no_conflict() -> None:
    assignment = make.claimed(make.open_batch())
    client, where = enter(assignment.expert), f"/tasks/{assignment.pk}/draft/"
    client.post(where, {"revision": "0", "rationale": "Sent by the beacon"})

    again = client.post(where, {"revision": "0", "rationale": "Sent by the beacon"})
    other = client.post(where, {"revision": "0", "rationale": "Typed in another tab"})

    assert (again.status_code, other.status_code) == (200, 409)
    assert 'name="revision" id="revision" value="1"' in again.content.decode()
    assert Draft.objects.get(assignment=assignment).answer["rationale"] == "Sent by the beacon"


def test_draft_of_a_task_that_is_over_says_so() -> None:
    assignment = make.submitted(make.open_batch())

    answered = enter(assignment.expert).post(
        f"/tasks/{assignment.pk}/draft/", {"revision": "0", "rationale": "Late"}
    )

    assert answered.status_code == 410
    assert 'data-state="over"' in answered.content.decode()


def test_draft_with_a_field_nobody_asked_for_is_refused() -> None:
    assignment = make.claimed(make.open_batch())

    answered = enter(assignment.expert).post(
        f"/tasks/{assignment.pk}/draft/", {"revision": "0", "pay_minor": "1"}
    )

    assert answered.status_code == 422
    assert Draft.objects.count() == 0


def test_beat_counts_at_most_the_time_that_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    assignment = make.claimed(make.open_batch())
    later = NOON + timedelta(seconds=30)
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: later)

    enter(assignment.expert).post(f"/tasks/{assignment.pk}/beat/", {"active_seconds": "9999"})

    assignment.refresh_from_db()
    assert assignment.active_seconds == 30


def test_submission_leads_to_the_next_task() -> None:
    assignment = make.claimed(make.open_batch(tasks=2))

    sent = enter(assignment.expert).post(f"/tasks/{assignment.pk}/submit/", answer(assignment))

    following = Assignment.objects.get(expert=assignment.expert, state="active")
    assert sent.headers["Location"] == f"/tasks/{following.pk}/"


def test_submission_with_stop_claims_nothing() -> None:
    assignment = make.claimed(make.open_batch(tasks=2))

    sent = enter(assignment.expert).post(
        f"/tasks/{assignment.pk}/submit/", answer(assignment, stop="1")
    )

    assert sent.headers["Location"] == "/tasks/"
    assert not Assignment.objects.filter(state="active").exists()


def test_same_submission_twice_is_one() -> None:
    assignment = make.claimed(make.open_batch(tasks=1))
    client = enter(assignment.expert)

    first = client.post(f"/tasks/{assignment.pk}/submit/", answer(assignment))
    second = client.post(f"/tasks/{assignment.pk}/submit/", answer(assignment))

    assert first.headers["Location"] == second.headers["Location"]
    assert assignment.submissions.count() == 1


def test_incomplete_answer_names_each_field_and_keeps_what_was_typed() -> None:
    assignment = make.claimed(make.open_batch())

    refused = enter(assignment.expert).post(
        f"/tasks/{assignment.pk}/submit/",
        {"sends": "1", "rationale": "Too short", "assistance": "none"},
    )

    shown = refused.content.decode()
    assert refused.status_code == 422
    assert '<a href="#overall">Which answer is better is missing.</a>' in shown
    assert '<a href="#rationale">Why needs at least 20 characters.</a>' in shown
    assert "Too short</textarea>" in shown


def test_every_fault_is_told_at_once() -> None:
    assignment = make.claimed(make.open_batch())

    refused = enter(assignment.expert).post(f"/tasks/{assignment.pk}/submit/", {"sends": "1"})

    shown = refused.content.decode()
    assert "Which answer is better is missing." in shown
    assert "Why is missing." in shown
    assert "Say what help you used." in shown


def test_help_used_has_to_be_said() -> None:
    assignment = make.claimed(make.open_batch())

    refused = enter(assignment.expert).post(
        f"/tasks/{assignment.pk}/submit/",
        answer(assignment, assistance=""),
        headers={"HX-Request": "true"},
    )

    assert refused.status_code == 422
    assert "Say what help you used." in refused.content.decode()


def test_skipped_task_goes_back_and_lowers_nothing() -> None:
    assignment = make.claimed(make.open_batch(tasks=1))

    enter(assignment.expert).post(f"/tasks/{assignment.pk}/return/", {"reason": "unclear"})

    assignment.refresh_from_db()
    assert assignment.state == "returned"


def test_asked_changes_show_the_note_and_the_former_answer() -> None:
    assignment = make.submitted(make.open_batch())
    by = assignment.project.created_by
    reviewing.ask_changes(assignment=assignment, by=by, message="Say which sentence.", at=NOON)

    shown = enter(assignment.expert).get(f"/tasks/{assignment.pk}/").content.decode()

    assert "Say which sentence." in shown
    assert "One answer says what it is, the other evades.</textarea>" in shown
    assert 'name="sends" value="2"' in shown


def test_rejection_shows_category_rule_reason_and_clock() -> None:
    assignment = make.submitted(make.open_batch())
    reviewing.reject(
        assignment=assignment,
        by=assignment.project.created_by,
        category="wrong_or_unsupported",
        guideline_ref="Rule 2",
        message=make.REASON,
        at=NOON,
    )

    page = enter(assignment.expert).get(f"/tasks/{assignment.pk}/submission/").content.decode()

    assert make.REASON in page
    assert "wrong or unsupported" in page
    assert "Rule 2" in page
    assert "can be disputed until" in page


def test_break_stops_new_work_and_ends_again() -> None:
    ada = make.expert()
    client = enter(ada)

    client.post("/work/break/")
    ada.refresh_from_db()
    assert ada.paused_at == NOON

    client.post("/work/break/")
    ada.refresh_from_db()
    assert ada.paused_at is None


# Vetting ----------------------------------------------------------------------------------------
def test_expert_applies_hands_in_and_withdraws() -> None:
    skill, ada = make.skill(), make.expert()
    client, field = enter(ada), f"/fields/{skill.domain.slug}/"

    client.post(f"{field}apply/", {"statement": "Ten years."})
    client.post(f"{field}submit/")
    application = Application.objects.get(expert=ada)
    assert application.state == "submitted"

    client.post(f"{field}withdraw/")
    application.refresh_from_db()
    assert application.state == "withdrawn"


def test_credential_is_sent_with_its_paper() -> None:
    ada = make.expert()
    paper = SimpleUploadedFile("licence.png", build.picture(), content_type="image/png")

    sent = enter(ada).post(
        "/credentials/new/",
        {"kind": "licence", "title": "Physician", "issuer": "Board", "document": paper},
    )

    credential = Credential.objects.get(expert=ada)
    assert sent.headers["Location"] == f"/credentials/{credential.pk}/"
    assert (credential.state, credential.documents.count()) == ("in_review", 1)


def test_paper_that_is_no_document_is_refused_and_nothing_is_kept() -> None:
    ada = make.expert()
    paper = SimpleUploadedFile(
        "licence.pdf", b"MZ\x90\x00 a program", content_type="application/pdf"
    )

    refused = enter(ada).post(
        "/credentials/new/",
        {"kind": "licence", "title": "Physician", "issuer": "Board", "document": paper},
    )

    assert refused.status_code == 422
    assert Credential.objects.count() == 0


def test_test_is_taken_question_by_question() -> None:
    ada, test = make.expert(), build.assessment()
    client = enter(ada)

    client.post(f"/tests/{test.slug}/start/")
    attempt = Attempt.objects.get(expert=ada)
    where = f"/tests/attempts/{attempt.pk}/"
    nothing = client.post(f"{where}answer/", {"position": "1"})
    assert nothing.status_code == 422
    for position in range(1, 26):
        client.post(f"{where}answer/", {"position": str(position), "choices": "1"})

    attempt.refresh_from_db()
    assert attempt.state == "passed"
    assert "counts for every field" in client.get(where).content.decode()


def test_question_shows_no_key_and_no_difficulty() -> None:
    ada, test = make.expert(), build.assessment()
    client = enter(ada)

    page = client.post(f"/tests/{test.slug}/start/", follow=True).content.decode()

    assert "band" not in page
    assert "key" not in page.replace("data-key", "").replace("monkey", "").split("<form")[-1]


# Money ------------------------------------------------------------------------------------------
def test_approved_work_shows_as_pending_with_its_task() -> None:
    assignment = make.submitted(make.open_batch(price=usd(1_800)))
    reviewing.approve(assignment=assignment, by=assignment.project.created_by, at=NOON)

    page = enter(assignment.expert).get("/earnings/").content.decode()

    assert "18.00 USD" in page
    assert f"/tasks/{assignment.pk}/submission/" in page


@pytest.mark.parametrize("path", ["/tasks/?show=review", "/earnings/", "/work/?show=all", "/"])
def test_list_costs_the_same_for_one_row_and_three(path: str) -> None:
    few, many = make.expert("One Row"), make.expert("Three Rows")
    for ada, rows in ((few, 1), (many, 3)):
        for _ in range(rows):
            batch = make.open_batch(tasks=3)
            make.join(ada, batch.project)
            decided = make.submitted(batch, by=ada)
            reviewing.approve(assignment=decided, by=batch.created_by, at=NOON)
            make.submitted(batch, by=ada)

    counts = []
    for ada in (few, many):
        client = enter(ada)
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts.append(len(queries))

    assert counts[0] == counts[1]
