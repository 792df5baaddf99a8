"""How long the work of a project really takes, from the seconds people worked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Aggregate, Count, FloatField

from marketplace.kit.money import Money
from tasks.models import Submission

FEWEST = 5


class Percentile(Aggregate):
    """PostgreSQL's `percentile_cont` at a fixed share."""

    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds per answer in a project: median, 75th percentile, and from how many."""

    median: int
    p75: int
    n: int

    def hourly(self, pay: Money) -> Money:
        """What the median answer earns in an hour."""
        return Money(pay.minor * 3600 // max(1, self.median), pay.currency)

    def words(self, pay: Money) -> str:
        """`14 min · 77.14 USD/h`; from fewer than five answers it is called an estimate."""
        if self.median == 0:
            return "no times yet"
        told = f"{minutes(self.median)} · {self.hourly(pay)}/h"
        return told if self.n >= FEWEST else f"{told}, estimate from {self.n}"


NOTHING = Pace(0, 0, 0)


def paces(project_ids: Collection[UUID]) -> dict[UUID, Pace]:
    """The pace of each of these projects that has answers, in one query."""
    rows = (
        Submission.objects.filter(assignment__project__in=project_ids, revision=1)
        .values("assignment__project")
        .annotate(
            median=Percentile("active_seconds", share=0.5),
            p75=Percentile("active_seconds", share=0.75),
            n=Count("pk"),
        )
    )
    return {
        row["assignment__project"]: Pace(int(row["median"]), int(row["p75"]), row["n"])
        for row in rows
    }


def pay_words(price: Money, hourly_minor: int | None) -> str:
    """`2.50 USD`, or `up to 2.50 USD, 30.00 USD/h` where measured time is paid."""
    if hourly_minor is None:
        return str(price)
    return f"up to {price}, {Money(hourly_minor, price.currency)}/h"


def minutes(seconds: int) -> str:
    """`45 s` below a minute and a half, else whole minutes."""
    return f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min"
