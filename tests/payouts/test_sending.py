"""Sending a run: the rows of MONEY 9 that concern it, named after them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import (
    Earning,
    Payout,
    PayoutAttempt,
    PayoutItem,
    PayoutRun,
    Posting,
    SandboxObject,
)
from payouts.selectors.earnings import Balance, expert_balance
from payouts.services import (
    collecting,
    earning,
    holding,
    onboarding,
    rounds,
    running_payouts,
    sandboxing,
    sending,
    sweeping,
)
from payouts.services.running_payouts import RunAlreadyOpen, RunStillCollecting, SamePerson
from payouts.services.sweeping import StillUncertain
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
TRANSFERS = "/v1/transfers"


def fault(kind: str, times: int = 1) -> None:
    sandboxing.arm_fault(kind=kind, path=TRANSFERS, times=times, by=make.user().id, at=NOON)


def owed(pay: int = 5000, *, stock: int = 100_000) -> Expert:
    """An onboarded expert with available money, and a client whose money is at Stripe."""
    client = make.stocked(usd(stock))
    who = make.onboarded()
    make.earned(who, pay, client=client)
    return who


def send(run: PayoutRun) -> Payout:
    """Send what there is and return the run's only payout."""
    sending.send_some(run_id=run.id, at=NOON)
    return Payout.objects.get(run=run)


def transfers() -> list[int]:
    rows = SandboxObject.objects.filter(type="transfer").order_by("position")
    return [row.body["amount"] for row in rows]


def attempt_of(payout: Payout) -> PayoutAttempt:
    last = payout.attempts.order_by("number").last()
    assert last is not None
    return last


def test_a_run_pays_every_available_earning_once() -> None:
    who = owed(5000)

    run = make.approved_run()
    payout = send(run)

    run.refresh_from_db()
    assert (payout.state, payout.amount_minor, run.state) == ("transferred", 5000, "done")
    assert transfers() == [5000]
    assert expert_balance(who, "USD") == Balance(usd(0), usd(0), usd(0), usd(5000), usd(0))
    assert set(Earning.objects.values_list("state", flat=True)) == {"paid"}


def test_the_bank_leg_ends_in_the_experts_bank() -> None:
    owed(5000)
    payout = send(make.approved_run())

    make.drain()

    payout.refresh_from_db()
    assert (payout.state, payout.paid_at is not None) == ("paid", True)


def test_row_17_a_bank_may_send_the_money_back_after_paid() -> None:
    owed(5000)
    payout = send(make.approved_run())
    make.drain()

    bank = SandboxObject.objects.get(type="payout")
    sandboxing.fail_bank(payout_id=bank.object_id)
    make.drain()

    payout.refresh_from_db()
    assert (payout.state, payout.why) == ("bank_failed", "account_closed")


def test_money_below_the_minimum_is_carried_over() -> None:
    client = make.stocked(usd(100_000))
    who = make.onboarded()
    make.earned(who, 999, client=client)

    make.approved_run()

    assert not Payout.objects.exists()
    assert expert_balance(who, "USD").available == usd(999)


def test_an_expert_without_a_payout_account_is_left_out() -> None:
    client = make.stocked(usd(100_000))
    who = make.onboarded(act="missing_document")
    make.earned(who, 5000, client=client)

    make.approved_run()

    assert not Payout.objects.exists()


def test_whoever_opens_a_run_may_not_approve_it() -> None:
    maker = make.user()
    run = running_payouts.open_run(currency="USD", by=maker, at=NOON)
    collecting.collect_run(run_id=run.id, at=NOON)
    run = running_payouts.close_run(run=run, by=maker, at=NOON)

    with pytest.raises(SamePerson):
        running_payouts.approve_run(run=run, by=maker, at=NOON)
    with pytest.raises(IntegrityError, match="run_checker_is_not_maker"), transaction.atomic():
        PayoutRun.objects.filter(id=run.id).update(
            state="approved", approved_by=maker, approved_at=NOON
        )


def test_one_run_per_currency_collects_at_a_time() -> None:
    running_payouts.open_run(currency="USD", by=make.user(), at=NOON)

    with pytest.raises(RunAlreadyOpen):
        running_payouts.open_run(currency="USD", by=make.user(), at=NOON)


def test_a_run_is_not_closed_while_it_collects() -> None:
    run = running_payouts.open_run(currency="USD", by=make.user(), at=NOON)

    with pytest.raises(RunStillCollecting):
        running_payouts.close_run(run=run, by=make.user(), at=NOON)


def test_a_cancelled_run_gives_the_money_back_once() -> None:
    who = owed(5000)
    run = make.approved_run()
    assert expert_balance(who, "USD").on_its_way == usd(5000)

    running_payouts.cancel_run(run=run, by=make.user(), at=NOON)
    make.drain()
    running_payouts.cancel_payouts(run_id=run.id, at=NOON)

    assert expert_balance(who, "USD") == Balance(usd(0), usd(5000), usd(0), usd(0), usd(0))
    assert sending.send_some(run_id=run.id, at=NOON) == 0
    assert transfers() == []


def test_a_cancelled_payouts_money_goes_into_the_next_run() -> None:
    owed(5000)
    run = make.approved_run()
    running_payouts.cancel_run(run=run, by=make.user(), at=NOON)
    running_payouts.cancel_payouts(run_id=run.id, at=NOON)

    payout = send(make.approved_run())

    assert (payout.state, transfers()) == ("transferred", [5000])


def test_row_1_a_time_out_after_the_effect_is_unknown_and_paid_once() -> None:
    owed(5000)
    fault("time_out_after")

    payout = send(make.approved_run())
    first = attempt_of(payout)
    assert (payout.state, first.state) == ("unknown", "unknown")

    sweeping.sweep_attempts(at=NOON + timedelta(minutes=5))

    payout.refresh_from_db()
    again = attempt_of(payout)
    assert (payout.state, again.id, again.request) == ("transferred", first.id, first.request)
    assert transfers() == [5000]
    assert Posting.objects.filter(kind="transfer_made").count() == 1


def test_row_2_a_crash_between_claim_and_call_is_sent_once_by_the_sweeper() -> None:
    owed(5000)
    run = make.approved_run()
    running_payouts.start_run(run_id=run.id, at=NOON)
    sending.claim_next(run_id=run.id, at=NOON)

    sweeping.sweep_attempts(at=NOON + sending.STALE)

    assert (Payout.objects.get().state, transfers()) == ("transferred", [5000])


def test_row_3_a_crash_between_call_and_record_adopts_the_transfer() -> None:
    owed(5000)
    run = make.approved_run()
    running_payouts.start_run(run_id=run.id, at=NOON)
    attempt = sending.claim_next(run_id=run.id, at=NOON)
    assert attempt is not None
    sending.gateway().send_transfer(
        request=attempt.request, key=attempt.key, api_version=attempt.api_version
    )

    sweeping.sweep_attempts(at=NOON + sending.STALE)

    assert (Payout.objects.get().state, transfers()) == ("transferred", [5000])


def test_row_3_a_webhook_may_record_it_first() -> None:
    owed(5000)
    fault("time_out_after")
    run = make.approved_run()
    send(run)

    make.drain()

    run.refresh_from_db()
    assert attempt_of(Payout.objects.get()).state == "succeeded"
    assert (run.state, transfers()) == ("done", [5000])
    assert Posting.objects.filter(kind="transfer_made").count() == 1


def test_row_4_after_20_hours_nothing_is_sent_again() -> None:
    owed(5000)
    run = make.approved_run()
    running_payouts.start_run(run_id=run.id, at=NOON)
    sending.claim_next(run_id=run.id, at=NOON)

    sweeping.sweep_attempts(at=NOON + sweeping.KEYS_HOLD)

    attempt = attempt_of(Payout.objects.get())
    assert (attempt.state, attempt.sends, transfers()) == ("unknown", 1, [])


def test_row_4_after_20_hours_a_transfer_is_found_and_adopted() -> None:
    owed(5000)
    fault("time_out_after")
    payout = send(make.approved_run())

    sweeping.sweep_attempts(at=NOON + sweeping.KEYS_HOLD)

    payout.refresh_from_db()
    assert (payout.state, attempt_of(payout).sends, transfers()) == ("transferred", 1, [5000])


def test_row_5_a_busy_stripe_is_asked_again_with_the_same_key() -> None:
    owed(5000)
    fault("rate_limit", 2)

    payout = send(make.approved_run())
    first = attempt_of(payout)
    assert (payout.state, first.state, first.error_code) == ("submitting", "sending", "rate_limit")
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=1))
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=3))
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=20))

    payout.refresh_from_db()
    assert (payout.state, attempt_of(payout).id, transfers()) == ("transferred", first.id, [5000])


def test_row_6_a_saved_500_after_the_effect_is_looked_up() -> None:
    owed(5000)
    fault("error_after")

    payout = send(make.approved_run())
    assert payout.state == "unknown"
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=5))

    payout.refresh_from_db()
    assert (payout.state, transfers()) == ("transferred", [5000])


def test_row_6_a_saved_500_before_the_effect_needs_two_people_and_a_day() -> None:
    owed(5000)
    fault("error_before")
    payout = send(make.approved_run())
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=5))
    attempt, people = attempt_of(payout), (make.user(), make.user())
    assert attempt.state == "unknown"

    with pytest.raises(StillUncertain):
        sweeping.confirm_not_sent(
            attempt=attempt, by=people[0], seconded_by=people[1], at=NOON + timedelta(hours=23)
        )
    with pytest.raises(SamePerson):
        sweeping.confirm_not_sent(
            attempt=attempt, by=people[0], seconded_by=people[0], at=NOON + timedelta(hours=24)
        )
    sweeping.confirm_not_sent(
        attempt=attempt, by=people[0], seconded_by=people[1], at=NOON + timedelta(hours=24)
    )
    make.drain()

    payout.refresh_from_db()
    assert [row.state for row in payout.attempts.order_by("number")] == ["rejected", "succeeded"]
    assert (payout.transfer_id is not None, transfers()) == (True, [5000])


def test_row_7_too_little_at_stripe_pauses_the_run_and_fails_nobody() -> None:
    who = owed(5000)
    fault("insufficient_balance")
    run = make.approved_run()

    payout = send(run)

    run.refresh_from_db()
    assert (run.state, payout.state) == ("paused", "reserved")
    assert [row.state for row in payout.attempts.order_by("number")] == ["rejected", "created"]
    assert expert_balance(who, "USD").on_its_way == usd(5000)

    running_payouts.resume_run(run=run, by=make.user(), at=NOON)
    make.drain()
    assert (transfers(), Payout.objects.get().state) == ([5000], "paid")


def test_row_7_a_run_above_stripes_balance_does_not_start_sending() -> None:
    client = make.stocked(usd(6000))
    for _ in range(2):
        make.earned(make.onboarded(), 3000, client=client)
    run = make.approved_run()

    sending.send_some(run_id=run.id, at=NOON)

    run.refresh_from_db()
    assert (run.state, transfers()) == ("paused", [])
    assert run.pause_reason == (
        "shortfall: the run needs 60.00 USD, Stripe has 57.96 USD available"
    )


def test_row_8_a_restricted_account_is_held_and_the_others_go_on() -> None:
    client = make.stocked(usd(100_000))
    held, other = make.onboarded(), make.onboarded()
    for who in (held, other):
        make.earned(who, 5000, client=client)
    run = make.approved_run()
    account = Payout.objects.get(expert=held).destination
    sandboxing.restrict_account(account_id=account, by=make.user().id, at=NOON)

    sending.send_some(run_id=run.id, at=NOON)

    run.refresh_from_db()
    states = {row.expert: row.state for row in Payout.objects.filter(run=run)}
    assert (states, run.state) == ({held: "held", other: "transferred"}, "done")

    sandboxing.restore_account(account_id=account, by=make.user().id, at=NOON)
    make.drain()
    assert Payout.objects.get(expert=held).state == "paid"
    assert transfers() == [5000, 5000]


def test_row_8_an_account_known_to_be_restricted_is_not_even_asked() -> None:
    owed(5000)
    run = make.approved_run()
    account = Payout.objects.get().destination
    sandboxing.restrict_account(account_id=account, by=make.user().id, at=NOON)
    onboarding.sync_payee(account_id=account, at=NOON)

    payout = send(run)

    assert (payout.state, attempt_of(payout).sends) == ("held", 0)


def test_row_10_a_key_conflict_freezes_the_payout() -> None:
    owed(5000)
    run = make.approved_run()
    attempt = attempt_of(Payout.objects.get())
    PayoutAttempt.objects.filter(id=attempt.id).update(
        request=json.dumps({**json.loads(attempt.request), "metadata": {"attempt": "other"}})
    )
    fault("time_out_after")
    send(run)
    PayoutAttempt.objects.filter(id=attempt.id).update(request=attempt.request)

    for hours in (1, 2, 30):
        sweeping.sweep_attempts(at=NOON + timedelta(hours=hours))

    attempt.refresh_from_db()
    assert (attempt.state, attempt.is_frozen, transfers()) == ("unknown", True, [5000])
    assert Payout.objects.get().attempts.count() == 1


def test_row_11_the_same_job_twice_sends_once() -> None:
    owed(5000)
    run = make.approved_run()

    assert sending.send_some(run_id=run.id, at=NOON) == 1
    assert sending.send_some(run_id=run.id, at=NOON) == 0
    assert transfers() == [5000]


def test_row_18_a_failing_payout_leaves_the_others_alone() -> None:
    client = make.stocked(usd(100_000))
    for pay in (1000, 2000, 3000):
        make.earned(make.onboarded(), pay, client=client)
    fault("time_out_after")
    run = make.approved_run()

    sending.send_some(run_id=run.id, at=NOON)

    states = Payout.objects.order_by("amount_minor").values_list("state", flat=True)
    assert sorted(states) == ["transferred", "transferred", "unknown"]
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=5))
    assert sorted(transfers()) == [1000, 2000, 3000]


def test_row_27_an_account_replaced_before_sending_cancels_and_restores() -> None:
    who = owed(5000)
    run = make.approved_run()
    payee = Payout.objects.get().payee
    type(payee).objects.filter(id=payee.id).update(account_id="acct_other")

    payout = send(run)

    assert (payout.state, transfers()) == ("cancelled", [])
    assert expert_balance(who, "USD").available == usd(5000)


def test_row_9_wrong_credentials_stop_the_run_and_change_nothing() -> None:
    owed(5000)
    run = make.approved_run()
    fault("forbidden")

    payout = send(run)

    run.refresh_from_db()
    attempt = attempt_of(payout)
    assert (run.state, payout.state, attempt.state) == ("paused", "reserved", "created")
    assert transfers() == []


def test_payments_on_pause_send_nothing(settings: Settings) -> None:
    owed(5000)
    run = make.approved_run()
    settings.PAYMENTS_PAUSED = True

    assert sending.send_some(run_id=run.id, at=NOON) == 0
    assert transfers() == []


def test_a_held_payout_waits_for_a_person() -> None:
    owed(5000)
    run = make.approved_run()
    payout = Payout.objects.get()
    finance = make.user()
    holding.hold_payout(payout=payout, why="a question", by=finance.id, at=NOON)
    sending.send_some(run_id=run.id, at=NOON)
    assert transfers() == []

    holding.release_payout(payout=payout, by=finance.id, at=NOON)
    make.drain()

    assert transfers() == [5000]


def test_row_26_an_employee_is_never_paid_by_transfer() -> None:
    who = make.onboarded()
    batch = make.reservation(usd(5000))
    row = earning.credit(
        key="assignment:employee",
        expert=who,
        pay=usd(5000),
        fee=usd(0),
        reservation=batch,
        pay_channel="payroll",
        hold=timedelta(0),
        at=NOON,
    )
    rounds.post_earnings(at=NOON)
    rounds.release_holds(at=NOON)

    make.approved_run()

    assert not Payout.objects.exists()
    payout = _other_payout(who)
    with pytest.raises(IntegrityError, match="paid by the employer"), transaction.atomic():
        PayoutItem.objects.create(payout=payout, earning=row, amount_minor=5000)


def _other_payout(who: Expert) -> Payout:
    make.available(who, 5000)
    return Payout.objects.get(run=make.approved_run())


def test_a_second_run_finds_nothing_left_to_pay() -> None:
    owed(5000)
    first, second = make.approved_run(), make.approved_run()

    assert [row.amount_minor for row in Payout.objects.filter(run=first)] == [5000]
    assert not Payout.objects.filter(run=second).exists()


def test_an_earning_is_in_one_live_payout() -> None:
    owed(5000)
    make.approved_run()
    item = PayoutItem.objects.get()

    with pytest.raises(IntegrityError, match="an_earning_is_in_one_live_payout"):  # noqa: SIM117
        with transaction.atomic():
            PayoutItem.objects.create(
                payout=item.payout, earning=item.earning, amount_minor=item.amount_minor
            )


def test_what_is_below_the_payable_unit_stays_available(settings: Settings) -> None:
    settings.PAYOUT_MINIMUM = {}
    who = make.onboarded("HU")
    make.available(who, 12_345, currency="HUF")

    run = make.approved_run(currency="HUF")

    assert Payout.objects.get(run=run).amount_minor == 12_300
    carried = Earning.objects.get(key=f"carry:{Payout.objects.get(run=run).id}")
    assert (carried.payable_minor, carried.state) == (45, "available")
    assert expert_balance(who, "HUF").available == Money(45, "HUF")
