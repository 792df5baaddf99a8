"""A client's projects: the list, one project, and its moves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.kit.money import Money
from marketplace.projects.models import Project
from marketplace.projects.models.projects import TRANSITIONS
from marketplace.web.client.acting import act, link
from marketplace.web.client.gold import gold_accuracy
from marketplace.web.client.labels import client_badge
from marketplace.web.client.overview import project_rows
from marketplace.web.client.own import (
    Member,
    looking,
    managing,
    name_of,
    own_project,
    projects_of,
)
from marketplace.web.expert.labels import kind_title
from marketplace.web.expert.pace import NOTHING, Pace, minutes, paces
from marketplace.web.paging import page_of
from payouts.selectors.budgets import project_budget, wallet
from tasks.access import visible_assignments, visible_batches
from tasks.selectors.progress import Progress, batches_progress, projects_progress
from tasks.selectors.work import matching_experts
from tasks.services.projects import (
    activate_project,
    archive_project,
    close_project,
    pause_project,
    pilot_project,
)

EXPERTS = 10
_MOVES = {
    "pilot": (pilot_project, "The pilot has started."),
    "active": (activate_project, "The project is active."),
    "paused": (pause_project, "Paused. Work in progress finishes."),
    "closed": (close_project, "Closed. Work in progress finishes and is paid."),
    "archived": (archive_project, "Archived."),
}


@looking
def projects(request: HttpRequest, member: Member) -> HttpResponse:
    """All projects, newest first, by state."""
    state = request.GET.get("state", "")
    own = projects_of(member)
    page = page_of(request, own.filter(state=state) if state in TRANSITIONS else own)
    context = {
        "member": member,
        "page": page,
        "rows": project_rows(page.rows),
        "state": state,
        "states": tuple(TRANSITIONS),
    }
    return render(request, "web/client/projects.html", context)


@looking
def project(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """One project: what to do next, progress, money, batches, experts, texts."""
    found = own_project(member, project_id)
    page = page_of(request, visible_batches(to=member.user).filter(project=found))
    progress = batches_progress([each.pk for each in page.rows])
    pace = paces([found.pk]).get(found.pk, NOTHING)
    total = projects_progress([found.pk])[found.pk]
    context = {
        "member": member,
        "project": found,
        "kind": kind_title(found.format),
        "badge": client_badge(found.state),
        "moves": _moves(member, found),
        "steps": setup_steps(member, found) if found.state == "draft" else [],
        "progress": total,
        "accuracy": gold_accuracy(member, found),
        "hourly": _hourly(found, total, pace),
        "budget": project_budget(found.pk, found.currency),
        "wallet": wallet(member.organization, found.currency),
        "pace": pace,
        "median": minutes(pace.median),
        "page": page,
        "batches": [
            {"row": each, "badge": client_badge(each.state), "progress": progress[each.pk]}
            for each in page.rows
        ],
        "experts": _experts(member, found),
    }
    return render(request, "web/client/project.html", context)


@require_POST
@managing
def move(request: HttpRequest, member: Member, project_id: UUID, to: str) -> HttpResponse:
    """Pilot, activate, pause, close or archive."""
    found = own_project(member, project_id)
    if to not in _MOVES:
        raise NotFound("There is nothing here.")
    verb, done = _MOVES[to]
    return act(
        request,
        lambda: verb(project=found, by=member.user, at=clock.now()),
        url=link(member, "project", project_id=found.pk),
        done=done,
    )


def setup_steps(member: Member, found: Project) -> list[dict[str, str]]:
    """What a draft still needs before its pilot, the next one marked."""
    needs = found.requirements.count()
    has_batch = found.batches.exists()
    steps = [
        ("Guidelines", "guidelines", found.current_guideline is not None, "How to do the work."),
        ("Terms", "terms", found.current_terms is not None, "What answers may be used for."),
        ("Experts", "needs", needs > 0 or has_batch, "Who may work; without a skill, everybody."),
        ("Quality", "plan", has_batch, "Answers per task, days to review."),
        ("Pilot batch", "new_batch", has_batch, "Ten tasks at your price."),
    ]
    coming = next((title for title, _, done, _ in steps if not done), "")
    return [
        {
            "title": title,
            "hint": hint,
            "state": "done" if done else "next" if title == coming else "todo",
            "url": link(member, name, project_id=found.pk) if member.can_manage else "",
            "act": "Change" if done else "Start",
        }
        for title, name, done, hint in steps
    ]


def _hourly(found: Project, total: Progress, pace: Pace) -> Money | None:
    """What the median answer has paid in an hour; None before the first."""
    if not (pace.median and total.approved):
        return None
    return pace.hourly(Money(total.paid_minor // total.approved, found.currency))


def _moves(member: Member, found: Project) -> frozenset[str]:
    return TRANSITIONS[found.state] if member.can_manage else frozenset()


def _experts(member: Member, found: Project) -> dict[str, Any]:  # Any: template values
    """Who works here, by this client's pseudonyms, the busiest first."""
    sent = visible_assignments(to=member.user).filter(project=found)
    rows = (
        sent.values("expert_id")
        .annotate(
            approved=Count("pk", filter=Q(state__in=["approved", "partially_approved"])),
            waiting=Count("pk", filter=Q(state="awaiting_review")),
            rejected=Count("pk", filter=Q(state__in=["rejected", "rejected_final"])),
            total=Count("pk"),
        )
        .order_by("-total", "expert_id")[:EXPERTS]
    )
    listed = [{**row, "name": name_of(member, row["expert_id"])} for row in rows]
    return {"rows": listed, "matching": matching_experts(found)}
