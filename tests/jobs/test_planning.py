from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from marketplace.jobs.models import Job
from marketplace.jobs.services.planning import latest_instant, plan
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from tests.jobs.kinds import NOON

LATE = datetime(2026, 11, 20, 3, 7, 59, tzinfo=UTC)


def keys() -> list[str]:
    return list(Job.objects.order_by("key").values_list("key", flat=True))


@pytest.mark.django_db
def test_each_due_instant_is_one_job_however_often_it_is_planned(settings: Settings) -> None:
    settings.JOBS_SCHEDULE = {"jobs.forget_old": 600}

    plan(at=NOON)
    plan(at=NOON + timedelta(minutes=9, seconds=59))
    assert keys() == ["jobs.forget_old@2026-11-20T12:00Z"]

    plan(at=NOON + timedelta(minutes=10))
    assert keys()[1:] == ["jobs.forget_old@2026-11-20T12:10Z"]


@pytest.mark.django_db
def test_after_a_silence_only_the_latest_occurrence_is_caught_up(settings: Settings) -> None:
    settings.JOBS_SCHEDULE = {"jobs.forget_old": 600}
    plan(at=NOON)

    plan(at=NOON + timedelta(days=2, minutes=1))

    assert keys() == ["jobs.forget_old@2026-11-20T12:00Z", "jobs.forget_old@2026-11-22T12:00Z"]


@pytest.mark.django_db
def test_occurrences_run_by_the_clock_of_the_edge(settings: Settings) -> None:
    settings.JOBS_TICKS = {"jobs.plan": 60}
    settings.JOBS_SCHEDULE = {"jobs.forget_old": "03:00"}

    with clock.at(NOON - timedelta(days=1)):
        assert run_due_jobs() == 1
    with clock.at(NOON):
        assert run_due_jobs() == 1
        assert run_due_jobs() == 0

    assert keys() == ["jobs.forget_old@2026-11-19T03:00Z", "jobs.forget_old@2026-11-20T03:00Z"]


@pytest.mark.django_db
def test_a_kind_that_nobody_registers_is_told_and_skipped(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.JOBS_SCHEDULE = {"webhooks.of_tomorrow": 60, "jobs.forget_old": 60}

    plan(at=NOON)

    assert keys() == ["jobs.forget_old@2026-11-20T12:00Z"]
    assert caplog.messages == ["No package registers this scheduled kind"]


@pytest.mark.parametrize(
    ("period", "instant"),
    [
        (60, datetime(2026, 11, 20, 3, 7, tzinfo=UTC)),
        (600, datetime(2026, 11, 20, 3, 0, tzinfo=UTC)),
        (86_400, datetime(2026, 11, 20, tzinfo=UTC)),
        ("03:07", datetime(2026, 11, 20, 3, 7, tzinfo=UTC)),
        ("03:08", datetime(2026, 11, 19, 3, 8, tzinfo=UTC)),
    ],
)
def test_the_latest_instant_is_never_ahead(period: int | str, instant: datetime) -> None:
    assert latest_instant(period, at=LATE) == instant


@pytest.mark.parametrize("period", [30, 90])
def test_a_period_is_whole_minutes(period: int) -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        latest_instant(period, at=LATE)
