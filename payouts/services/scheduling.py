"""Runs that the calendar opens: once a week, for everybody who has enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from payouts.models import RAILS, PayoutRun
from payouts.selectors.limits import free_currencies
from payouts.services.collecting import available_earnings
from payouts.services.running_payouts import RunAlreadyOpen, finish_run, open_scheduled_run

WEEK = timedelta(days=7)
# A platform that slept through the hour still opens its run; one set up on Friday waits.
PATIENCE = timedelta(days=1)


def open_due_runs(*, at: datetime) -> list[PayoutRun]:
    """Open the runs of the last instant of PAYOUT_SCHEDULE, if that is not long past. A sequence.

    One per currency and rail with available money, once per instant. A run that a person has
    open counts for it. Ends yesterday's runs of cash-outs, too.
    """
    for row in PayoutRun.objects.filter(kind="cash_out", state="running").order_by("id"):
        finish_run(run_id=row.id, at=at)
    instant = last_opening(at=at)
    if instant is None or at - instant > PATIENCE:
        return []
    opened = []
    for currency in free_currencies():
        for rail in RAILS:
            if available_earnings(currency=currency, rail=rail).exists():
                opened += _open_once(currency, rail, instant, at)
    return opened


def last_opening(*, at: datetime) -> datetime | None:
    """The latest instant of the schedule that is not after `at`; None without a schedule."""
    if settings.PAYOUT_SCHEDULE is None:
        return None
    weekday, hour, minute = settings.PAYOUT_SCHEDULE
    day = at.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    instant = day - timedelta(days=(day.weekday() - weekday) % 7)
    return instant if instant <= at else instant - WEEK


def next_opening(*, at: datetime) -> datetime | None:
    """The next instant of the schedule after `at`; None without a schedule."""
    last = last_opening(at=at)
    return None if last is None else last + WEEK


def _open_once(currency: str, rail: str, instant: datetime, at: datetime) -> list[PayoutRun]:
    runs = PayoutRun.objects.filter(currency=currency, rail=rail)
    if runs.filter(opened_at__gte=instant).exclude(kind="cash_out").exists():
        return []
    try:
        run = open_scheduled_run(currency=currency, rail=rail, scheduled_for=instant, at=at)
    except RunAlreadyOpen:
        return []
    return [run]
