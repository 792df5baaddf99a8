"""An expert says yes to the terms of a project."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.organizations.selectors import workforce_of
from marketplace.people.models import Expert
from marketplace.projects.models import Engagement, Project

_CHANNELS = {"independent": "stripe", "employee": "payroll", "volunteer": "none"}


class TermsChanged(DomainError):
    """The terms shown are not the current ones; read them again."""

    code = "terms_changed"
    status = 409


class ProjectTakesNobody(DomainError):
    """The project has not started, or has ended."""

    code = "project_takes_nobody"
    status = 409


class OwnClient(DomainError):
    """A member of the client may see its right answers, so they do not work for it."""

    code = "own_client"
    status = 409


@transaction.atomic
def add_engagement(
    *, expert: Expert, project: Project, shown_hash: str, at: datetime
) -> Engagement:
    """Record that the expert accepted the current terms, whose hash they were shown.

    Accepting again returns the first acceptance. Raises TermsChanged with the current hash,
    ProjectTakesNobody, OwnClient.
    """
    # Publishing terms locks the project: nobody accepts a version that is just being replaced.
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    terms = project.current_terms
    if terms is None or project.state not in ("pilot", "active", "paused"):
        raise ProjectTakesNobody(f"{project.title} is {project.state} and takes nobody now.")
    if project.organization.memberships.filter(user=expert.user_id).exists():
        raise OwnClient(
            f"You are a member of {project.organization.name}, whose project this is. "
            "Its members cannot work in it, because they may see the right answers."
        )
    if shown_hash != terms.content_hash:
        raise TermsChanged(
            "The terms changed while you were reading. Please read the current version.",
            current=terms.content_hash,
        )
    engagement, is_new = Engagement.objects.get_or_create(
        expert=expert,
        terms=terms,
        defaults={
            "project": project,
            "shown_hash": shown_hash,
            "pay_channel": _CHANNELS[workforce_of(expert, on=at.date())],
            "accepted_at": at,
        },
    )
    if is_new:
        record(
            "terms.accepted",
            at=at,
            object_kind="engagement",
            object_id=engagement.pk,
            actor=expert.user_id,
            expert=expert.pk,
            organization=project.organization_id,
            project=project.pk,
            data={"version": terms.version, "hash": terms.content_hash},
        )
    return engagement
