"""The log of what happened, with a filter and a check of its chain."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.events.models import Event
from marketplace.events.selectors import ChainReport, chain_head, verify_chain
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import for_staff, visible_events


@for_staff("auditor")
def events(request: HttpRequest, user: User) -> HttpResponse:
    """Events, newest first."""
    return _answer(request, user)


@for_staff("auditor")
def check(request: HttpRequest, user: User) -> HttpResponse:
    """Recompute the whole chain and say what is wrong with it; only a POST does."""
    if request.method != "POST":  # a filter or a page of the list below the answer
        return redirect(f"{reverse('staff:events')}?{request.GET.urlencode()}")
    return _answer(request, user, report=verify_chain())


def _answer(request: HttpRequest, user: User, report: ChainReport | None = None) -> HttpResponse:
    kind, about = request.GET.get("kind", "").strip(), request.GET.get("about", "").strip()
    page = page_of(request, _chosen(visible_events(to=user), kind, about).select_related("seal"))
    context = {
        "page": page,
        "rows": page.rows,
        "kind": kind,
        "about": about,
        "head": chain_head(),
        "report": report,
    }
    return render(request, "web/staff/events.html", context)


def _chosen(rows: QuerySet[Event], kind: str, about: str) -> QuerySet[Event]:
    """By the beginning of the kind, and by any id that an event names."""
    if kind:
        rows = rows.filter(kind__startswith=kind)
    if not about:
        return rows
    try:
        key = UUID(about)
    except ValueError:
        return rows.none()
    named = Q(object_id=key) | Q(actor=key) | Q(expert=key) | Q(organization=key) | Q(project=key)
    return rows.filter(named)
