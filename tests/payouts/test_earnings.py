"""Approvals, rounds and holds: once each, and no shown number jumps."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from marketplace.events.models import Event
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from payouts.models import Break, Earning, Entry, Posting, Reservation
from payouts.selectors.budgets import project_budget
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import earning, reserving, rounds
from payouts.services.accounts import account
from payouts.services.earning import EarningKeyReused
from payouts.services.ledger import InsufficientBalance
from tests.payouts import make
from tests.payouts.make import HOLD, NOON, usd

pytestmark = pytest.mark.django_db


def credit(key: str, **changes: object) -> Earning:
    terms = {"pay": usd(100), "fee": usd(15), "pay_channel": "stripe", "hold": HOLD, "at": NOON}
    return earning.credit(key=key, **(terms | changes))  # type: ignore[arg-type]  # mixed terms


def test_an_approval_is_credited_once() -> None:
    batch, who = make.reservation(usd(1000)), make.expert()

    first = credit("assignment:1", reservation=batch, expert=who)
    again = credit("assignment:1", reservation=batch, expert=who)

    assert first == again
    assert (first.available_at, first.payable_minor, first.posting) == (NOON + HOLD, 100, None)


def test_the_same_work_at_another_pay_is_refused() -> None:
    batch, who = make.reservation(usd(1000)), make.expert()
    credit("assignment:1", reservation=batch, expert=who)

    with pytest.raises(EarningKeyReused):
        credit("assignment:1", reservation=batch, expert=who, pay=usd(101))


def test_a_round_posts_per_reservation_per_expert_and_one_fee() -> None:
    first, second = make.expert(), make.expert()
    batch = make.reservation(usd(1000))
    for who in (first, first, second):
        make.credited(batch, who, 100, fee=15)

    assert rounds.post_earnings(at=NOON) == 3
    assert rounds.post_earnings(at=NOON) == 0

    posting = Posting.objects.get(kind="earnings_posted")
    entries = Entry.objects.filter(posting=posting)
    assert sorted(entries.values_list("account__kind", "side", "amount_minor")) == [
        ("expert_pending", "C", 100),
        ("expert_pending", "C", 200),
        ("platform_revenue", "C", 45),
        ("reserved", "D", 345),
    ]


def test_a_round_changes_no_shown_number() -> None:
    batch, who = make.reservation(usd(1000), usd(400)), make.expert()
    make.credited(batch, who, 100, fee=15, hold=HOLD)
    before = expert_balance(who, "USD"), project_budget(batch.subject_id, "USD")

    rounds.post_earnings(at=NOON)

    assert (expert_balance(who, "USD"), project_budget(batch.subject_id, "USD")) == before
    assert before[0] == make.balances(usd(100), usd(0), usd(0), usd(0), usd(0))
    assert before[1].spent == usd(115)


def test_a_round_keeps_days_apart() -> None:
    batch, who = make.reservation(usd(1000)), make.expert()
    midnight = NOON + timedelta(hours=12)
    make.credited(batch, who, 100, at=midnight - timedelta(microseconds=1))
    make.credited(batch, who, 100, at=midnight)

    rounds.post_earnings(at=midnight)

    days = Posting.objects.filter(kind="earnings_posted").values_list("effective_at__date")
    assert len(set(days)) == 2


def test_the_hold_ends_at_its_instant() -> None:
    who = make.expert()
    make.credited(make.reservation(usd(1000)), who, 100, hold=HOLD)
    rounds.post_earnings(at=NOON)

    early = rounds.release_holds(at=NOON + HOLD - timedelta(microseconds=1))
    late = rounds.release_holds(at=NOON + HOLD)

    assert (early, late) == (0, 1)
    assert expert_balance(who, "USD") == make.balances(usd(0), usd(100), usd(0), usd(0), usd(0))


def test_an_unposted_earning_waits_for_its_round_before_it_is_released() -> None:
    who = make.expert()
    make.credited(make.reservation(usd(1000)), who, 100)

    assert rounds.release_holds(at=NOON) == 0


def test_a_bonus_is_posted_at_once_from_the_budget() -> None:
    client, project = make.funded_project(usd(1000))
    who = make.expert()
    source = account("escrow", currency="USD", organization=client, subject_id=project)

    def pay_bonus() -> Earning:
        return earning.credit_now(
            key="bonus:1",
            expert=who,
            pay=usd(200),
            fee=usd(30),
            source=source,
            pay_channel="stripe",
            hold=timedelta(0),
            at=NOON,
        )

    assert pay_bonus() == pay_bonus()
    budget = project_budget(project, "USD")
    assert (budget.escrow, budget.spent) == (usd(770), usd(230))
    assert expert_balance(who, "USD").pending == usd(200)


def test_a_bonus_above_the_budget_is_refused() -> None:
    client, project = make.funded_project(usd(100))
    source = account("escrow", currency="USD", organization=client, subject_id=project)

    with pytest.raises(InsufficientBalance):
        earning.credit_now(
            key="bonus:1",
            expert=make.expert(),
            pay=usd(101),
            fee=usd(0),
            source=source,
            pay_channel="stripe",
            hold=timedelta(0),
            at=NOON,
        )
    assert not Earning.objects.filter(key="bonus:1").exists()


def test_an_expert_is_paid_even_when_a_reservation_falls_short() -> None:
    client, project = make.funded_project(usd(1000))
    who = make.expert()
    batch = small_batch(client, project)
    make.credited(batch, who, 1200)

    rounds.post_earnings(at=NOON)

    assert expert_balance(who, "USD").pending == usd(1200)
    assert make.balance(account("platform_expense", currency="USD")) == 200
    opened = Break.objects.get()
    assert (opened.kind, opened.state) == ("earning_unfunded", "open")
    assert (opened.expected_minor, opened.found_minor) == (1200, 100)
    assert opened.ref.startswith(f"{batch.id}:round:")
    assert Event.objects.get(kind="break.opened").object_id == opened.id
    assert check_ledger(NOON).broken == ()


def test_reservations_that_fall_short_in_one_round_share_one_budget() -> None:
    client, project = make.funded_project(usd(1000))
    first, second = small_batch(client, project), small_batch(client, project)
    who = make.expert()
    make.credited(first, who, 500)
    make.credited(second, who, 700)

    rounds.post_earnings(at=NOON)

    assert expert_balance(who, "USD").pending == usd(1200)
    assert make.balance(first.escrow) == 0
    assert make.balance(account("platform_expense", currency="USD")) == 200
    assert Break.objects.filter(kind="earning_unfunded").count() == 2


def test_a_round_that_is_covered_opens_no_break() -> None:
    make.credited(make.reservation(usd(1000)), make.expert(), 1000)

    rounds.post_earnings(at=NOON)

    assert not Break.objects.exists()


def small_batch(client: Organization, project: UUID) -> Reservation:
    return reserving.reserve(
        reservation_id=uuid7(),
        organization=client,
        subject_id=project,
        base=usd(100),
        pool=usd(50),
        quote={},
        by=uuid7(),
        at=NOON,
    )


@pytest.mark.parametrize(
    "change", [{"state": "available"}, {"netted_minor": 101}, {"cap_minor": 1}]
)
def test_an_earning_is_guarded_by_its_constraints(change: dict[str, object]) -> None:
    row = make.credited(make.reservation(usd(1000)), make.expert(), 100)

    with pytest.raises(IntegrityError), transaction.atomic():
        Earning.objects.filter(id=row.id).update(**change)


def test_earnings_are_never_deleted() -> None:
    make.credited(make.reservation(usd(1000)), make.expert(), 100)

    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        Earning.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_cannot_be_posted_stops_no_other() -> None:
    broken, sound = make.reservation(usd(1000)), make.reservation(usd(1000))
    credit("assignment:1", reservation=broken, expert=make.expert(), pay=eur(100), fee=eur(0))
    who = make.expert()
    make.credited(sound, who, 100)

    with pytest.raises(ExceptionGroup, match="cannot be posted"):
        rounds.post_earnings(at=NOON)

    assert Earning.objects.get(expert=who).posting is not None
    assert Earning.objects.get(key="assignment:1").posting is None


def eur(minor: int) -> Money:
    return Money(minor, "EUR")
