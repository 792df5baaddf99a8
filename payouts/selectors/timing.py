"""How long it takes from handing work in to money in the bank, computed from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

# Stripe pays experts' banks daily; two days usually, five business days at worst
# (docs.stripe.com/payouts, docs.stripe.com/connect/manage-payout-schedule).
STRIPE_USUAL, STRIPE_WORST = timedelta(days=2), timedelta(days=7)
SECOND_PERSON_USUAL, SECOND_PERSON_WORST = timedelta(hours=4), timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of the way; `usual` is what most see, `worst` what the settings allow."""

    name: str
    usual: timedelta
    worst: timedelta


@dataclass(frozen=True, slots=True)
class Timing:
    """The way by the weekly run or by a cash-out, stage by stage."""

    stages: tuple[Stage, ...]

    @property
    def usual(self) -> timedelta:
        """From handing in to the bank, as most see it."""
        return sum((stage.usual for stage in self.stages), timedelta(0))

    @property
    def worst(self) -> timedelta:
        """From handing in to the bank when every stretch takes as long as it may."""
        return sum((stage.worst for stage in self.stages), timedelta(0))


def weekly_timing(*, review: timedelta, hold: timedelta) -> Timing:
    """By the scheduled run. `review` is the client's window, after which silence approves.

    Usual: reviewed after half the window, a run half a week away.
    """
    tick = timedelta(seconds=int(settings.JOBS_SCHEDULE.get("payouts.release_holds", 600)))
    run = Stage("Next run", WEEK // 2, WEEK)
    return Timing(
        (
            *_judged(review),
            Stage("Hold", hold, hold + tick),
            *([run] if settings.PAYOUT_SCHEDULE else []),
            Stage("Second person", SECOND_PERSON_USUAL, SECOND_PERSON_WORST),
            *_sent(),
        )
    )


def cash_out_timing(*, review: timedelta) -> Timing:
    """By a cash-out on the day of the approval: no hold, no run, nobody to wait for."""
    return Timing((*_judged(review), *_sent()))


def _judged(review: timedelta) -> tuple[Stage, Stage]:
    ticks = settings.JOBS_TICKS
    rule = timedelta(seconds=ticks.get("tasks.approve_overdue", 60))
    poster = timedelta(seconds=ticks.get("payouts.post_earnings", 2))
    return (
        Stage("Review", review // 2, review + rule),
        Stage("Booking", poster, timedelta(minutes=1)),
    )


def _sent() -> tuple[Stage, Stage]:
    sweep = timedelta(seconds=settings.JOBS_TICKS.get("payouts.sweep_attempts", 60))
    return (
        Stage("Sending", timedelta(seconds=10), sweep * 6),
        Stage("Bank", STRIPE_USUAL, STRIPE_WORST),
    )
