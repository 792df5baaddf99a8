"""A queue of rows that wait for a person: how many, how long, and whether too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Max, Min, Model, QuerySet, Value

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, counted."""

    title: str
    icon: str
    url: str
    count: int
    age: str
    clock: str
    is_late: bool
    empty: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A queue before it is counted: rows, the column they wait from, and how long they may.

    `ended` are rows that left it, with the column of when: for the longest wait of today. `maker`
    is the column of who may not decide.
    """

    title: str
    icon: str
    url: str
    rows: QuerySet[Model]
    since: str
    within: timedelta
    ended: tuple[QuerySet[Model], str] | None = None
    maker: str = ""


def counted(kinds: Sequence[Kind], at: datetime) -> list[Queue]:
    """The queues in one statement, and one for each that is empty and tells of today."""
    first, *others = (
        kind.rows.order_by()
        .values_list(Value(number))
        .annotate(waiting=Count("pk"), oldest=Min(kind.since))
        for number, kind in enumerate(kinds)
    )
    found = {number: (waiting, oldest) for number, waiting, oldest in first.union(*others)}
    return [_queue(kind, *found.get(number, (0, None)), at=at) for number, kind in enumerate(kinds)]


def _queue(kind: Kind, waiting: int, oldest: datetime | None, *, at: datetime) -> Queue:
    age = at - oldest if oldest else timedelta(0)
    return Queue(
        title=kind.title,
        icon=kind.icon,
        url=kind.url,
        count=waiting,
        age=words(age),
        clock=words(kind.within),
        is_late=age > kind.within,
        empty="" if waiting else _empty(kind, at),
    )


def words(span: timedelta) -> str:
    """A wait as people say it: `40 min`, `3 h`, `12 days`."""
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _empty(kind: Kind, at: datetime) -> str:
    if kind.ended is None:
        return "Nothing waiting."
    rows, column = kind.ended
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    ended = rows.filter(**{f"{column}__gte": today})
    longest = ended.aggregate(longest=Max(F(column) - F(kind.since)))["longest"]
    return f"Nothing waiting. Oldest today was {words(longest)}." if longest else "Nothing waiting."
