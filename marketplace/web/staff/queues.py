"""What waits for a person, how long, and what waits too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.people.access import staff_roles
from marketplace.people.models import User
from marketplace.web.staff.access import BOOKS, CASES, for_staff, visible_jobs
from marketplace.web.staff.money_queues import clawback_queue, money_queues
from marketplace.web.staff.waiting import DAY, HOUR, Kind, counted
from vetting.access import visible_applications, visible_credentials
from vetting.models.credentials import PENDING


@for_staff()
def queues(request: HttpRequest, user: User) -> HttpResponse:
    """The start page."""
    at = clock.now()
    found = counted([_others(kind, user) for kind in _kinds(user, at)], at)
    context = {
        "queues": found,
        "waiting": sum(each.count for each in found),
        "late": sum(each.is_late for each in found),
        "next": next((each for each in found if each.is_late), None)
        or next((each for each in found if each.count), None),
    }
    return render(request, "web/staff/queues.html", context)


def _others(kind: Kind, user: User) -> Kind:
    """What the person did not begin, where whoever began may not decide."""
    if not kind.maker:
        return kind
    return replace(kind, rows=kind.rows.exclude(**{kind.maker: user.pk}))


def _kinds(user: User, at: datetime) -> Iterator[Kind]:
    roles = staff_roles(user)
    if roles & set(CASES):
        yield from _applications(user)
    if roles & {"quality", "finance"}:
        yield clawback_queue(user)
    if "vetting" in roles:
        credentials = visible_credentials(to=user)
        yield Kind(
            "Credentials to check",
            "badge-check",
            reverse("staff:credentials"),
            credentials.filter(state__in=PENDING),
            "submitted_at",
            2 * DAY,
            (credentials.filter(state__in=["verified", "rejected"]), "decided_at"),
        )
    if roles & set(BOOKS):
        yield from money_queues(user, at=at)
    yield Kind(
        "Dead jobs",
        "octagon-x",
        f"{reverse('staff:jobs')}?state=dead",
        visible_jobs(to=user).filter(state="dead"),
        "finished_at",
        HOUR,
    )


def _applications(user: User) -> Iterator[Kind]:
    rows = visible_applications(to=user)
    pending = rows.filter(state__in=["submitted", "in_review"], proposed_outcome="")
    yield Kind(
        "Applications",
        "graduation-cap",
        reverse("staff:applications"),
        pending.annotate(since=Coalesce("in_review_at", "submitted_at")),
        "since",
        10 * DAY,
        (rows.exclude(in_review_at=None).annotate(since=F("in_review_at")), "decided_at"),
    )
    yield Kind(
        "Proposals to confirm",
        "users",
        f"{reverse('staff:applications')}?show=proposed",
        rows.exclude(proposed_outcome="").exclude(proposed_by=user),
        "proposed_at",
        2 * DAY,
    )
