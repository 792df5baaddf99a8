"""The failure matrix of docs/concepts/money.md, the rows of sending, each named by its number."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from marketplace.events.models import Event
from payouts.gateways.chosen import gateway
from payouts.models import (
    Payout,
    PayoutAttempt,
    Posting,
    SandboxObject,
)
from payouts.selectors.earnings import expert_balance
from payouts.selectors.runs import run_parts, run_total
from payouts.services import (
    looking_up,
    onboarding,
    running_payouts,
    sandboxing,
    sending,
    sweeping,
)
from payouts.services.proposing import SamePerson
from payouts.services.sweeping import StillUncertain
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def attempt_of(payout: Payout) -> PayoutAttempt:
    last = payout.attempts.order_by("number").last()
    assert last is not None
    return last


def test_row_01_a_time_out_after_the_effect_is_unknown_and_paid_once() -> None:
    make.owed(5000)
    make.fault("time_out_after")

    payout = make.send(make.approved_run())
    first = attempt_of(payout)
    assert (payout.state, first.state) == ("unknown", "unknown")

    sweeping.sweep_attempts(at=NOON + timedelta(minutes=5))

    payout.refresh_from_db()
    again = attempt_of(payout)
    assert (payout.state, again.id, again.request) == ("transferred", first.id, first.request)
    assert make.transfers() == [5000]
    assert Posting.objects.filter(kind="transfer_made").count() == 1


def test_row_02_a_crash_between_claim_and_call_is_sent_once_by_the_sweeper() -> None:
    make.owed(5000)
    run = make.approved_run()
    running_payouts.start_run(run_id=run.id, at=NOON)
    sending.claim_next(run_id=run.id, at=NOON)

    sweeping.sweep_attempts(at=NOON + sending.STALE)

    assert (Payout.objects.get().state, make.transfers()) == ("transferred", [5000])


def test_row_03_a_crash_between_call_and_record_adopts_the_transfer() -> None:
    make.owed(5000)
    run = make.approved_run()
    running_payouts.start_run(run_id=run.id, at=NOON)
    attempt = sending.claim_next(run_id=run.id, at=NOON)
    assert attempt is not None
    gateway().send_transfer(
        request=attempt.request, key=attempt.key, api_version=attempt.api_version
    )

    sweeping.sweep_attempts(at=NOON + sending.STALE)

    assert (Payout.objects.get().state, make.transfers()) == ("transferred", [5000])


def test_row_03_a_webhook_may_record_it_first() -> None:
    make.owed(5000)
    make.fault("time_out_after")
    run = make.approved_run()
    make.send(run)

    make.drain()

    run.refresh_from_db()
    assert attempt_of(Payout.objects.get()).state == "succeeded"
    assert (run.state, make.transfers()) == ("done", [5000])
    assert Posting.objects.filter(kind="transfer_made").count() == 1


def test_row_04_after_20_hours_nothing_is_sent_again() -> None:
    make.owed(5000)
    run = make.approved_run()
    running_payouts.start_run(run_id=run.id, at=NOON)
    sending.claim_next(run_id=run.id, at=NOON)

    sweeping.sweep_attempts(at=NOON + sweeping.KEYS_HOLD)

    attempt = attempt_of(Payout.objects.get())
    assert (attempt.state, attempt.sends, make.transfers()) == ("unknown", 1, [])


def test_row_04_after_20_hours_a_transfer_is_found_and_adopted() -> None:
    make.owed(5000)
    make.fault("time_out_after")
    payout = make.send(make.approved_run())

    sweeping.sweep_attempts(at=NOON + sweeping.KEYS_HOLD)

    payout.refresh_from_db()
    assert (payout.state, attempt_of(payout).sends, make.transfers()) == ("transferred", 1, [5000])


def test_row_05_a_busy_stripe_is_asked_again_with_the_same_key() -> None:
    make.owed(5000)
    make.fault("rate_limit", 2)

    payout = make.send(make.approved_run())
    first = attempt_of(payout)
    assert (payout.state, first.state, first.error_code) == ("submitting", "sending", "rate_limit")
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=1))
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=3))
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=20))

    payout.refresh_from_db()
    assert (payout.state, attempt_of(payout).id, make.transfers()) == (
        "transferred",
        first.id,
        [5000],
    )


def test_row_05_a_key_in_use_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    make.owed(5000)
    run = make.approved_run()

    with monkeypatch.context() as busy:
        busy.setattr("payouts.gateways.sandbox.store.is_key_free", lambda _key: False)
        payout = make.send(run)
    attempt = attempt_of(payout)
    assert (attempt.state, attempt.error_code) == ("sending", "conflict")
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=1))

    payout.refresh_from_db()
    assert (payout.state, payout.attempts.count()) == ("transferred", 1)


def test_row_06_a_saved_500_after_the_effect_is_looked_up() -> None:
    make.owed(5000)
    make.fault("error_after")

    payout = make.send(make.approved_run())
    assert payout.state == "unknown"
    sweeping.sweep_attempts(at=NOON + timedelta(minutes=5))

    payout.refresh_from_db()
    assert (payout.state, make.transfers()) == ("transferred", [5000])


def test_row_06_a_saved_500_before_the_effect_needs_two_people_and_a_day() -> None:
    make.owed(5000)
    make.fault("error_before")
    payout = make.send(make.approved_run())
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
    assert (payout.transfer_id is not None, make.transfers()) == (True, [5000])


def test_row_07_too_little_at_stripe_pauses_the_run_and_fails_nobody() -> None:
    who = make.owed(5000)
    make.fault("insufficient_balance")
    run = make.approved_run()

    payout = make.send(run)

    run.refresh_from_db()
    assert (run.state, payout.state) == ("paused", "reserved")
    assert [row.state for row in payout.attempts.order_by("number")] == ["rejected", "created"]
    assert expert_balance(who, "USD").on_its_way == usd(5000)

    running_payouts.resume_run(run=run, by=make.user(), at=NOON)
    make.drain()
    assert (make.transfers(), Payout.objects.get().state) == ([5000], "paid")


def test_row_07_a_run_above_stripes_balance_does_not_start_sending() -> None:
    client = make.stocked(usd(6000))
    for _ in range(2):
        make.earned(make.onboarded(), 3000, client=client)
    run = make.approved_run()

    sending.send_some(run_id=run.id, at=NOON)

    run.refresh_from_db()
    assert (run.state, make.transfers()) == ("paused", [])
    assert run.pause_reason == (
        "shortfall: the run needs 60.00 USD, Stripe has 57.96 USD available"
    )


def test_row_08_a_restricted_account_is_held_and_the_others_go_on() -> None:
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
    assert make.transfers() == [5000, 5000]


def test_row_08_an_account_known_to_be_restricted_is_not_even_asked() -> None:
    make.owed(5000)
    run = make.approved_run()
    account = Payout.objects.get().destination
    sandboxing.restrict_account(account_id=account, by=make.user().id, at=NOON)
    onboarding.sync_payee(account_id=account, at=NOON)

    payout = make.send(run)

    assert (payout.state, attempt_of(payout).sends) == ("held", 0)


def test_row_09_wrong_credentials_stop_the_run_and_change_nothing() -> None:
    make.owed(5000)
    run = make.approved_run()
    make.fault("forbidden")

    payout = make.send(run)

    run.refresh_from_db()
    attempt = attempt_of(payout)
    assert (run.state, payout.state, attempt.state) == ("paused", "reserved", "created")
    assert make.transfers() == []


def test_row_09_wrong_credentials_are_found_before_the_first_call() -> None:
    make.owed(5000)
    run = make.approved_run()
    make.fault_at("forbidden", "get /v1/balance")

    payout = make.send(run)

    run.refresh_from_db()
    assert (run.state, payout.state, attempt_of(payout).sends) == ("paused", "reserved", 0)
    assert run.pause_reason.startswith("misconfigured: ")
    running_payouts.resume_run(run=run, by=make.user(), at=NOON)
    make.drain()
    assert make.transfers() == [5000]


def test_row_10_a_key_conflict_freezes_the_payout() -> None:
    make.owed(5000)
    run = make.approved_run()
    attempt = attempt_of(Payout.objects.get())
    PayoutAttempt.objects.filter(id=attempt.id).update(
        request=json.dumps({**json.loads(attempt.request), "metadata": {"attempt": "other"}})
    )
    make.fault("time_out_after")
    make.send(run)
    PayoutAttempt.objects.filter(id=attempt.id).update(request=attempt.request)

    for hours in (1, 2, 30):
        sweeping.sweep_attempts(at=NOON + timedelta(hours=hours))

    attempt.refresh_from_db()
    assert (attempt.state, attempt.is_frozen, make.transfers()) == ("unknown", True, [5000])
    assert Payout.objects.get().attempts.count() == 1


def test_row_10_a_transfer_that_is_not_what_was_asked_for_freezes_the_payout() -> None:
    make.owed(5000)
    make.fault("time_out_after")
    payout = make.send(make.approved_run())
    transfer = SandboxObject.objects.get(type="transfer")
    transfer.body["amount"] = 4000
    transfer.save(update_fields=["body"])

    for _ in range(2):
        looking_up.adopt_transfer(transfer_id=transfer.object_id, at=NOON)
    sweeping.sweep_attempts(at=NOON + timedelta(hours=2))

    payout.refresh_from_db()
    attempt = attempt_of(payout)
    assert (payout.state, attempt.is_frozen, attempt.error_code) == (
        "unknown",
        True,
        "transfer_differs",
    )
    assert Event.objects.filter(kind="payout.frozen").count() == 1
    assert not Posting.objects.filter(kind="transfer_made").exists()


def test_row_11_the_same_job_twice_sends_once() -> None:
    make.owed(5000)
    run = make.approved_run()

    assert sending.send_some(run_id=run.id, at=NOON) == 1
    assert sending.send_some(run_id=run.id, at=NOON) == 0
    assert make.transfers() == [5000]


def test_row_18_a_failing_payout_leaves_the_others_alone() -> None:
    client = make.stocked(usd(100_000))
    for pay in (1000, 2000, 3000):
        make.earned(make.onboarded(), pay, client=client)
    run = make.approved_run()
    middle = Payout.objects.get(amount_minor=2000)
    sandboxing.press(
        button="close_account", object_id=middle.destination, by=make.user().id, at=NOON
    )

    sending.send_some(run_id=run.id, at=NOON)

    parts = {part.state: part.amount for part in run_parts(run)}
    assert parts == {"transferred": usd(4000), "held": usd(2000)}
    assert run_total(run) == usd(6000)
    assert sending.send_some(run_id=run.id, at=NOON) == 0
    assert sorted(make.transfers()) == [1000, 3000]


def test_row_18_a_rerun_touches_only_what_is_open() -> None:
    client = make.stocked(usd(100_000))
    for pay in (1000, 2000, 3000):
        make.earned(make.onboarded(), pay, client=client)
    make.fault("time_out_after")
    run = make.approved_run()
    sending.send_some(run_id=run.id, at=NOON)
    states = Payout.objects.values_list("state", flat=True)
    assert sorted(states) == ["transferred", "transferred", "unknown"]

    sweeping.sweep_attempts(at=NOON + timedelta(minutes=5))

    assert sorted(make.transfers()) == [1000, 2000, 3000]
    sends = PayoutAttempt.objects.order_by("sends").values_list("sends", flat=True)
    assert list(sends) == [1, 1, 2]


def test_row_27_an_account_replaced_before_sending_cancels_and_restores() -> None:
    who = make.owed(5000)
    run = make.approved_run()
    payee = Payout.objects.get().payee
    type(payee).objects.filter(id=payee.id).update(account_id="acct_other")

    payout = make.send(run)

    assert (payout.state, make.transfers()) == ("cancelled", [])
    assert expert_balance(who, "USD").available == usd(5000)
