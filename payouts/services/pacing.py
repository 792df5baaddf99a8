"""How fast calls leave for Stripe: one schedule for all workers, slower while Stripe is busy."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from payouts.models import SendingPace

MOST_SLOWDOWNS = 6
RECOVERY = timedelta(seconds=15)
FURTHEST_SLOT = timedelta(minutes=5)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(slots=True)
class Watch:
    """The time since a job began, from a monotonic clock, and how to let some pass.

    `at` is the instant of the beginning; tests give their own `clock` and `wait`.
    """

    at: datetime
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def now(self) -> datetime:
        """The instant, moved on by what has passed since the beginning."""
        return self.at + timedelta(seconds=self.clock() - self._began)

    def wait_until(self, instant: datetime) -> None:
        """Return at this instant or, when it is past, at once."""
        seconds = (instant - self.now()).total_seconds()
        if seconds > 0:
            self.wait(seconds)


def keep_pace(*, watch: Watch, until: datetime) -> datetime | None:
    """Wait for the next free slot of the instance and return it; None when it is after `until`.

    Slots are PAYOUT_RATE_PER_S a second, or half, a quarter … of it after `slow_down`. What the
    call itself takes is not added. A rate of 0 knows no slots.
    """
    if not settings.PAYOUT_RATE_PER_S:
        return watch.now()
    slot = _take_slot(watch.now(), until)
    if slot is not None:
        watch.wait_until(slot)
    return slot


@transaction.atomic(durable=True)
def slow_down(*, at: datetime) -> None:
    """Stripe is busy: halve the pace of all workers; it doubles again each quiet 15 seconds."""
    pace = _lock(at)
    if pace.slowed_at is None or at - pace.slowed_at >= _distance(pace.slowdowns):
        pace.slowdowns = min(pace.slowdowns + 1, MOST_SLOWDOWNS)
    pace.slowed_at = at
    pace.save(update_fields=["slowdowns", "slowed_at"])


def back_off(*, key: str, sends: int) -> timedelta:
    """How long to leave a busy Stripe alone after so many sends: 30 s, 1, 2 … 60 min.

    A quarter more or less, by the hash of the key: many that met the same refusal come back apart.
    """
    pause = min(FIRST_PAUSE * (1 << min(sends - 1, 10)), LONGEST_PAUSE)
    digest = hashlib.sha256(f"{key}:{sends}".encode()).digest()
    return pause * 3 // 4 + pause * int.from_bytes(digest[:2]) // (2 * 2**16)


@transaction.atomic(durable=True)
def _take_slot(at: datetime, until: datetime) -> datetime | None:
    pace = _lock(at)
    quiet = (at - pace.slowed_at) // RECOVERY if pace.slowed_at else 0
    if pace.slowdowns and quiet > 0:
        pace.slowdowns, pace.slowed_at = max(pace.slowdowns - quiet, 0), at
    is_ours = pace.next_slot_at - at < FURTHEST_SLOT  # else somebody's clock ran ahead
    slot = max(at, pace.next_slot_at) if is_ours else at
    if slot >= until:
        return None
    pace.next_slot_at = slot + _distance(pace.slowdowns)
    pace.save(update_fields=["next_slot_at", "slowdowns", "slowed_at"])
    return slot


def _lock(at: datetime) -> SendingPace:
    rows = SendingPace.objects.select_for_update()
    pace = rows.filter(id=1).order_by("id").first()
    if pace is None:
        first = SendingPace(id=1, next_slot_at=at)
        SendingPace.objects.bulk_create([first], ignore_conflicts=True)
        pace = rows.get(id=1)
    return pace


def _distance(slowdowns: int) -> timedelta:
    rate = settings.PAYOUT_RATE_PER_S
    return timedelta(seconds=1 << slowdowns) // rate if rate else timedelta(0)
