"""Move a project through its states. The rules about its batches are in `tasks.services`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from marketplace.projects.models import Project
from marketplace.projects.models.projects import TRANSITIONS

_PAST = {
    "pilot": "project.piloted",
    "active": "project.activated",
    "paused": "project.paused",
    "archived": "project.archived",
}


class ProjectIsIncomplete(DomainError):
    """A project starts with guidelines and terms; the message names what is missing."""

    code = "project_is_incomplete"
    status = 409


@transaction.atomic
def move_project(*, project: Project, to: str, by: User, at: datetime) -> Project:
    """Take a project to `pilot`, `active`, `paused` or `archived`.

    Raises IllegalTransition, and ProjectIsIncomplete on the way to `pilot`.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    require_transition(TRANSITIONS, project, to)
    if to == "pilot":
        _require_texts(project)
    project.state = to
    project.save(update_fields=["state"])
    _record(project, _PAST[to], by, at)
    return project


@transaction.atomic
def end_project(*, project: Project, reason: str, by: User, at: datetime) -> Project:
    """Close a project for good. `reason` is one of CLOSE_REASONS."""
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    require_transition(TRANSITIONS, project, "closed")
    project.state, project.close_reason, project.closed_at = "closed", reason, at
    project.save(update_fields=["state", "close_reason", "closed_at"])
    _record(project, "project.closed", by, at, reason=reason)
    return project


def _require_texts(project: Project) -> None:
    missing = [
        name
        for name, present in (
            ("guidelines", project.current_guideline_id),
            ("data-use terms", project.current_terms_id),
        )
        if present is None
    ]
    if missing:
        raise ProjectIsIncomplete(
            f"Publish {' and '.join(missing)} before the pilot.", missing=missing
        )


def _record(project: Project, kind: str, by: User, at: datetime, **data: str) -> None:
    record(
        kind,
        at=at,
        object_kind="project",
        object_id=project.pk,
        actor=by.pk,
        organization=project.organization_id,
        project=project.pk,
        data=data,
    )
