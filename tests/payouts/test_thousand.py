"""A thousand experts, one call in twenty goes wrong, and every cent arrives once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from pytest_django.fixtures import Settings

from payouts.models import Account, Payee, Payout, PayoutAttempt, PayoutRun
from payouts.models.sandbox import REQUEST_FAULTS
from payouts.selectors.invariants import check_ledger
from payouts.services import onboarding, running_payouts, sending, sweeping
from payouts.services.pacing import Watch
from tests.payouts import crowd, make
from tests.payouts.make import NOON

# Thousands of savepoints in one transaction would take a third longer.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
EXPERTS = 1000
HALF_HOUR = timedelta(minutes=30)


class Weather:
    """A clock of our own that, before one call in twenty, lets something go wrong."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.chance = Random(20261121)
        self.happened: Counter[str] = Counter()

    def read(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        if self.chance.random() < 0.05:
            kind = self.chance.choice(REQUEST_FAULTS)
            self.happened[kind] += 1
            make.fault(kind)

    def watch(self) -> Watch:
        return Watch(NOON + timedelta(seconds=self.seconds), clock=self.read, wait=self.wait)


def send_the_run(run: PayoutRun, weather: Weather) -> None:
    """Jobs that send, until nothing waits; finance resumes what has paused."""
    while Payout.objects.filter(run=run, state="reserved").exists():
        run.refresh_from_db()
        if run.state == "paused":
            running_payouts.resume_run(run=run, by=make.user(), at=NOON)
        watch = weather.watch()
        sending.send_some(run_id=run.id, at=watch.at, watch=watch)


def mend(weather: Weather) -> None:
    """The next half hour: the sweep, a look at held accounts, and after a day two people."""
    weather.seconds += HALF_HOUR.total_seconds()
    watch = weather.watch()
    sweeping.sweep_attempts(at=watch.at, watch=watch)
    for payee in Payee.objects.filter(payouts__state="held").distinct().order_by("id"):
        onboarding.sync_payee(account_id=str(payee.account_id), at=watch.at)
    lost = watch.at - sweeping.PROVABLE_AFTER
    for attempt in PayoutAttempt.objects.filter(state="unknown", first_sent_at__lte=lost):
        sweeping.confirm_not_sent(
            attempt=attempt, by=make.user(), seconded_by=make.user(), at=watch.at
        )


def test_a_thousand_experts_are_paid_to_the_cent_while_one_call_in_twenty_fails(
    settings: Settings,
) -> None:
    settings.PAYOUT_RATE_PER_S = 10
    total, weather = crowd.owed(EXPERTS), Weather()
    make.fault_at("lose_event", "", 10**6)  # nobody but the sender itself may find out
    run = make.approved_run()

    send_the_run(run, weather)
    after_the_first_pass = Counter(Payout.objects.values_list("state", flat=True))
    while Payout.objects.exclude(state="transferred").exists():
        mend(weather)
        send_the_run(run, weather)

    run.refresh_from_db()
    assert set(weather.happened) == set(REQUEST_FAULTS)
    assert after_the_first_pass["unknown"] > 5
    assert sorted(make.transfers()) == [crowd.LEAST + n for n in range(EXPERTS)]
    moving = Account.objects.filter(kind="payout_in_transit")
    assert {row.balance_minor for row in moving} == {0}
    assert sum(row.debits_minor for row in moving) == sum(make.transfers()) == total
    assert run.state == "done"
    assert check_ledger(NOON).broken == ()
