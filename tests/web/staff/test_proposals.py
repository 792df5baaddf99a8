"""Second person: what waits, in words, and who may decide."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.urls import reverse

from payouts.models import Payout, Proposal
from payouts.services import proposing, releasing
from payouts.services.holding import hold_payout
from tests.make import NOON
from tests.payouts import make as money
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
URL = "staff:proposals"
WHY = "The expert answered our question."


def _proposed(*, by: object = None) -> Proposal:
    run = cast.closed_run(money.user())
    payout = Payout.objects.get(run=run)
    hold_payout(payout=payout, why="Asked a question.", by=money.user().pk, at=NOON)
    return releasing.propose_release(payout=payout, why=WHY, by=by or money.user(), at=NOON)  # type: ignore[arg-type]  # a user


def test_it_waits_in_words_and_another_approves_it() -> None:
    fay, kim = cast.staff("finance"), cast.staff("finance", name="Kim Checker")
    row = _proposed(by=fay)
    maker, checker = cast.enter(fay), cast.enter(kim)
    act = reverse("staff:decide_proposal", args=[row.pk, "approve"])

    page = cast.text(checker.get(reverse(URL)))
    own = cast.text(maker.get(reverse(URL)))
    refused = maker.post(act, follow=True)
    done = checker.post(act, follow=True)

    assert "Send the held payout of 50.00 USD" in page
    assert WHY in page
    assert ('data-open="approve-' in page, 'data-open="approve-' in own) == (True, False)
    assert "Somebody else has to approve what you proposed." in cast.text(refused)
    assert "Approved and done." in cast.text(done)
    assert Payout.objects.get().state == "reserved"


def test_a_refusal_carries_an_answer_into_the_history() -> None:
    row = _proposed()
    client = cast.enter(cast.staff("finance"))
    act = reverse("staff:decide_proposal", args=[row.pk, "refuse"])

    client.post(act)
    assert Proposal.objects.get().state == "proposed"
    client.post(act, {"answer": "Ask once more."})

    row.refresh_from_db()
    assert row.state == "refused"
    assert "Ask once more." in cast.text(client.get(reverse(URL) + "?show=decided"))
    assert "Nothing waits" in cast.text(client.get(reverse(URL)))


def test_who_asked_withdraws() -> None:
    fay = cast.staff("finance")
    row = _proposed(by=fay)

    cast.enter(fay).post(reverse("staff:decide_proposal", args=[row.pk, "withdraw"]))

    row.refresh_from_db()
    assert row.state == "withdrawn"


def test_auditors_read_and_decide_nothing() -> None:
    row = _proposed()
    grace = cast.enter(cast.staff("auditor"))

    page = grace.get(reverse(URL))
    act = grace.post(reverse("staff:decide_proposal", args=[row.pk, "approve"]))

    assert 'data-open="approve-' not in cast.text(page)
    assert act.status_code == 403


def test_the_payout_page_asks_for_a_second_person() -> None:
    run = cast.closed_run(money.user())
    payout = cast.payout_of(run)
    hold_payout(payout=payout, why="Asked a question.", by=money.user().pk, at=NOON)
    client = cast.enter(cast.staff("finance"))

    client.post(reverse("staff:act_on_payout", args=[payout.pk, "release"]), {"why": WHY})
    page = cast.text(client.get(reverse("staff:payout", args=[payout.pk])))

    assert Payout.objects.get().state == "held"
    assert "Waits for a second person" in page


def test_the_list_costs_the_same_for_one_and_for_three() -> None:
    client = cast.enter(cast.staff("finance"))
    _proposed()
    one = cast.queries(client, reverse(URL))
    for _ in range(2):
        proposing.propose(
            kind="release_payout",
            subject_id=_other_id(),
            terms={"amount_minor": 1, "currency": "USD", "expert": "amber"},
            why=WHY,
            by=money.user(),
            at=NOON,
        )

    assert cast.queries(client, reverse(URL)) == one


def _other_id() -> UUID:
    return money.user().pk
