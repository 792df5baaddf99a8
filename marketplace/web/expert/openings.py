"""Work an expert could take: what is open, what it pays, why it fits or what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Prefetch, Q, QuerySet
from django.urls import reverse

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from marketplace.projects.access import joinable_projects
from marketplace.projects.models import Project, Requirement
from marketplace.web.expert.labels import kind_icon, kind_title
from marketplace.web.expert.pace import NOTHING, Pace, paces, pay_words
from tasks.models import Assignment, Batch
from tasks.selectors.rates import UNKNOWN, HourlyRate, rates_by
from tasks.selectors.work import Offer, offers
from vetting.models import Qualification

NEEDS = Prefetch(
    "requirements", Requirement.objects.select_related("skill").order_by("skill__slug", "pk")
)


@dataclass(frozen=True, slots=True)
class Work:
    """One project as a row of Find work."""

    title: str
    url: str
    icon: str
    kind: str
    client: str
    left: str
    pay: str
    time: str
    matches: tuple[str, ...]
    missing: tuple[str, ...]
    act: str


def open_projects(expert: Expert) -> QuerySet[Project]:
    """Projects with an open batch that this expert may read about."""
    is_open = Batch.objects.filter(project=OuterRef("pk"), state="open")
    found = joinable_projects(to=expert.user).filter(Exists(is_open))
    return found.select_related("organization").prefetch_related(NEEDS)


def fitting(projects: QuerySet[Project], expert: Expert, *, at: datetime) -> QuerySet[Project]:
    """Those whose every requirement the expert's active qualifications meet."""
    met = _active(expert, at).filter(skill=OuterRef("skill"), level__gte=OuterRef("level"))
    unmet = Requirement.objects.filter(~Exists(met), project=OuterRef("pk"))
    return projects.filter(~Exists(unmet))


def levels_of(expert: Expert, *, at: datetime) -> dict[UUID, int]:
    """The highest level the expert holds per skill now."""
    held = _active(expert, at).values("skill").annotate(level=Max("level"))
    return {row["skill"]: row["level"] for row in held}


def work_rows(expert: Expert, projects: Iterable[Project], levels: dict[UUID, int]) -> list[Work]:
    """The rows of a page, claimable ones first, in the same few queries however many they are."""
    listed = {project.pk: project for project in projects}
    pace = paces(listed)
    rates = rates_by(Assignment.objects.filter(project__in=list(listed)), key="project")
    return [
        _row(
            offer,
            pace.get(offer.project.pk, NOTHING),
            levels,
            rates.get((offer.project.pk, offer.project.currency), UNKNOWN),
        )
        for offer in offers(expert, listed.values(), levels=levels)
    ]


def requirement_words(project: Project) -> list[tuple[Requirement, str]]:
    """Each requirement with its words: `Medicine, preference, level 2`."""
    return [(each, f"{each.skill.name}, level {each.level}") for each in project.requirements.all()]


def _pay(offer: Offer, low: Money, high: Money) -> str:
    if offer.hourly_max is not None:
        return pay_words(high, offer.hourly_max)
    return str(low) if low == high else f"{low} to {high}"


def _row(offer: Offer, pace: Pace, levels: dict[UUID, int], rate: HourlyRate) -> Work:
    project = offer.project
    low = Money(offer.price_min, project.currency)
    high = Money(offer.price_max, project.currency)
    return Work(
        title=project.title,
        url=reverse("project", args=[project.pk]),
        icon=kind_icon(project.format),
        kind=kind_title(project.format),
        client=project.organization.name,
        left=f"{offer.tasks_left:,} task{'' if offer.tasks_left == 1 else 's'} left for you",
        pay=_pay(offer, low, high),
        time=f"{rate}, median of {rate.n}" if rate.per_hour else pace.words(low),
        matches=tuple(
            words
            for need, words in requirement_words(project)
            if levels.get(need.skill_id, 0) >= need.level
        ),
        missing=offer.missing,
        act="Start" if offer.can_claim else "Open",
    )


def _active(expert: Expert, at: datetime) -> QuerySet[Qualification]:
    held = Qualification.objects.filter(expert=expert, state="active")
    return held.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at))
