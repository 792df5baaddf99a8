"""What there is to be vetted for, to read: domains, skills, tests and the state of their banks."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.kit.errors import NotFound
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import CASES, for_staff
from marketplace.web.staff.labels import staff_badge
from vetting.access import (
    visible_assessments,
    visible_domains,
    visible_items,
    visible_policies,
    visible_qualifications,
    visible_skills,
)
from vetting.models import Assessment, RequirementPolicy

Values = dict[str, Any]  # Any: template values
LIVE_ITEMS = Count("items", filter=Q(items__state="live"), distinct=True)


@for_staff(*CASES)
def catalogue(request: HttpRequest, user: User) -> HttpResponse:
    """Every domain with how many skills and open applications it has."""
    counted = visible_domains(to=user).annotate(
        n_skills=Count("skills", distinct=True),
        n_waiting=Count(
            "applications",
            filter=Q(applications__state__in=["submitted", "in_review"]),
            distinct=True,
        ),
    )
    page = page_of(request, counted.select_related("parent"))
    return render(request, "web/staff/catalogue.html", {"page": page, "rows": page.rows})


@for_staff(*CASES)
def domain(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    """A domain: its skills, what each asks for, who holds it, and which test it has."""
    found = visible_domains(to=user).filter(slug=slug).select_related("parent")
    row = found.order_by("pk").first()
    if row is None:
        raise NotFound("There is no such domain.")
    page = page_of(request, visible_skills(to=user).filter(domain=row))
    keys = [each.pk for each in page.rows]
    holders = visible_qualifications(to=user).filter(skill__in=keys, state="active")
    counts = dict(holders.values_list("skill").annotate(n=Count("pk")).order_by())
    policies = _policies(visible_policies(to=user).filter(skill__in=keys))
    tests = _tests(visible_assessments(to=user).filter(skill__in=keys))
    context = {
        "domain": row,
        "page": page,
        "rows": [
            {
                "skill": each,
                "holders": counts.get(each.pk, 0),
                "policies": policies.get(each.pk, []),
                "tests": tests.get(each.pk, []),
            }
            for each in page.rows
        ],
    }
    return render(request, "web/staff/domain.html", context)


@for_staff(*CASES)
def assessments(request: HttpRequest, user: User) -> HttpResponse:
    """Every test with its questions in use and the rules in force."""
    rows = visible_assessments(to=user).annotate(n_live=LIVE_ITEMS).select_related("skill")
    page = page_of(request, rows.prefetch_related("versions"))
    context = {"page": page, "rows": [_test(each) for each in page.rows]}
    return render(request, "web/staff/assessments.html", context)


@for_staff(*CASES)
def assessment(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    """One test: the versions of its rules, and how many questions stand in each topic and state.

    Questions and keys are not shown here: they leak from screens.
    """
    found = visible_assessments(to=user).filter(slug=slug).select_related("skill__domain")
    row = found.order_by("pk").first()
    if row is None:
        raise NotFound("There is no such test.")
    counts = visible_items(to=user).filter(assessment=row).values("topic", "state")
    by_topic = counts.annotate(
        n=Count("pk"),
        easy=Count("pk", filter=Q(band=-1)),
        middle=Count("pk", filter=Q(band=0)),
        hard=Count("pk", filter=Q(band=1)),
    ).order_by("topic", "state")
    versions = list(row.versions.select_related("published_by").order_by("-number"))
    context = {
        "assessment": row,
        "versions": versions,
        "live": versions[0] if versions else None,
        "items": [{**each, "badge": staff_badge(each["state"])} for each in by_topic],
        "total": sum(each["n"] for each in by_topic),
        "attempts": row.attempts.values("state").annotate(n=Count("pk")).order_by("state"),
    }
    return render(request, "web/staff/assessment.html", context)


def _policies(rows: QuerySet[RequirementPolicy]) -> dict[object, list[Values]]:
    """The newest of each level, by skill."""
    newest: dict[tuple[object, int], RequirementPolicy] = {
        (each.skill_id, each.level): each for each in rows.order_by("version", "pk")
    }
    found: dict[object, list[Values]] = {}
    for (skill, _), policy in sorted(newest.items(), key=lambda item: item[0][1]):
        text = json.dumps(policy.expression, indent=2, ensure_ascii=False)
        found.setdefault(skill, []).append({"row": policy, "text": text})
    return found


def _tests(
    rows: QuerySet[Assessment],
) -> dict[object, list[Values]]:
    found: dict[object, list[Values]] = {}
    for each in rows.annotate(n_live=LIVE_ITEMS).prefetch_related("versions").order_by("pk"):
        found.setdefault(each.skill_id, []).append(_test(each))
    return found


def _test(row: Assessment) -> Values:
    versions = sorted(row.versions.all(), key=lambda version: version.number)
    return {"row": row, "live": versions[-1] if versions else None}
