"""Runs that the calendar opens, and how long the way to the bank is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from marketplace.kit.environment import amounts, weekly
from payouts.models import Payout, PayoutRun
from payouts.selectors.limits import limits_for
from payouts.selectors.timing import cash_out_timing, weekly_timing
from payouts.services import collecting, running_payouts, scheduling
from payouts.services.proposing import SamePerson
from tests.payouts import make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db
TUESDAY = datetime(2026, 11, 24, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REVIEW = timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "found"),
    [("tuesday 06:00", (1, 6, 0)), ("Sunday 23:59", (6, 23, 59)), ("off", None)],
)
def test_a_schedule_is_a_time_of_the_week(text: str, found: object) -> None:
    assert weekly(text) == found


@pytest.mark.parametrize("text", ["tuesday", "someday 06:00", "tuesday 25:00", "06:00"])
def test_a_schedule_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        weekly(text)


def test_caps_are_read_by_currency() -> None:
    assert amounts("USD=500000, EUR=400000") == {"USD": 500_000, "EUR": 400_000}
    with pytest.raises(ImproperlyConfigured):
        amounts("500000")


def test_a_run_opens_once_a_week_by_itself() -> None:
    make.owed(5000)

    before = scheduling.open_due_runs(at=TUESDAY - MINUTE)
    opened = scheduling.open_due_runs(at=TUESDAY + MINUTE)
    again = scheduling.open_due_runs(at=TUESDAY + 2 * MINUTE)

    assert before == [] == again
    (run,) = opened
    assert (run.opened_by, run.scheduled_for, run.state) == (None, TUESDAY, "open")


def test_an_instant_has_one_run_in_the_database() -> None:
    make.owed(5000)
    (run,) = scheduling.open_due_runs(at=TUESDAY)
    PayoutRun.objects.filter(id=run.id).update(state="cancelled", finished_at=TUESDAY)

    with pytest.raises(IntegrityError, match="one_run_per_scheduled_instant"):  # noqa: SIM117
        with transaction.atomic():
            PayoutRun.objects.create(currency="USD", scheduled_for=TUESDAY, opened_at=TUESDAY)
    assert scheduling.open_due_runs(at=TUESDAY) == []


def test_the_next_week_has_its_own_run() -> None:
    make.owed(5000)
    (first,) = scheduling.open_due_runs(at=TUESDAY)
    running_payouts.cancel_run(run=first, by=make.user(), at=TUESDAY)

    (second,) = scheduling.open_due_runs(at=TUESDAY + timedelta(days=7))

    assert second.scheduled_for == TUESDAY + timedelta(days=7)


def test_a_run_that_a_person_opened_counts() -> None:
    make.owed(5000)
    running_payouts.open_run(currency="USD", by=make.user(), at=TUESDAY)

    assert scheduling.open_due_runs(at=TUESDAY + MINUTE) == []


def test_no_run_opens_for_nobody_or_long_after_its_hour(settings: Settings) -> None:
    assert scheduling.open_due_runs(at=TUESDAY) == []
    make.owed(5000)
    assert scheduling.open_due_runs(at=TUESDAY + timedelta(days=2)) == []
    settings.PAYOUT_SCHEDULE = None

    assert scheduling.open_due_runs(at=TUESDAY) == []
    assert scheduling.next_opening(at=NOON) is None


def test_the_next_opening_is_after_now() -> None:
    assert scheduling.next_opening(at=NOON) == TUESDAY
    assert scheduling.next_opening(at=TUESDAY) == TUESDAY + timedelta(days=7)


def test_finance_closes_a_scheduled_run_and_another_approves_it() -> None:
    make.owed(5000)
    (run,) = scheduling.open_due_runs(at=TUESDAY)
    collecting.collect_run(run_id=run.id, at=TUESDAY)
    closer, checker = make.user(), make.user()
    run = running_payouts.close_run(run=run, by=closer, at=TUESDAY)

    with pytest.raises(SamePerson, match="closed"):
        running_payouts.approve_run(run=run, by=closer, at=TUESDAY)
    with pytest.raises(IntegrityError, match="checker_of_a_scheduled_run"), transaction.atomic():
        PayoutRun.objects.update(state="approved", approved_by=closer, approved_at=TUESDAY)

    assert running_payouts.approve_run(run=run, by=checker, at=TUESDAY).approved_by == checker
    assert Payout.objects.get().amount_minor == 5000


def test_the_way_to_the_bank_takes_as_long_as_the_settings_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    weekly_way = weekly_timing(review=REVIEW, hold=_hold())
    today = cash_out_timing(review=REVIEW)

    with capsys.disabled():
        for name, way in (("weekly run", weekly_way), ("cash-out", today)):
            lines = [f"{stage.name} {stage.usual}/{stage.worst}" for stage in way.stages]
            report = f"{name}: usual {way.usual}, worst {way.worst} ({', '.join(lines)})"
            assert report
            _show(report)

    assert weekly_way.usual == timedelta(days=12, hours=4, seconds=12)
    assert weekly_way.worst == timedelta(days=25, minutes=18)
    assert today.usual == timedelta(days=5, hours=12, seconds=12)
    assert today.worst == timedelta(days=14, minutes=8)


def test_a_shorter_hold_shortens_the_weekly_way(settings: Settings) -> None:
    before = weekly_timing(review=REVIEW, hold=_hold()).worst
    settings.PAYOUT_HOLD_HOURS -= 24

    assert before - weekly_timing(review=REVIEW, hold=_hold()).worst == timedelta(days=1)


def _hold() -> timedelta:
    return limits_for(currency="USD", country="DE", at=NOON).hold


def _show(line: str) -> None:
    print(f"\n{line}")  # noqa: T201 the figure is the point
