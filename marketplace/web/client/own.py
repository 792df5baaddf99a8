"""Pages of a client begin here: who asks for which organisation, and which of its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase

from marketplace.kit.errors import NotFound
from marketplace.organizations.access import MANAGING_ROLES, require_member
from marketplace.organizations.models import Organization
from marketplace.people.access import signed_in
from marketplace.people.models import User
from marketplace.projects.access import visible_projects
from marketplace.projects.models import Project
from payouts.access import PAYING_ROLES
from tasks.access import (
    MANAGERS,
    REVIEWERS,
    visible_assignments,
    visible_batches,
    visible_exports,
    visible_imports,
    visible_tasks,
)
from tasks.models import Assignment, Batch, Export, Import, Task
from tasks.policy import client_pseudonym

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Member:
    """A person acting for one organisation, and what the role lets them do."""

    user: User
    organization: Organization
    role: str

    @property
    def can_manage(self) -> bool:
        """Run projects, members and keys."""
        return self.role in MANAGING_ROLES

    @property
    def can_review(self) -> bool:
        """Judge work."""
        return self.role in REVIEWERS

    @property
    def can_pay(self) -> bool:
        """Move money."""
        return self.role in PAYING_ROLES

    @property
    def slug(self) -> str:
        """Where the organisation's pages are."""
        return self.organization.slug


View = Callable[..., HttpResponseBase]


def for_member(*roles: str) -> Callable[[View], View]:
    """Hand the view its member: 404 for strangers, 403 for members without one of the roles.

    Without roles every member may look.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(
            request: HttpRequest, slug: str, **kwargs: Any
        ) -> HttpResponseBase:  # Any: keys
            user = signed_in(request)
            found = require_member(user, slug, *roles)
            return view(request, Member(user, found.organization, found.role), **kwargs)

        return wrapped

    return decorate


def freshly_signed_in(view: View) -> View:
    """Ask for the password or another proof again where the last one is old."""
    guarded: View = reauthentication_required(view)
    return guarded


def recently_signed_in(view: View) -> View:
    """As `freshly_signed_in`, for money that leaves; a demo waives it, as staff's pages do."""
    guarded: View = reauthentication_required(view, enabled=lambda _request: not settings.DEMO)
    return guarded


managing = for_member(*MANAGERS)
reviewing = for_member(*REVIEWERS)
paying = for_member(*PAYING_ROLES)
looking = for_member()


def projects_of(member: Member) -> QuerySet[Project]:
    """The organisation's projects."""
    return visible_projects(to=member.user).filter(organization=member.organization)


def own_project(member: Member, project_id: UUID) -> Project:
    """One of them, with its texts, or NotFound."""
    found = projects_of(member).filter(pk=project_id)
    return _one(found.select_related("organization", "current_guideline", "current_terms"))


def batches_of(member: Member) -> QuerySet[Batch]:
    """The organisation's batches."""
    return visible_batches(to=member.user).filter(project__organization=member.organization)


def own_batch(member: Member, batch_id: UUID) -> Batch:
    """One of them, with its project, or NotFound."""
    return _one(batches_of(member).filter(pk=batch_id).select_related("project__organization"))


def own_task(member: Member, task_id: UUID) -> Task:
    """One of the organisation's tasks, with batch and project, or NotFound."""
    own = visible_tasks(to=member.user).filter(batch__project__organization=member.organization)
    return _one(own.filter(pk=task_id).select_related("batch__project", "gold"))


def imports_of(member: Member) -> QuerySet[Import]:
    """The organisation's imports."""
    return visible_imports(to=member.user).filter(batch__project__organization=member.organization)


def own_import(member: Member, upload_id: UUID) -> Import:
    """One of them, with batch and project, or NotFound."""
    return _one(imports_of(member).filter(pk=upload_id).select_related("batch__project"))


def exports_of(member: Member) -> QuerySet[Export]:
    """The organisation's exports."""
    return visible_exports(to=member.user).filter(project__organization=member.organization)


def own_export(member: Member, export_id: UUID) -> Export:
    """One of them, with its project, or NotFound."""
    return _one(exports_of(member).filter(pk=export_id).select_related("project", "batch"))


def answers_of(member: Member) -> QuerySet[Assignment]:
    """What experts sent to the organisation's projects."""
    own = visible_assignments(to=member.user)
    return own.filter(project__organization=member.organization)


def own_answer(member: Member, assignment_id: UUID) -> Assignment:
    """One of them, with what its review page shows, or NotFound."""
    found = answers_of(member).filter(pk=assignment_id, revision__gte=1)
    return _one(
        found.select_related("task", "batch", "project__organization", "expert", "guideline")
    )


def name_of(member: Member, expert_id: UUID) -> str:
    """How this client sees an expert."""
    return client_pseudonym(
        secret=settings.PSEUDONYM_KEY, organization=member.organization.pk, expert=expert_id
    )


def _one(rows: QuerySet[M]) -> M:
    found = rows.order_by("pk").first()
    if found is None:
        raise NotFound("There is nothing here.")
    return found
