"""A transfer that is not what was asked for: two people book it as Stripe made it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from payouts.gateways.sandbox import moving, store
from payouts.models import Break, Entry, Payout, Proposal, SandboxObject
from payouts.selectors.came_back import came_back_of
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.selectors.proposals import sentence
from payouts.selectors.year_totals import year_totals
from payouts.services import (
    adopting,
    breaking,
    debts,
    looking_up,
    proposing,
    reversals,
    sweeping,
)
from payouts.services.holding import NotHere
from payouts.services.proposing import SamePerson
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.provider import reconcile, resize, rewrite

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=25)


def frozen(sent: int, *, wanted: int = 5000) -> Payout:
    """A payout without an answer whose transfer moved another amount."""
    make.owed(wanted)
    make.fault("time_out_after")
    payout = make.send(make.approved_run())
    resize(transfer_id(), sent)
    looking_up.adopt_transfer(transfer_id=transfer_id(), at=NOON)
    payout.refresh_from_db()
    assert (payout.state, payout.attempts.get().is_frozen) == ("unknown", True)
    return payout


def transfer_id() -> str:
    return SandboxObject.objects.get(type="transfer").object_id


def proposed(payout: Payout) -> Proposal:
    return adopting.propose_adoption(
        attempt=payout.attempts.order_by("number")[0],
        why="Looked it up in Stripe's dashboard.",
        by=make.user(),
        at=LATER,
    )


def adopted(payout: Payout) -> Payout:
    proposing.approve(proposal=proposed(payout), by=make.user(), at=LATER)
    payout.refresh_from_db()
    return payout


def test_a_transfer_of_less_is_adopted_and_the_rest_is_available_again() -> None:
    payout = frozen(4000)
    assert reconcile(LATER) == {"missing_in_ledger": (0, -4000)}

    adopted(payout)

    assert (payout.state, payout.sent_minor) == ("transferred", 4000)
    found = expert_balance(payout.expert, "USD")
    assert (found.paid, found.available, found.on_its_way) == (usd(4000), usd(1000), usd(0))
    assert [(back.amount, back.cause) for back in came_back_of(payout.expert)] == [
        (usd(1000), "sent_less")
    ]
    assert reconcile(LATER) == {}
    assert check_ledger(LATER).broken == ()


def test_a_transfer_of_more_is_adopted_and_the_rest_is_owed_back() -> None:
    payout = frozen(6000)

    adopted(payout)

    found = expert_balance(payout.expert, "USD")
    assert (found.paid, found.available, found.owed) == (usd(6000), usd(0), usd(1000))
    assert reconcile(LATER) == {}
    assert check_ledger(LATER).broken == ()
    make.earned(payout.expert, 3000, client=make.stocked(usd(10_000)))
    debts.settle_debts(at=LATER)
    assert expert_balance(payout.expert, "USD").available == usd(2000)
    assert [row.gross for row in year_totals(Entry.objects.all(), year=2026, at=LATER)] == [
        usd(6000)
    ]


def test_one_difference_is_kept_and_says_who_explained_it() -> None:
    payout = frozen(4000)
    reconcile(LATER)

    row = proposed(payout)
    proposing.approve(proposal=row, by=make.user(), at=LATER)
    reconcile(LATER)

    difference = Break.objects.get()
    row.refresh_from_db()
    assert (difference.state, difference.resolved_by, difference.approved_by) == (
        "resolved",
        row.proposed_by,
        row.decided_by,
    )
    assert difference.posting is not None
    assert difference.posting.kind == "transfer_made"


def test_a_difference_is_kept_where_reconciliation_has_not_seen_it_yet() -> None:
    adopted(frozen(4000))

    difference = Break.objects.get()
    assert (difference.kind, difference.expected_minor, difference.found_minor) == (
        "amount_mismatch",
        -5000,
        -4000,
    )
    assert difference.state == "resolved"


def test_adopting_takes_two_people_neither_of_whom_is_paid() -> None:
    payout = frozen(4000)
    row = proposed(payout)

    assert sentence(row) == (
        f"Book that Stripe sent 40.00 USD instead of 50.00 USD to {payout.expert.pseudonym} "
        f"({transfer_id()}); 10.00 USD goes back to the expert's balance."
    )
    with pytest.raises(SamePerson):
        proposing.approve(proposal=row, by=row.proposed_by, at=LATER)
    with pytest.raises(SamePerson, match="your own money"):
        proposing.approve(proposal=row, by=payout.expert.user, at=LATER)
    with pytest.raises(SamePerson, match="your own money"):
        adopting.propose_adoption(
            attempt=payout.attempts.get(), why="It is mine.", by=payout.expert.user, at=LATER
        )


def test_what_came_back_of_a_frozen_transfer_is_booked_once_it_is_adopted() -> None:
    payout = frozen(4000)
    moving.reverse(store.lock(transfer_id(), "transfer"), 4000, {})

    make.drain()  # Stripe's own message is of no use yet, and does not come again
    assert reversals.book_reversals(transfer_id=transfer_id(), at=NOON) == 0
    adopted(payout)
    make.drain()

    payout.refresh_from_db()
    found = expert_balance(payout.expert, "USD")
    assert (payout.state, found.available, found.paid) == ("reversed", usd(5000), usd(0))
    assert reconcile(LATER) == {}
    assert check_ledger(LATER).broken == ()


def test_a_transfer_to_another_account_is_not_adopted_but_may_be_declared_not_sent() -> None:
    payout = frozen(5001)
    stray = SandboxObject.objects.get(type="transfer")
    rewrite(stray, destination="acct_stranger")

    with pytest.raises(adopting.NothingToAdopt, match="another account"):
        proposed(payout)
    sweeping.confirm_not_sent(
        attempt=payout.attempts.get(), by=make.user(), seconded_by=make.user(), at=LATER
    )

    payout.refresh_from_db()
    assert payout.state == "reserved"
    assert [row.state for row in payout.attempts.order_by("number")] == ["rejected", "created"]


def test_only_what_is_frozen_or_paid_late_is_adopted() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())

    with pytest.raises(NotHere):
        proposed(payout)


def late(sent: int, monkeypatch: pytest.MonkeyPatch) -> Payout:
    """A payout declared not sent whose transfer of another amount turned up; it is held."""
    make.owed(5000)
    make.fault("time_out_after")
    payout = make.send(make.approved_run())
    with monkeypatch.context() as hidden:
        hidden.setattr(sweeping, "look_up", lambda **_: None)
        sweeping.confirm_not_sent(
            attempt=payout.attempts.get(), by=make.user(), seconded_by=make.user(), at=LATER
        )
    resize(transfer_id(), sent)
    looking_up.adopt_transfer(transfer_id=transfer_id(), at=LATER)
    return payout


def test_a_late_transfer_of_another_amount_is_adopted_by_two_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout = late(4000, monkeypatch)

    adopted(payout)

    found = expert_balance(payout.expert, "USD")
    assert (payout.state, found.paid, found.available) == ("transferred", usd(4000), usd(1000))
    assert [row.state for row in payout.attempts.order_by("number")] == ["succeeded", "rejected"]
    assert make.transfers() == [4000]
    assert reconcile(LATER) == {}
    assert check_ledger(LATER).broken == ()


def test_a_late_transfer_that_two_people_booked_as_a_loss_is_not_booked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout = late(4000, monkeypatch)
    row = proposed(payout)
    loss = breaking.propose_resolution(
        row=Break.objects.get(), note="Written off.", by=make.user(), at=LATER
    )
    proposing.approve(proposal=loss, by=make.user(), at=LATER)

    with pytest.raises(NotHere, match="booked this transfer already"):
        proposing.approve(proposal=row, by=make.user(), at=LATER)

    payout.refresh_from_db()
    resize(transfer_id(), 5000)
    looking_up.adopt_transfer(transfer_id=transfer_id(), at=LATER)
    payout.refresh_from_db()
    assert payout.state == "held"


def test_a_year_is_that_of_the_adoption() -> None:
    adopted(frozen(4000))

    rows = year_totals(Entry.objects.all(), year=2026, at=datetime(2027, 1, 5, tzinfo=UTC))

    assert [(row.gross, row.reversals) for row in rows] == [(usd(4000), usd(0))]
