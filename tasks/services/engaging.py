"""An expert joins a project."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.people.models import Expert
from marketplace.projects.models import Engagement, Project
from marketplace.projects.services.joining import (
    OwnClient,
    ProjectTakesNobody,
    TermsChanged,
    add_engagement,
)
from tasks.services.routing import rebuild_expert_routes

__all__ = ["OwnClient", "ProjectTakesNobody", "TermsChanged", "accept_terms"]


@transaction.atomic
def accept_terms(*, expert: Expert, project: Project, shown_hash: str, at: datetime) -> Engagement:
    """Accept the current terms, whose hash was shown; with the qualifications, work opens up.

    Raises TermsChanged when the terms shown are no longer current, ProjectTakesNobody, OwnClient.
    """
    engagement = add_engagement(expert=expert, project=project, shown_hash=shown_hash, at=at)
    rebuild_expert_routes(expert_id=expert.pk, at=at)
    return engagement
