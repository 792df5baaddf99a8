"""The verbs of a project, those of the lower package included, with what they do to its work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from marketplace.people.models import User
from marketplace.projects.models import DataUseTerms, Project, Requirement
from marketplace.projects.services.moving import end_project, move_project
from marketplace.projects.services.preparing import (
    add_terms,
    create_project,
    describe_project,
    drop_requirement,
    keep_mapping,
    plan_quality,
    publish_guideline,
    set_requirement,
)
from tasks.models import Batch
from tasks.services.batches import close_batch, pause_batch, resume_batch
from tasks.services.routing import update_route
from vetting.models import Skill

__all__ = [
    "activate_project",
    "archive_project",
    "close_project",
    "create_project",
    "describe_project",
    "keep_mapping",
    "pause_project",
    "pilot_project",
    "plan_quality",
    "publish_guideline",
    "publish_terms",
    "require_skill",
    "unrequire_skill",
]


@transaction.atomic
def publish_terms(
    *,
    project: Project,
    body: str,
    purposes: Sequence[str],
    licence: str,
    by: User,
    at: datetime,
) -> DataUseTerms:
    """Publish the next version of the data-use terms.

    From now on only experts who accept this version can claim, also in batches that are open;
    running assignments finish under theirs. Raises EmptyText, UnknownPurpose.
    """
    terms = add_terms(project=project, body=body, purposes=purposes, licence=licence, by=by, at=at)
    update_route(project=project, at=at)
    return terms


@transaction.atomic
def require_skill(
    *, project: Project, skill: Skill, by: User, at: datetime, level: int = 1
) -> Requirement:
    """Ask experts for the skill at `level` (1 to 3) or above; holds for open batches too."""
    requirement = set_requirement(project=project, skill=skill, level=level, by=by, at=at)
    update_route(project=project, at=at)
    return requirement


@transaction.atomic
def unrequire_skill(*, project: Project, skill: Skill, by: User, at: datetime) -> None:
    """No longer ask for the skill."""
    drop_requirement(project=project, skill=skill, by=by, at=at)
    update_route(project=project, at=at)


@transaction.atomic
def pilot_project(*, project: Project, by: User, at: datetime) -> Project:
    """Start with a pilot of few tasks. Raises ProjectIsIncomplete, IllegalTransition."""
    project = move_project(project=project, to="pilot", by=by, at=at)
    update_route(project=project, at=at)
    return project


@transaction.atomic
def activate_project(*, project: Project, by: User, at: datetime) -> Project:
    """Lift the pilot's limit, or go on after a pause: batches the pause stopped open again.

    Raises IllegalTransition.
    """
    project = move_project(project=project, to="active", by=by, at=at)
    for batch in _batches(project, state="paused", paused_by="project"):
        resume_batch(batch=batch, by=by, at=at)
    return project


@transaction.atomic
def pause_project(*, project: Project, by: User, at: datetime) -> Project:
    """Offer no more work; running assignments finish. Raises IllegalTransition."""
    project = move_project(project=project, to="paused", by=by, at=at)
    for batch in _batches(project, state="open"):
        pause_batch(batch=batch, by=by, at=at, cause="project")
    return project


@transaction.atomic
def close_project(
    *, project: Project, by: User, at: datetime, reason: str = "completed"
) -> Project:
    """End the project and all its batches; running assignments finish and are paid.

    `reason` is one of CLOSE_REASONS.
    """
    project = end_project(project=project, reason=reason, by=by, at=at)
    for batch in _batches(project).exclude(state="closed"):
        close_batch(batch=batch, reason=reason, by=by, at=at)
    update_route(project=project, at=at)
    return project


@transaction.atomic
def archive_project(*, project: Project, by: User, at: datetime) -> Project:
    """Take a closed project out of the lists. Raises IllegalTransition."""
    return move_project(project=project, to="archived", by=by, at=at)


def _batches(project: Project, **which: str) -> QuerySet[Batch]:
    return Batch.objects.filter(project=project, **which).order_by("pk")
