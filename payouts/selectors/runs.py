"""What finance sees of a run: how far it is, and how much it pays."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Sum

from marketplace.kit.money import Money
from payouts.models import Payout, PayoutRun


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
