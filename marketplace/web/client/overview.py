"""A client's start page: what waits for them, and how far each project is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.projects.models import Project
from marketplace.web.client.acting import link
from marketplace.web.client.contested import standing
from marketplace.web.client.labels import client_badge
from marketplace.web.client.own import (
    Member,
    answers_of,
    batches_of,
    imports_of,
    looking,
    managing,
    projects_of,
)
from marketplace.web.client.sample import make_sample
from marketplace.web.expert.labels import kind_title
from marketplace.web.expert.pace import NOTHING, minutes, paces
from payouts.access import visible_fundings
from payouts.selectors.budgets import project_budgets, wallets
from payouts.selectors.freezing import contested_currencies
from tasks.selectors.progress import projects_progress

ROWS = 10
FEW = 3


@looking
def overview(request: HttpRequest, member: Member) -> HttpResponse:
    """Things to do, then the projects."""
    projects = projects_of(member).exclude(state="archived").order_by("-pk")[: ROWS + 1]
    listed = list(projects)
    purses = wallets(member.organization)
    full = [each for each in purses.values() if each]
    at = clock.now()
    todo = _todo(member, at)
    steps = _first_steps(member, is_started=bool(listed), has_money=bool(full))
    context = {
        **_standing(member, next(iter(purses)), at, is_single=len(purses) == 1),
        "member": member,
        "rows": project_rows(listed[:ROWS]),
        "more": len(listed) > ROWS,
        "wallets": full or list(purses.values())[:1],
        "todo": todo,
        "steps": steps,
    }
    return render(request, "web/client/overview.html", context)


def _standing(
    member: Member, first: str, at: datetime, *, is_single: bool
) -> dict[str, Any]:  # Any: template values
    """What has to stay, in the first currency in which something does."""
    others = [] if is_single else contested_currencies(member.organization, at=at)
    found = standing(member, first, at=at)
    for currency in others:
        if found["held"]:
            break
        if currency != first:
            found = standing(member, currency, at=at)
    return found


@require_POST
@managing
def sample(_request: HttpRequest, member: Member) -> HttpResponse:
    """A small project to look at, made in one click."""
    project = make_sample(organization=member.organization, by=member.user, at=clock.now())
    return redirect(link(member, "project", project_id=project.pk))


def project_rows(projects: list[Project]) -> list[dict[str, Any]]:  # Any: template values
    """Each project with its progress, money and pace, in a fixed number of queries."""
    ids = [each.pk for each in projects]
    progress, pace = projects_progress(ids), paces(ids)
    budgets = project_budgets([(each.pk, each.currency) for each in projects])
    return [
        {
            "project": each,
            "kind": kind_title(each.format),
            "badge": client_badge(each.state),
            "progress": progress[each.pk],
            "budget": budgets[each.pk],
            "median": minutes(pace[each.pk].median) if pace.get(each.pk, NOTHING).median else "",
        }
        for each in projects
    ]


def _first_steps(member: Member, *, is_started: bool, has_money: bool) -> list[dict[str, str]]:
    """What a new client does first; empty once it has been done."""
    if is_started and has_money:
        return []
    paid = visible_fundings(to=member.user).filter(organization=member.organization, state="paid")
    is_funded = has_money or paid.exists()
    if is_started and is_funded:
        return []
    others = member.organization.memberships.exclude(user=member.user).exists()
    steps = [
        (is_funded, "Pay money in", "Batches reserve their price before work starts.", "billing"),
        (is_started, "Make a project", "Guidelines, terms, who may work, price.", "new_project"),
        (others, "Invite your team", "Managers, reviewers and billing.", "members"),
    ]
    next_title = next((title for done, title, _, _ in steps if not done), "")
    return [_step(member, step, next_title) for step in steps]


def _step(member: Member, step: tuple[bool, str, str, str], next_title: str) -> dict[str, str]:
    done, title, hint, name = step
    state = "done" if done else "next" if title == next_title else "todo"
    url = "" if done else link(member, name)
    return {"state": state, "title": title, "hint": hint, "url": url, "act": "Start"}


def _todo(member: Member, at: datetime) -> list[dict[str, str]]:
    """What waits for a person here, the most urgent first."""
    return [*_reviews(member, at), *_imports(member), *_batches(member), *_drafts(member)]


def _reviews(member: Member, at: datetime) -> list[dict[str, str]]:
    waiting = answers_of(member).filter(state="awaiting_review")
    found = waiting.aggregate(n=Count("pk"), first=Min("review_until"))
    if not found["n"]:
        return []
    hours = max(0, int((found["first"] - at).total_seconds() // 3600))
    when = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
    title = f"{found['n']:,} answer{'s' if found['n'] != 1 else ''} to review"
    text = f"Silence approves the first in {when}."
    return [_line("list-checks", "warn", title, text, link(member, "review"))]


def _imports(member: Member) -> list[dict[str, str]]:
    found = imports_of(member).filter(state="checked").select_related("batch").order_by("-pk")
    return [
        _line(
            "file-check",
            "accent",
            f"Import {each.file_name}",
            f"{each.rows_good:,} good rows, {each.rows_bad:,} bad, into {each.batch.name}.",
            link(member, "import", upload_id=each.pk),
        )
        for each in found[:FEW]
    ]


def _batches(member: Member) -> list[dict[str, str]]:
    ready = batches_of(member).filter(state="ready", project__state__in=["pilot", "active"])
    return [
        _line(
            "play",
            "accent",
            f"Open {each.name}",
            f"It is filled and waits in {each.project.title}.",
            link(member, "batch", batch_id=each.pk),
        )
        for each in ready.select_related("project").order_by("-pk")[:FEW]
    ]


def _drafts(member: Member) -> list[dict[str, str]]:
    return [
        _line(
            "pencil",
            "",
            f"Finish {each.title}",
            "The project is a draft.",
            link(member, "project", project_id=each.pk),
        )
        for each in projects_of(member).filter(state="draft").order_by("-pk")[:FEW]
    ]


def _line(icon: str, tone: str, title: str, text: str, url: str) -> dict[str, str]:
    return {"icon": icon, "tone": tone, "title": title, "text": "", "url": url, "when": text}
