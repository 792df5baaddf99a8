"""What finance sees of a run: how far it is, and how much it pays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from marketplace.events.models import Event
from marketplace.kit.money import Money
from payouts.models import Payout, PayoutRun

# A bank pays within two working days; by then its answer is missing.
BANK_ANSWERS_WITHIN = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class RunPart:
    """The payouts of a run that are in one state."""

    state: str
    payouts: int
    amount: Money


def run_parts(run: PayoutRun) -> list[RunPart]:
    """The run's payouts by state; their sum is the run."""
    rows = Payout.objects.filter(run=run).values("state").order_by("state")
    return [
        RunPart(row["state"], row["n"], Money(row["total"], run.currency))
        for row in rows.annotate(n=Count("id"), total=Sum("amount_minor"))
    ]


def run_total(run: PayoutRun) -> Money:
    """What the run pays: everything but cancelled payouts."""
    rows = Payout.objects.filter(run=run).exclude(state="cancelled")
    return Money(rows.aggregate(total=Sum("amount_minor"))["total"] or 0, run.currency)


def agreed(rows: QuerySet[Payout]) -> QuerySet[Payout]:
    """What the runs of these payouts were approved for, or would be: one cancelled later counts."""
    cancelled = Event.objects.filter(object_id=OuterRef("pk"), kind="payout.cancelled")
    ended = cancelled.order_by("-id").values("occurred_at")[:1]
    return rows.alias(cancelled_at=Subquery(ended)).filter(
        ~Q(state="cancelled") | Q(cancelled_at__gt=F("run__approved_at"))
    )


def with_hold(rows: QuerySet[Payout]) -> QuerySet[Payout]:
    """These payouts with `held_at`: when the last hold began, or the birth of one born held."""
    held = Event.objects.filter(object_id=OuterRef("pk"), kind="payout.held").order_by("-id")
    return rows.annotate(held_at=Coalesce(Subquery(held.values("occurred_at")[:1]), "reserved_at"))


def without_answer(rows: QuerySet[Payout], *, at: datetime) -> QuerySet[Payout]:
    """Those of these payouts whose transfer should have ended, and nobody knows whether it did.

    Of a bank file that is no surprise before the bank has had its days.
    """
    return rows.filter(
        Q(attempts__rail="stripe") | Q(attempts__first_sent_at__lt=at - BANK_ANSWERS_WITHIN),
        attempts__state="unknown",
    )
