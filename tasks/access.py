"""Which rows of work a person or a key may see, and who may manage or review."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from marketplace.organizations.access import Asker, require_role
from marketplace.organizations.models import ApiKey
from marketplace.people.access import staff_roles
from marketplace.people.models import User
from marketplace.projects.access import visible_projects
from marketplace.projects.models import Project
from tasks.models import (
    Assignment,
    Batch,
    Bonus,
    Draft,
    ExpertRoute,
    Export,
    GoldAnswer,
    Import,
    ImportProblem,
    Review,
    Route,
    Submission,
    Task,
)
from tasks.models.assignments import DECIDED, UNDECIDED

MANAGERS = ("owner", "manager")
REVIEWERS = ("owner", "manager", "reviewer")
_SENT = (*DECIDED, *UNDECIDED)


def require_manager(user: User, project: Project) -> None:
    """Refuse who may not run the project: NotFound for strangers, Forbidden for other members."""
    require_role(user, project.organization, *MANAGERS)


def require_reviewer(user: User, project: Project) -> None:
    """Refuse who may not judge work of the project."""
    require_role(user, project.organization, *REVIEWERS)


def visible_batches(*, to: Asker) -> QuerySet[Batch]:
    """Those of the projects one may see."""
    return Batch.objects.filter(project__in=visible_projects(to=to))


def visible_tasks(*, to: Asker) -> QuerySet[Task]:
    """Those of the projects one may see."""
    return Task.objects.filter(batch__project__in=visible_projects(to=to))


def own_assignments(*, to: Asker) -> QuerySet[Assignment]:
    """What an expert holds or has held."""
    if isinstance(to, ApiKey):
        return Assignment.objects.none()
    return Assignment.objects.filter(Q(expert__user_id=to.pk))


def visible_assignments(*, to: Asker) -> QuerySet[Assignment]:
    """One's own, and what was submitted to the projects one may see."""
    sent = Q(project__in=visible_projects(to=to), state__in=_SENT)
    if isinstance(to, ApiKey):
        return Assignment.objects.filter(sent)
    return Assignment.objects.filter(sent | Q(expert__user_id=to.pk))


def visible_drafts(*, to: Asker) -> QuerySet[Draft]:
    """One's own only: nobody reads along while somebody types."""
    return Draft.objects.filter(assignment__in=own_assignments(to=to))


def visible_submissions(*, to: Asker) -> QuerySet[Submission]:
    """Those of the assignments one may see."""
    return Submission.objects.filter(assignment__in=visible_assignments(to=to))


def visible_reviews(*, to: Asker) -> QuerySet[Review]:
    """Those of the assignments one may see."""
    return Review.objects.filter(submission__assignment__in=visible_assignments(to=to))


def visible_bonuses(*, to: Asker) -> QuerySet[Bonus]:
    """Those of the assignments one may see."""
    return Bonus.objects.filter(assignment__in=visible_assignments(to=to))


def visible_imports(*, to: Asker) -> QuerySet[Import]:
    """Those of the projects one may see."""
    return Import.objects.filter(batch__project__in=visible_projects(to=to))


def visible_import_problems(*, to: Asker) -> QuerySet[ImportProblem]:
    """Those of the imports one may see."""
    return ImportProblem.objects.filter(upload__in=visible_imports(to=to))


def visible_exports(*, to: Asker) -> QuerySet[Export]:
    """Those of the projects one may see; a key needs the scope exports:read."""
    if isinstance(to, ApiKey) and ApiKey.Scope.EXPORTS_READ not in to.scopes:
        return Export.objects.none()
    return Export.objects.filter(project__in=visible_projects(to=to))


def visible_gold(*, to: Asker) -> QuerySet[GoldAnswer]:
    """Quality staff see all; a person at the client the gold of their projects; keys none."""
    if isinstance(to, ApiKey):
        return GoldAnswer.objects.none()
    if "quality" in staff_roles(to):
        return GoldAnswer.objects.all()
    return GoldAnswer.objects.filter(task__in=visible_tasks(to=to))


def visible_routes(*, to: Asker) -> QuerySet[Route]:
    """Those of the projects one may see."""
    return Route.objects.filter(project__in=visible_projects(to=to))


def visible_expert_routes(*, to: Asker) -> QuerySet[ExpertRoute]:
    """One's own, and those of the projects one may see."""
    of_project = Q(route__project__in=visible_projects(to=to))
    if isinstance(to, ApiKey):
        return ExpertRoute.objects.filter(of_project)
    return ExpertRoute.objects.filter(of_project | Q(expert__user_id=to.pk))
