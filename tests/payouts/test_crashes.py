"""A worker's process that ends anywhere while it pays: everybody gets it once, booked once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from payouts.models import PayoutAttempt
from payouts.services import sweeping
from tests.payouts import crashing, make
from tests.payouts.child import DIED, die_working
from tests.payouts.dying import OVER_AN_UNKNOWN_PAYOUT, WHILE_IT_RESERVES, WHILE_IT_SENDS, Death

pytestmark = pytest.mark.django_db(transaction=True)


def runs_jobs(death: Death) -> None:
    assert die_working(run_due_jobs, death) == DIED


def sends_and_sweeps(death: Death) -> None:
    assert die_working(crashing.send_and_sweep, death) == DIED


@pytest.mark.parametrize("death", WHILE_IT_RESERVES, ids=str)
def test_a_process_that_dies_while_it_reserves(death: Death) -> None:
    crashing.dies_while_it_reserves(death, runs_jobs)

    assert sorted(make.transfers()) == [4000, 5000]


@pytest.mark.parametrize("death", WHILE_IT_SENDS, ids=str)
def test_a_process_that_dies_while_it_sends(death: Death) -> None:
    crashing.dies_while_it_sends(death, runs_jobs)

    assert sorted(make.transfers()) == [4000, 5000]


@pytest.mark.parametrize("death", OVER_AN_UNKNOWN_PAYOUT, ids=str)
def test_a_process_that_dies_over_an_unknown_payout(death: Death) -> None:
    crashing.dies_over_an_unknown_payout(death, sends_and_sweeps)

    assert sorted(make.transfers()) == [4000, 5000]


def test_a_process_that_dies_between_the_answer_and_its_record_sends_the_same_bytes() -> None:
    make.owed(5000)
    make.drain()
    make.approved_run()
    before = PayoutAttempt.objects.get()

    runs_jobs(Death("payouts.services.sending.outcomes.succeed", 1, ("submitting",), 1))
    sweeping.sweep_attempts(at=clock.now() + timedelta(minutes=5))

    after = PayoutAttempt.objects.get()
    assert (after.key, after.request, after.sends) == (before.key, before.request, 2)
    assert (after.state, make.transfers()) == ("succeeded", [5000])
