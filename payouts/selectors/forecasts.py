"""How long a project's money lasts at the pace of the last two weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, F, Min, Sum
from django.db.models.functions import TruncDate

from marketplace.kit.money import Money
from payouts.models import Earning
from payouts.selectors.budgets import Budget

WINDOW = timedelta(days=14)
FEWEST_DAYS = 3
FURTHEST_DAYS = 365


@dataclass(frozen=True, slots=True)
class Runway:
    """`days` until the money is used up, None where there is too little work to tell from.

    `per_day` is what the last 14 days cost on average, or as many days as there was work.
    """

    days: int | None
    per_day: Money | None

    @property
    def words(self) -> str:
        """What people read."""
        if self.days is None:
            return "not enough data"
        if self.days >= FURTHEST_DAYS:
            return "more than a year"
        return "less than a day" if self.days == 0 else f"about {_counted(self.days)}"


def runways(budgets: Mapping[UUID, Budget], *, at: datetime) -> dict[UUID, Runway]:
    """The runway of every project that has a budget, in one statement.

    Approved work counts when it was earned. Fewer than three days with work are not enough to
    tell.
    """
    rows = (
        Earning.objects.filter(
            escrow__subject_id__in=list(budgets), earned_at__gt=at - WINDOW, earned_at__lte=at
        )
        .exclude(state="voided")
        .values("escrow__subject_id")
        .annotate(
            cost=Sum(F("pay_minor") + F("fee_minor")),
            first=Min("earned_at"),
            days=Count(TruncDate("earned_at"), distinct=True),
        )
        .order_by()
    )
    found = {row["escrow__subject_id"]: row for row in rows}
    unknown = Runway(None, None)
    return {
        subject: _runway(
            budget, found[subject]["cost"], found[subject]["first"], found[subject]["days"], at
        )
        if subject in found
        else unknown
        for subject, budget in budgets.items()
    }


def _runway(budget: Budget, cost: int, first: datetime, days: int, at: datetime) -> Runway:
    if days < FEWEST_DAYS:
        return Runway(None, None)
    left = budget.escrow + budget.reserved + budget.pool
    span = min(WINDOW, at - first) // timedelta(days=1) + 1
    span = min(span, WINDOW.days)
    per_day = Money((cost + span // 2) // span, left.currency)
    return Runway(max(0, left.minor) * span // cost, per_day)


def _counted(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
