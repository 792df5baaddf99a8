"""Deadlines at the odd places of the calendar: to the instant, neither early nor late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from payouts.models import Earning
from payouts.selectors.invariants import check_ledger
from tasks.jobs import approve_overdue, expire_leases
from tasks.models import Task
from tests import make

pytestmark = pytest.mark.django_db
MOMENT = timedelta(microseconds=1)
ODD = [
    pytest.param(datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), id="year end"),
    pytest.param(datetime(2027, 1, 31, 23, 50, tzinfo=UTC), id="month end"),
    pytest.param(datetime(2027, 3, 28, 0, 59, 59, tzinfo=UTC), id="Berlin's clocks go forward"),
    pytest.param(datetime(2027, 10, 31, 0, 59, 59, tzinfo=UTC), id="Berlin's clocks go back"),
    pytest.param(datetime(2028, 2, 28, 23, 55, tzinfo=UTC), id="leap day"),
    pytest.param(datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC), id="32 bits are full"),
]


@pytest.fixture(autouse=True)
def by_hand(settings: Settings) -> None:
    """Only what a test calls happens."""
    settings.JOBS_TICKS, settings.JOBS_SCHEDULE = {}, {}


@pytest.mark.parametrize("instant", ODD)
def test_a_lease_ends_when_it_says(instant: datetime) -> None:
    held = make.claimed(make.open_batch(tasks=1, answers=1), at=instant)
    assert held.lease_until == instant + timedelta(seconds=held.lease_seconds)

    with clock.at(held.lease_until - MOMENT):
        expire_leases()
    before = held.state, Task.objects.get().is_open
    with clock.at(held.lease_until):
        expire_leases()

    held.refresh_from_db()
    assert before == ("active", False)
    assert (held.state, Task.objects.get().is_open) == ("expired", True)


@pytest.mark.parametrize("instant", ODD)
def test_silence_approves_after_the_review_window_and_not_before(instant: datetime) -> None:
    batch = make.open_batch(tasks=1, answers=1)
    sent = make.submitted(batch, at=instant)
    end = instant + timedelta(days=batch.review_days)

    with clock.at(end - MOMENT):
        approve_overdue()
    early = Earning.objects.count()
    with clock.at(end):
        approve_overdue()
        run_due_jobs()

    sent.refresh_from_db()
    assert (early, sent.state) == (0, "approved")
    assert Earning.objects.get().earned_at == end
    assert check_ledger(end).broken == ()
