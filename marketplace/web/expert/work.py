"""Find work, and what a project asks and pays before one claims."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.formats.registry import FORMATS
from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.kit.markdown import render_markdown
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from marketplace.people.services.joining import end_break, take_break
from marketplace.projects.access import joinable_projects, visible_engagements
from marketplace.projects.models import Project
from marketplace.web.expert.labels import kind_icon, kind_title
from marketplace.web.expert.openings import (
    NEEDS,
    fitting,
    levels_of,
    open_projects,
    requirement_words,
    work_rows,
)
from marketplace.web.expert.own import for_expert
from marketplace.web.expert.pace import NOTHING, minutes, paces, pay_words
from marketplace.web.paging import page_of
from tasks.access import own_assignments
from tasks.selectors.work import offers
from tasks.services.claiming import claim_next
from tasks.services.engaging import accept_terms


@for_expert
def find_work(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Open projects, those that fit first asked for; filters live in the address."""
    at = clock.now()
    levels = levels_of(expert, at=at)
    projects = open_projects(expert)
    kind, shown = request.GET.get("format", ""), request.GET.get("show", "fitting")
    if kind in FORMATS:
        projects = projects.filter(format=kind)
    if shown != "all":
        projects = fitting(projects, expert, at=at)
    page = page_of(request, projects)
    context = {
        "page": page,
        "work": work_rows(expert, page.rows, levels),
        "is_vetted": bool(levels),
        "is_paused": expert.paused_at is not None,
        "kinds": [(each.kind, each.title) for each in FORMATS.values()],
        "kind": kind,
        "shown": shown,
    }
    return render(request, "web/expert/find_work.html", context)


@for_expert
def project(request: HttpRequest, expert: Expert, project_id: UUID) -> HttpResponse:
    """Purpose, terms, guidelines, pay and time, before the claim."""
    found = _project(expert, project_id)
    return render(request, "web/expert/project.html", _context(found, expert))


@require_POST
@for_expert
def accept(request: HttpRequest, expert: Expert, project_id: UUID) -> HttpResponse:
    """Say yes to the terms that were shown; changed terms are shown anew."""
    shown = request.POST.get("shown_hash", "")
    found = _project(expert, project_id)
    accept_terms(expert=expert, project=found, shown_hash=shown, at=clock.now())
    messages.success(request, "Terms accepted. You can start.")
    return redirect("project", project_id)


@require_POST
@for_expert
def claim(request: HttpRequest, expert: Expert, project_id: UUID) -> HttpResponse:
    """Take the next task of the project; nothing to claim is an answer, not an error."""
    found = _project(expert, project_id)
    assignment = claim_next(expert=expert, project=found, at=clock.now())
    if assignment is None:
        messages.info(request, "Every open task here is taken, or you answered it already.")
        return redirect("project", project_id)
    return redirect("task", assignment.pk)


@require_POST
@for_expert
def claim_any(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Take the next task anywhere, best first."""
    assignment = claim_next(expert=expert, at=clock.now())
    if assignment is None:
        messages.info(request, "Nothing is open for you right now.")
        return redirect("find_work")
    return redirect("task", assignment.pk)


@require_POST
@for_expert
def pause(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Take a break from new work, or end it."""
    verb = end_break if expert.paused_at else take_break
    verb(expert=expert, at=clock.now())
    messages.success(request, "New work is on again." if expert.paused_at else "No new work now.")
    return redirect("find_work")


def _project(expert: Expert, project_id: UUID) -> Project:
    found = joinable_projects(to=expert.user).filter(pk=project_id)
    listed = found.select_related("organization", "current_terms", "current_guideline")
    project_row = listed.prefetch_related(NEEDS).order_by("pk").first()
    if project_row is None:
        raise NotFound("There is no such project, or it is not open to you.")
    return project_row


def _context(found: Project, expert: Expert) -> dict[str, Any]:  # Any: template values
    levels = levels_of(expert, at=clock.now())
    offer = next(iter(offers(expert, [found], levels=levels)), None)
    price = Money(offer.price_min, found.currency) if offer else None
    pace = paces([found.pk]).get(found.pk, NOTHING)
    asked = requirement_words(found)
    engagement = visible_engagements(to=expert.user).filter(
        expert=expert, project=found, terms=found.current_terms
    )
    active = own_assignments(to=expert.user).filter(
        project=found, state__in=["active", "changes_requested"]
    )
    terms, guideline = found.current_terms, found.current_guideline
    return {
        "project": found,
        "kind": kind_title(found.format),
        "icon": kind_icon(found.format),
        "offer": offer,
        "price": price,
        "median": minutes(pace.median),
        "p75": minutes(pace.p75),
        "pace": pace,
        "hourly": pace.hourly(price) if price else None,
        "by_hour": offer.hourly_max is not None if offer else False,
        "told": pay_words(Money(offer.price_max, found.currency), offer.hourly_max)
        if offer
        else "",
        "requirements": [
            {"words": words, "is_met": levels.get(need.skill_id, 0) >= need.level, "need": need}
            for need, words in asked
        ],
        "is_qualified": all(levels.get(n.skill_id, 0) >= n.level for n, _ in asked),
        "engagement": engagement.order_by("pk").first(),
        "active": active.order_by("pk").first(),
        "terms_html": render_markdown(terms.body) if terms else "",
        "guidelines_html": render_markdown(guideline.body) if guideline else "",
    }
