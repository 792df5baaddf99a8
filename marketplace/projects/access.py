"""Which projects a person or a key may see."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from marketplace.organizations.access import Asker, organizations_of
from marketplace.organizations.models import ApiKey
from marketplace.people.access import staff_roles
from marketplace.projects.models import (
    DataUseTerms,
    Engagement,
    Guideline,
    Project,
    Requirement,
)

STARTED = ("pilot", "active", "paused")


def visible_projects(*, to: Asker) -> QuerySet[Project]:
    """Those of one's own organisations; staff see all; a key those it reaches."""
    if isinstance(to, ApiKey):
        own = Project.objects.filter(organization_id=to.organization_id)
        return own.filter(pk__in=to.project_ids) if to.project_ids else own
    if staff_roles(to):
        return Project.objects.all()
    return Project.objects.filter(organization__in=organizations_of(to))


def joinable_projects(*, to: Asker) -> QuerySet[Project]:
    """What an expert may read about before joining: started projects, and those they worked in."""
    if isinstance(to, ApiKey):
        return Project.objects.none()
    worked_in = Engagement.objects.filter(Q(expert__user_id=to.pk)).values("project")
    return Project.objects.filter(Q(state__in=STARTED) | Q(pk__in=worked_in))


def visible_guidelines(*, to: Asker) -> QuerySet[Guideline]:
    """Of the projects one may see or join."""
    return Guideline.objects.filter(_of_reachable_project(to))


def visible_terms(*, to: Asker) -> QuerySet[DataUseTerms]:
    """Of the projects one may see or join."""
    return DataUseTerms.objects.filter(_of_reachable_project(to))


def visible_requirements(*, to: Asker) -> QuerySet[Requirement]:
    """Of the projects one may see or join."""
    return Requirement.objects.filter(_of_reachable_project(to))


def visible_engagements(*, to: Asker) -> QuerySet[Engagement]:
    """One's own, and those of the projects one may see (shown there by pseudonym)."""
    of_project = Q(project__in=visible_projects(to=to))
    if isinstance(to, ApiKey):
        return Engagement.objects.filter(of_project)
    return Engagement.objects.filter(of_project | Q(expert__user_id=to.pk))


def _of_reachable_project(to: Asker) -> Q:
    return Q(project__in=visible_projects(to=to)) | Q(project__in=joinable_projects(to=to))
