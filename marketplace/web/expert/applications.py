"""Asking to work in a field: what it asks back, and what is decided."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.people.models import Expert
from marketplace.web.expert.labels import badge_of
from marketplace.web.expert.own import for_expert
from marketplace.web.requirements import tree_lines
from vetting.access import visible_applications, visible_domains
from vetting.models import Application, Domain
from vetting.models.applications import OPEN
from vetting.selectors.facts import weigh_domain
from vetting.services.applications import apply, submit, withdraw

LONGEST_STATEMENT = 2000


@for_expert
def applications(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Every field with one's latest application to it."""
    own = visible_applications(to=expert.user).filter(expert=expert)
    latest = {each.domain_id: each for each in own.order_by("pk")}
    domains = visible_domains(to=expert.user).select_related("parent").order_by("name", "id")
    rows = [_row(domain, latest.get(domain.pk)) for domain in domains]
    rows.sort(key=lambda row: row["application"] is None)
    return render(request, "web/expert/applications.html", {"rows": rows})


@for_expert
def field(request: HttpRequest, expert: Expert, slug: str) -> HttpResponse:
    """What a field asks for, skill by skill, and where one's application stands."""
    domain = _domain(expert, slug)
    found = _latest(expert, domain)
    weighed = weigh_domain(expert, domain, clock.now())
    context = {
        "domain": domain,
        "application": found,
        "badge": badge_of(found.state) if found else None,
        "is_open": bool(found and found.state in OPEN),
        "can_submit": bool(found and found.state in ("draft", "not_eligible_yet")),
        "skills": [{"skill": each.skill, "lines": tree_lines(each.reason)} for each in weighed],
        "longest": LONGEST_STATEMENT,
    }
    return render(request, "web/expert/field.html", context)


@require_POST
@for_expert
def start(request: HttpRequest, expert: Expert, slug: str) -> HttpResponse:
    """Begin an application."""
    statement = request.POST.get("statement", "")[:LONGEST_STATEMENT]
    domain = _domain(expert, slug)
    apply(expert=expert, domain=domain, statement=statement, at=clock.now())
    return redirect("field", slug)


@require_POST
@for_expert
def hand_in(request: HttpRequest, expert: Expert, slug: str) -> HttpResponse:
    """Hand the application in; facts may settle it at once."""
    found = submit(application=_open(expert, slug), at=clock.now())
    messages.info(request, f"Your application is {badge_of(found.state).word} now.")
    return redirect("field", slug)


@require_POST
@for_expert
def take_back(request: HttpRequest, expert: Expert, slug: str) -> HttpResponse:
    """Withdraw; it counts for nothing."""
    withdraw(application=_open(expert, slug), at=clock.now())
    messages.info(request, "Withdrawn. It counts for nothing.")
    return redirect("field", slug)


def _row(domain: Domain, application: Application | None) -> dict[str, Any]:  # Any: template values
    return {
        "domain": domain,
        "application": application,
        "badge": badge_of(application.state) if application else None,
    }


def _domain(expert: Expert, slug: str) -> Domain:
    domain = visible_domains(to=expert.user).filter(slug=slug).order_by("pk").first()
    if domain is None:
        raise NotFound("There is no such field.")
    return domain


def _latest(expert: Expert, domain: Domain) -> Application | None:
    own = visible_applications(to=expert.user).filter(expert=expert, domain=domain)
    return own.select_related("decision").order_by("-pk").first()


def _open(expert: Expert, slug: str) -> Application:
    found = _latest(expert, _domain(expert, slug))
    if found is None or found.state not in OPEN:
        raise NotFound("You have no open application here.")
    return found
