"""Keep up to date who may claim what."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from pydantic import JsonValue

from marketplace.organizations.models import Membership
from marketplace.people.models import Expert
from marketplace.projects.access import STARTED
from marketplace.projects.models import Engagement, Project
from tasks.models import Batch, ExpertRoute, Route, Task
from tasks.models.batches import UNFINISHED
from tasks.policy import content_hash
from vetting.models import Qualification


@transaction.atomic
def update_route(*, project: Project, at: datetime) -> Route | None:
    """Lead the project's work over its current terms and requirements; None before it has terms.

    Batches that are not closed move to the route, and who may claim on it is worked out anew.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if project.current_terms_id is None:
        return None
    required = project.requirements.order_by("skill_id").values_list("skill_id", "level")
    needs: list[JsonValue] = [[str(skill), level] for skill, level in required]
    Route.objects.filter(project=project, is_current=True).update(is_current=False)
    route, _ = Route.objects.update_or_create(
        project=project,
        terms_id=project.current_terms_id,
        needs_hash=content_hash(needs),
        defaults={"is_current": True},
        create_defaults={"is_current": True, "needs": needs, "created_at": at},
    )
    _move_batches(project, route)
    for expert_id in _touched(project):
        rebuild_expert_routes(expert_id=expert_id, at=at)
    return route


@transaction.atomic
def rebuild_expert_routes(*, expert_id: UUID, at: datetime) -> None:
    """Work out anew on which routes the expert may claim.

    That is: a current route of a started project whose terms they accepted, whose every
    requirement an active qualification meets, and of whose client they are no member. Running
    assignments are not touched.
    """
    # The row lock lets two causes (a qualification, a yes to terms) see each other's rows.
    Expert.objects.select_for_update(no_key=True).get(pk=expert_id)
    levels = _levels(expert_id, at)
    allowed = [
        (route, engagement)
        for engagement in _engagements(expert_id)
        for route in engagement.terms.routes.all()
        if route.is_current and all(levels.get(skill, 0) >= level for skill, level in route.needs)
    ]
    ExpertRoute.objects.filter(expert_id=expert_id).exclude(
        route__in=[route for route, _ in allowed]
    ).delete()
    ExpertRoute.objects.bulk_create(
        [
            ExpertRoute(expert_id=expert_id, route=route, engagement=engagement)
            for route, engagement in allowed
        ],
        ignore_conflicts=True,
    )


def reset_cursors(*, route_id: UUID) -> None:
    """Send every cursor of the route back to its start, because a seat opened behind some."""
    Route.objects.filter(pk=route_id).update(epoch=F("epoch") + 1)


def _move_batches(project: Project, route: Route) -> None:
    old = Batch.objects.filter(project=project).exclude(Q(state="closed") | Q(route=route))
    batches = list(old.exclude(route=None).order_by("pk").select_for_update(no_key=True))
    if batches:
        Batch.objects.filter(pk__in=[batch.pk for batch in batches]).update(route=route)
        Task.objects.filter(batch__in=batches, state__in=UNFINISHED).update(route=route)
        reset_cursors(route_id=route.pk)


def _touched(project: Project) -> list[UUID]:
    """Experts on a route of the project, and those who accepted its current terms."""
    on_route = ExpertRoute.objects.filter(route__project=project).values("expert")
    accepted = Engagement.objects.filter(terms_id=project.current_terms_id).values("expert")
    experts = Expert.objects.filter(Q(pk__in=on_route) | Q(pk__in=accepted))
    return list(experts.order_by("pk").values_list("pk", flat=True))


def _levels(expert_id: UUID, at: datetime) -> dict[str, int]:
    """The highest level held per skill now."""
    held = Qualification.objects.filter(expert_id=expert_id, state="active").filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at)
    )
    levels: dict[str, int] = {}
    for skill, level in held.values_list("skill_id", "level"):
        levels[str(skill)] = max(level, levels.get(str(skill), 0))
    return levels


def _engagements(expert_id: UUID) -> list[Engagement]:
    own = Membership.objects.filter(user__expert=expert_id).values("organization")
    return list(
        Engagement.objects.filter(
            expert_id=expert_id, project__state__in=STARTED, terms=F("project__current_terms")
        )
        .exclude(project__organization__in=own)
        .select_related("terms")
        .prefetch_related("terms__routes")
        .order_by("pk")
    )
