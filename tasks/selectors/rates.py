"""What an hour of measured work really came to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Aggregate, Count, ExpressionWrapper, F, FloatField, QuerySet

from marketplace.kit.money import Money
from tasks.models import Assignment
from tasks.models.assignments import PAID

FEWEST = 5


class Median(Aggregate):
    """PostgreSQL's median."""

    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class HourlyRate:
    """The median over `n` paid answers; `per_hour` is None under five, too few to say."""

    per_hour: Money | None
    n: int

    def __str__(self) -> str:
        if self.per_hour is None:
            return "not enough data"
        return f"{self.per_hour}/h"


UNKNOWN = HourlyRate(None, 0)


def rates_by(rows: QuerySet[Assignment], *, key: str) -> dict[tuple[UUID, str], HourlyRate]:
    """The rate of these assignments per (`batch` or `project` or `expert`, currency)."""
    hour = ExpressionWrapper(
        F("pay_minor") * 3600.0 / F("active_seconds"), output_field=FloatField()
    )
    found = (
        rows.filter(state__in=PAID, pay_minor__gt=0, active_seconds__gt=0)
        .order_by()
        .values(f"{key}_id", "batch__currency")
        .annotate(median=Median(hour), n=Count("pk"))
    )
    return {
        (row[f"{key}_id"], row["batch__currency"]): HourlyRate(
            Money(round(row["median"]), row["batch__currency"]) if row["n"] >= FEWEST else None,
            row["n"],
        )
        for row in found
    }
