"""Who may claim what: routes, the experts on them, and how far each has come."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert
from marketplace.projects.models import DataUseTerms, Engagement, Project


class Route(models.Model):
    """One project under one version of its terms and one set of requirements.

    `needs` is the sorted list of `[skill id, level]`; `needs_hash` makes it comparable. `epoch`
    rises whenever a seat opens behind somebody's cursor, which sends every cursor back to the
    start of the route. New batches and claims use the project's `is_current` one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="routes")
    terms = models.ForeignKey(DataUseTerms, on_delete=models.PROTECT, related_name="routes")
    needs = models.JSONField()
    needs_hash = models.CharField(max_length=64)
    epoch = models.BigIntegerField(default=0)
    is_current = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "terms", "needs_hash"], name="route_is_made_once"
            ),
            models.UniqueConstraint(
                fields=["project"], condition=Q(is_current=True), name="project_has_one_route_now"
            ),
        ]

    def __str__(self) -> str:
        return f"route {self.id}"


class ExpertRoute(models.Model):
    """This expert may claim on this route: qualified, and the current terms accepted.

    A cache that `tasks.services.routing` rebuilds whenever either changes. Higher `rank` first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="routes")
    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="experts")
    engagement = models.ForeignKey(Engagement, on_delete=models.CASCADE, related_name="+")
    rank = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["expert", "route"], name="expert_is_on_a_route_once")
        ]

    def __str__(self) -> str:
        return f"{self.expert_id} on {self.route_id}"


class RouteCursor(models.Model):
    """Every open task of the route up to (`turn`, `task_id`) is already this expert's.

    Valid only while `epoch` equals the route's. Written by the claim function alone.
    """

    id = models.BigAutoField(primary_key=True)
    expert = models.ForeignKey(
        Expert, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    route = models.ForeignKey(
        Route, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    epoch = models.BigIntegerField()
    turn = models.SmallIntegerField()
    task_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["expert", "route"], name="expert_has_one_cursor_on_a_route"
            )
        ]

    def __str__(self) -> str:
        return f"{self.expert_id} on {self.route_id}"
