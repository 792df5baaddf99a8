"""Occurrences: periodic work that is a job of its own each time."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.db import transaction

from marketplace.jobs.gateways import is_registered
from marketplace.jobs.services.enqueueing import enqueue

logger = logging.getLogger(__name__)


@transaction.atomic
def plan(*, at: datetime) -> None:
    """Enqueue the latest occurrence of every kind in `JOBS_SCHEDULE`, once however often called.

    The instant is in the key, so two beats collide there; after a silence only the latest
    occurrence of each kind is caught up.
    """
    for kind, period in settings.JOBS_SCHEDULE.items():
        if not is_registered(kind):
            logger.error("No package registers this scheduled kind", extra={"kind": kind})
            continue
        enqueue(kind, key=f"{kind}@{latest_instant(period, at=at):%Y-%m-%dT%H:%MZ}")


def latest_instant(period: int | str, *, at: datetime) -> datetime:
    """The last one not after `at`: every `period` seconds from 1970, or daily at "HH:MM" UTC."""
    moment = at.astimezone(UTC)
    if isinstance(period, int):
        if period < 60 or period % 60:
            raise ValueError("a period is whole minutes; what runs more often is a tick")
        seconds = int(moment.timestamp())
        return datetime.fromtimestamp(seconds - seconds % period, tz=UTC)
    today = datetime.combine(moment.date(), time.fromisoformat(period), tzinfo=UTC)
    return today if today <= moment else today - timedelta(days=1)
