"""The expert's start page: the next act first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.events.models import Event
from marketplace.kit import clock
from marketplace.kit.money import Money
from marketplace.organizations.access import memberships_of
from marketplace.people.access import expert_of, is_staff, signed_in
from marketplace.people.models import Expert, User
from marketplace.web.expert.charts import weekly_earnings
from marketplace.web.expert.feed import WORDS, feed_of
from marketplace.web.expert.lease import lease_of
from marketplace.web.expert.money_words import why_words
from marketplace.web.expert.openings import fitting, levels_of, open_projects, work_rows
from marketplace.web.expert.scores import scores_of
from marketplace.web.expert.setup import setup_steps
from marketplace.web.public.views import landing
from payouts.access import visible_payees
from payouts.models import Payee
from payouts.selectors.came_back import unpaid_of
from payouts.selectors.earnings import expert_balance
from tasks.access import own_assignments
from tasks.models import Assignment

ROWS = 5
WEEK = timedelta(days=7)
TYPING = ("active", "changes_requested")


def home(request: HttpRequest) -> HttpResponse:
    """The start page of whoever asks: visitor, expert, client or staff."""
    if not request.user.is_authenticated:
        return landing(request)
    user = signed_in(request)
    expert = expert_of(user)
    if expert is None:
        return redirect(_elsewhere(user))
    return render(request, "web/expert/home.html", _context(request, expert, at=clock.now()))


def _elsewhere(user: User) -> str:
    for membership in memberships_of(user):
        return f"/o/{membership.organization.slug}/"
    return "/staff/" if is_staff(user) else reverse("account")


def _context(
    request: HttpRequest, expert: Expert, *, at: datetime
) -> dict[str, Any]:  # Any: template values
    levels = levels_of(expert, at=at)
    own = own_assignments(to=expert.user)
    codes = _currencies(own)
    asked = request.GET.get("currency", "")
    currency = asked if asked in codes else codes[0]
    active = own.filter(state__in=TYPING).select_related("project", "batch").order_by("pk")[:ROWS]
    projects = fitting(open_projects(expert), expert, at=at).order_by("-pk")[:ROWS]
    payees = visible_payees(to=expert.user).filter(expert=expert).exclude(state="closed")
    payee = payees.order_by("pk").first()
    return {
        "expert": expert,
        "currencies": [
            {"label": each, "url": f"?currency={each}", "is_current": each == currency}
            for each in codes
        ],
        "active": [_active(each, at) for each in active],
        "balance": expert_balance(expert, currency),
        **_work(own, currency, at),
        "scores": scores_of(expert, at=at),
        "work": work_rows(expert, projects, levels),
        "steps": setup_steps(expert, payee, is_qualified=bool(levels), at=at),
        "payee_problem": _payee_problem(payee),
        "chart": weekly_earnings(expert, currency, unpaid=unpaid_of(expert), at=at),
        "feed": feed_of(Event.objects.filter(expert=expert.pk, kind__in=WORDS).order_by("-id")[:6]),
        "hello": expert.display_name.split()[0],
    }


def _currencies(own: QuerySet[Assignment]) -> list[str]:
    """Those of the expert's work, the instance's in its order; its first before any work."""
    if len(settings.CURRENCIES) == 1:
        return list(settings.CURRENCIES)
    worked = sorted(set(own.order_by().values_list("batch__currency", flat=True).distinct()))
    known = [each for each in settings.CURRENCIES if each in worked]
    return [*known, *(each for each in worked if each not in known)] or [settings.CURRENCIES[0]]


def _active(assignment: Assignment, at: datetime) -> dict[str, Any]:  # Any: template values
    lease = lease_of(assignment, at=at)
    minutes = -(-lease.seconds_left // 60) if lease else 0
    return {"assignment": assignment, "lease": lease, "minutes": minutes}


def _work(own: QuerySet[Assignment], currency: str, at: datetime) -> dict[str, Any]:
    """What waits for a verdict and what seven days came to. Any: template values."""
    waits, lately = Q(state="awaiting_review"), Q(decided_at__gt=at - WEEK)
    found = own.filter(waits | lately, batch__currency=currency).aggregate(
        waiting=Sum("price_minor", filter=waits, default=0),
        n=Count("pk", filter=waits),
        first=Min("review_until", filter=waits),
        pay=Sum("pay_minor", filter=lately, default=0),
        seconds=Sum("active_seconds", filter=lately, default=0),
    )
    pay, seconds = found["pay"], found["seconds"]
    hourly = Money(pay * 3600 // seconds, currency) if seconds else None
    waiting = {**found, "amount": Money(found["waiting"], currency)}
    week = {"amount": Money(pay, currency), "hourly": hourly, "minutes": seconds // 60}
    return {"waiting": waiting, "week": week}


def _payee_problem(payee: Payee | None) -> str:
    if payee is None or payee.state != "restricted":
        return ""
    return why_words(payee.why or "requirements_past_due")
