"""What an hour of measured work really came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, Count, ExpressionWrapper, F, FloatField, Q, QuerySet, Sum

from marketplace.kit.money import Money
from tasks.models import Assignment
from tasks.models.assignments import PAID, UNDECIDED

FEWEST = 5
_HOUR = ExpressionWrapper(F("pay_minor") * 3600.0 / F("active_seconds"), output_field=FloatField())


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


@dataclass(frozen=True, slots=True)
class OwnWork:
    """One currency of an expert's work: what nobody has decided would pay at most, and the rate."""

    in_review: Money
    answers: int
    rate: HourlyRate


def rates_by(rows: QuerySet[Assignment], *, key: str) -> dict[tuple[UUID, str], HourlyRate]:
    """The rate of these assignments per (`batch` or `project` or `expert`, currency)."""
    found = (
        rows.filter(state__in=PAID, pay_minor__gt=0, active_seconds__gt=0)
        .order_by()
        .values(f"{key}_id", "batch__currency")
        .annotate(median=Median(_HOUR), n=Count("pk"))
    )
    return {
        (row[f"{key}_id"], row["batch__currency"]): HourlyRate(
            Money(round(row["median"]), row["batch__currency"]) if row["n"] >= FEWEST else None,
            row["n"],
        )
        for row in found
    }


def own_work(rows: QuerySet[Assignment]) -> dict[str, OwnWork]:
    """By currency, of one expert's assignments, in one statement."""
    waits = Q(state__in=UNDECIDED) & ~Q(engagement__pay_channel="none")
    timed = Q(state__in=PAID, pay_minor__gt=0, active_seconds__gt=0)
    found = (
        rows.filter(waits | timed)
        .order_by()
        .values(currency=F("batch__currency"))
        .annotate(
            minor=Sum("price_minor", filter=waits, default=0),
            answers=Count("pk", filter=waits),
            median=Median(_HOUR, filter=timed),
            n=Count("pk", filter=timed),
        )
    )
    return {row["currency"]: _own(row) for row in found}


def _own(row: Mapping[str, Any]) -> OwnWork:  # Any: sums, counts and a median
    per_hour = Money(round(row["median"]), row["currency"]) if row["n"] >= FEWEST else None
    in_review = Money(row["minor"], row["currency"])
    return OwnWork(in_review, row["answers"], HourlyRate(per_hour, row["n"]))
