"""Pay today: who may, how much of it is a risk, and how much risk the operator takes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import CashOut, Clawback, Earning, Payee, Payout, PayoutRun, Policy, Posting
from payouts.selectors.cash_outs import budget_use, cash_out_offer
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import cashing_out, holding, ledger, pausing, rounds, scheduling, sending
from payouts.services.accounts import account
from payouts.services.cashing_out import CashOutRefused
from tests.payouts import make
from tests.payouts.make import HOLD, NOON, usd
from tests.payouts.rails import in_hold, proven

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def budget(settings: Settings) -> None:
    settings.CASH_OUT_BUDGET = {"USD": 10_000}


def why_not(who: Expert) -> str:
    return cash_out_offer(expert=who, currency="USD", at=NOON).why_not


def test_what_is_free_and_what_is_in_hold_is_paid_today() -> None:
    who = proven()
    make.available(who, 2000)
    row = in_hold(who, 3000)

    payout = cashing_out.cash_out(expert=who, currency="USD", at=NOON)
    make.drain()

    payout.refresh_from_db()
    row.refresh_from_db()
    assert (payout.amount_minor, payout.state) == (5000, "paid")
    assert make.transfers() == [5000, 5000]
    assert (row.state, row.available_at) == ("paid", NOON)
    cash = CashOut.objects.get(payout=payout)
    assert (cash.at_risk_minor, cash.risk_until) == (3000, NOON + HOLD)
    assert expert_balance(who, "USD").pending == usd(0)
    assert check_ledger(NOON).broken == ()


def test_ending_a_hold_is_one_posting_from_pending_to_available() -> None:
    who = proven()
    row = in_hold(who, 3000)

    cashing_out.cash_out(expert=who, currency="USD", at=NOON)

    posting = Posting.objects.get(key=f"released:{rounds.fingerprint(ids=[row.id])}")
    legs = posting.entries.order_by("side").values_list("side", "account__kind", "amount_minor")
    assert list(legs) == [("C", "expert_available", 3000), ("D", "expert_pending", 3000)]


def test_work_without_a_posting_waits_for_its_round() -> None:
    who = proven()
    make.available(who, 2000)
    make.credited(make.reservation(usd(3000)), who, 3000, hold=HOLD)

    payout = cashing_out.cash_out(expert=who, currency="USD", at=NOON)

    assert payout.amount_minor == 2000


def test_the_budget_is_never_exceeded_and_free_money_needs_none() -> None:
    who = proven()
    make.available(who, 2000)
    in_hold(who, 8000)
    in_hold(who, 3000, hold=HOLD + DAY)

    offer = cash_out_offer(expert=who, currency="USD", at=NOON)
    payout = cashing_out.cash_out(expert=who, currency="USD", at=NOON)

    assert (offer.amount, offer.at_risk, offer.left_in_hold) == (usd(10_000), usd(8000), usd(3000))
    assert payout.amount_minor == 10_000
    use = budget_use(currency="USD", at=NOON)
    assert (use.used, use.left) == (usd(8000), usd(2000))
    assert budget_use(currency="USD", at=NOON + HOLD).used == usd(0)


def test_without_a_budget_only_free_money_is_paid(settings: Settings) -> None:
    settings.CASH_OUT_BUDGET = {}
    who = proven()
    make.available(who, 2000)
    in_hold(who, 3000)

    payout = cashing_out.cash_out(expert=who, currency="USD", at=NOON)

    assert payout.amount_minor == 2000
    assert CashOut.objects.get().at_risk_minor == 0


def test_a_policy_sets_the_budget() -> None:
    Policy.objects.create(
        kind="cash_out_budget",
        currency="USD",
        value=0,
        why="Off over the holidays.",
        effective_at=NOON,
        made_by=make.user(),
        made_at=NOON,
    )
    who = proven()
    in_hold(who, 3000)

    with pytest.raises(CashOutRefused, match="before its hold"):
        cashing_out.cash_out(expert=who, currency="USD", at=NOON)

    assert why_not(who) == "over_budget"


def test_money_given_back_counts_until_its_hold_would_have_ended() -> None:
    who = proven()
    in_hold(who, 8000)
    payout = cashing_out.cash_out(expert=who, currency="USD", at=NOON)

    holding.cancel_payout(payout=payout, why="wrong account", at=NOON)

    assert budget_use(currency="USD", at=NOON).used == usd(8000)


def test_once_a_day_in_the_verb_and_in_the_database() -> None:
    who = proven()
    make.available(who, 2000)
    first = cashing_out.cash_out(expert=who, currency="USD", at=NOON)
    make.available(who, 2000)

    with pytest.raises(CashOutRefused, match="today"):
        cashing_out.cash_out(expert=who, currency="USD", at=NOON)
    with pytest.raises(IntegrityError, match="one_payout_per_run_and_expert"), transaction.atomic():
        Payout.objects.create(
            run=first.run,
            expert=who,
            payee=first.payee,
            destination=first.destination,
            currency="USD",
            amount_minor=2000,
            reserved_at=NOON,
        )
    make.drain()
    later = cashing_out.cash_out(expert=who, currency="USD", at=NOON + DAY)

    assert later.run_id != first.run_id
    assert PayoutRun.objects.get(id=first.run_id).state == "done"


def test_the_runs_of_a_day_are_one_and_end_with_it() -> None:
    first, second = proven(), proven()
    for who in (first, second):
        make.available(who, 2000)
        payout = cashing_out.cash_out(expert=who, currency="USD", at=NOON)
        sending.send_some(run_id=payout.run_id, at=NOON, watch=make.still())

    run = PayoutRun.objects.get(kind="cash_out")
    assert (run.state, run.payouts.count(), run.approved_by) == ("running", 2, None)
    scheduling.open_due_runs(at=NOON + DAY)

    run.refresh_from_db()
    assert run.state == "done"


def test_somebody_new_waits_for_the_weekly_run() -> None:
    who = make.owed(5000)

    assert why_not(who) == "too_new"
    with pytest.raises(CashOutRefused, match="5 of your earnings"):
        cashing_out.cash_out(expert=who, currency="USD", at=NOON)
    assert not PayoutRun.objects.exists()


def test_no_account_no_cash_out() -> None:
    assert why_not(make.expert()) == "no_active_account"


@pytest.mark.parametrize("state", ["restricted", "closed", "onboarding"])
def test_an_account_that_is_not_active_is_refused(state: str) -> None:
    who = proven()
    Payee.objects.update(state=state)

    assert why_not(who) == "no_active_account"


def test_who_owes_is_refused() -> None:
    who = proven()
    make.available(who, 2000)
    debt = account("expert_receivable", currency="USD", expert=who)
    ledger.post(
        key="debt",
        kind="correction",
        currency="USD",
        legs=[ledger.Leg.debit(debt, usd(5)), ledger.Leg.credit(make.clearing(), usd(5))],
        effective_at=NOON,
    )

    assert why_not(who) == "owes"


def test_an_undecided_clawback_is_refused() -> None:
    who = proven()
    make.available(who, 2000)
    Clawback.objects.create(
        earning=Earning.objects.filter(expert=who).order_by("id")[0],
        amount_minor=10,
        reason="payment_error",
        message="The batch paid twice for one task, see the ledger of that day." * 2,
        evidence=["posting"],
        proposed_by=make.user(),
        proposed_at=NOON,
    )

    assert why_not(who) == "under_review"


def test_a_held_payout_is_refused() -> None:
    who = proven()
    make.available(who, 2000)
    payout = Payout.objects.get(run=make.approved_run())
    holding.hold_payout(payout=payout, why="Asked a question.", by=make.user().id, at=NOON)
    make.available(who, 2000)

    assert why_not(who) == "payout_held"


def test_nothing_is_paid_while_payments_are_paused() -> None:
    who = proven()
    make.available(who, 2000)
    pausing.pause_payments(why="A bank holiday.", by=make.user(), at=NOON)

    assert why_not(who) == "paused"
    pausing.resume_payments(why="It is over now.", by=make.user(), at=NOON)
    assert why_not(who) == ""


def test_below_the_minimum_waits() -> None:
    who = proven()
    make.available(who, 999)

    assert why_not(who) == "below_minimum"


def test_the_cap_of_an_expert_holds_for_cash_outs(settings: Settings) -> None:
    who = proven()
    settings.PAYOUT_MAX_PER_EXPERT = {"USD": 4000}
    make.available(who, 3000)
    in_hold(who, 2000)
    small = in_hold(who, 1000)

    payout = cashing_out.cash_out(expert=who, currency="USD", at=NOON)

    small.refresh_from_db()
    assert (payout.amount_minor, small.state) == (4000, "reserved")
    assert expert_balance(who, "USD").pending == usd(2000)


def test_the_units_of_a_currency_hold_for_cash_outs(settings: Settings) -> None:
    settings.CASH_OUT_BUDGET = {"HUF": 100_000}
    who = proven()
    make.available(who, 12_345, currency="HUF")

    payout = cashing_out.cash_out(expert=who, currency="HUF", at=NOON)

    assert payout.amount_minor == 12_300
    assert expert_balance(who, "HUF").available == Money(45, "HUF")


def test_a_shortfall_at_stripe_pauses_cash_outs_and_keeps_the_money() -> None:
    who = proven()
    make.available(who, 5_000_000)

    cashing_out.cash_out(expert=who, currency="USD", at=NOON)
    make.drain()

    run = PayoutRun.objects.get(kind="cash_out")
    assert (run.state, run.pause_reason[:9]) == ("paused", "shortfall")
    assert Payout.objects.get(run=run).state == "reserved"
    assert check_ledger(NOON).broken == ()
