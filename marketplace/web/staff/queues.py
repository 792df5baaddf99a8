"""What waits for a person, how long, and what is over its clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Max, Min, Model, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.people.access import staff_roles
from marketplace.people.models import User
from marketplace.web.staff.access import BOOKS, CASES, for_staff, visible_jobs
from payouts.access import visible_clawbacks, visible_payouts, visible_runs
from vetting.access import visible_applications, visible_credentials
from vetting.models.credentials import PENDING

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Queue:
    """One line of the start page."""

    title: str
    icon: str
    url: str
    count: int
    age: str
    clock: str
    is_late: bool
    empty: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """A queue before it is counted: rows, the column they wait from, and how long they may.

    `ended` are rows that left it, with the column of when: for the longest wait of today.
    """

    title: str
    icon: str
    url: str
    rows: QuerySet[Model]
    since: str
    within: timedelta
    ended: tuple[QuerySet[Model], str] | None = None


@for_staff()
def queues(request: HttpRequest, user: User) -> HttpResponse:
    """The start page."""
    at = clock.now()
    found = [_queue(kind, at) for kind in _kinds(user)]
    context = {
        "queues": found,
        "waiting": sum(each.count for each in found),
        "late": sum(each.is_late for each in found),
        "next": next((each for each in found if each.is_late), None)
        or next((each for each in found if each.count), None),
    }
    return render(request, "web/staff/queues.html", context)


def words(span: timedelta) -> str:
    """A wait as people say it: `40 min`, `3 h`, `12 days`."""
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _kinds(user: User) -> Iterator[_Kind]:
    roles = staff_roles(user)
    if roles & set(CASES):
        yield from _applications(user)
    if roles & {"quality", "finance"}:
        yield _Kind(
            "Clawbacks to decide",
            "undo-2",
            reverse("staff:clawbacks"),
            visible_clawbacks(to=user).filter(state="proposed"),
            "proposed_at",
            3 * DAY,
        )
    if "vetting" in roles:
        credentials = visible_credentials(to=user)
        yield _Kind(
            "Credentials to check",
            "badge-check",
            reverse("staff:credentials"),
            credentials.filter(state__in=PENDING),
            "submitted_at",
            2 * DAY,
            (credentials.filter(state__in=["verified", "rejected"]), "decided_at"),
        )
    if roles & set(BOOKS):
        yield from _money(user)
    yield _Kind(
        "Dead jobs",
        "octagon-x",
        f"{reverse('staff:jobs')}?state=dead",
        visible_jobs(to=user).filter(state="dead"),
        "finished_at",
        HOUR,
    )


def _applications(user: User) -> Iterator[_Kind]:
    rows = visible_applications(to=user)
    pending = rows.filter(state__in=["submitted", "in_review"], proposed_outcome="")
    yield _Kind(
        "Applications",
        "graduation-cap",
        reverse("staff:applications"),
        pending.annotate(since=Coalesce("in_review_at", "submitted_at")),
        "since",
        10 * DAY,
        (rows.exclude(in_review_at=None).annotate(since=F("in_review_at")), "decided_at"),
    )
    yield _Kind(
        "Proposals to confirm",
        "users",
        f"{reverse('staff:applications')}?show=proposed",
        rows.exclude(proposed_outcome="").exclude(proposed_by=user),
        "proposed_at",
        2 * DAY,
    )


def _money(user: User) -> Iterator[_Kind]:
    runs = visible_runs(to=user)
    yield _Kind(
        "Runs to approve",
        "banknote",
        f"{reverse('staff:runs')}?state=closed",
        runs.filter(state="closed").exclude(opened_by=user),
        "closed_at",
        DAY,
        (runs.exclude(approved_at=None), "approved_at"),
    )
    yield _Kind(
        "Held payouts",
        "hand",
        f"{reverse('staff:payouts')}?state=held",
        visible_payouts(to=user).filter(state="held"),
        "reserved_at",
        3 * DAY,
    )


def _queue(kind: _Kind, at: datetime) -> Queue:
    found = kind.rows.aggregate(waiting=Count("pk"), oldest=Min(kind.since))
    age = at - found["oldest"] if found["oldest"] else timedelta(0)
    return Queue(
        title=kind.title,
        icon=kind.icon,
        url=kind.url,
        count=found["waiting"],
        age=words(age),
        clock=words(kind.within),
        is_late=age > kind.within,
        empty="" if found["waiting"] else _empty(kind, at),
    )


def _empty(kind: _Kind, at: datetime) -> str:
    if kind.ended is None:
        return "Nothing waiting."
    rows, column = kind.ended
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    ended = rows.filter(**{f"{column}__gte": today})
    longest = ended.aggregate(longest=Max(F(column) - F(kind.since)))["longest"]
    return f"Nothing waiting. Oldest today was {words(longest)}." if longest else "Nothing waiting."
