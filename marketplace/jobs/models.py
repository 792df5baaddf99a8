"""A job is a row written in the business transaction; Celery is only its bell."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions

TRANSITIONS = transitions(
    {
        "ready": "running cancelled",
        "running": "ready done dead cancelled",
        "done": "",
        "dead": "ready",
        "cancelled": "",
    }
)
ENDED = ("done", "dead", "cancelled")


class Job(models.Model):
    """One occurrence of background work: `kind` called with `args`, once, whatever breaks.

    `lease_until` and `lease_token` are set exactly while it runs; a worker that lost its token
    can change nothing any more. Times are the database's own.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=100)
    key = models.CharField(max_length=200, unique=True)
    args = models.JSONField(default=dict)
    queue = models.CharField(max_length=20)
    state = models.CharField(max_length=20, default="ready", choices=[(s, s) for s in TRANSITIONS])
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField()
    run_at = models.DateTimeField(db_default=Now())
    lease_seconds = models.PositiveIntegerField()
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    nudged_at = models.DateTimeField(null=True)
    progress_done = models.PositiveBigIntegerField(default=0)
    progress_total = models.PositiveBigIntegerField(null=True)
    progress_note = models.CharField(max_length=200, default="")
    result = models.JSONField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.UUIDField(null=True)
    asked_by = models.UUIDField(null=True)
    last_error = models.CharField(max_length=500, default="")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="job_state_is_known", condition=Q(state__in=list(TRANSITIONS))
            ),
            models.CheckConstraint(
                name="job_lease_matches_state",
                condition=Q(state="running", lease_until__isnull=False, lease_token__isnull=False)
                | Q(~Q(state="running"), lease_until__isnull=True, lease_token__isnull=True),
            ),
            models.CheckConstraint(
                name="job_finished_at_matches_state",
                condition=Q(state__in=ENDED, finished_at__isnull=False)
                | Q(~Q(state__in=ENDED), finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="job_cancel_request_names_its_person",
                condition=Q(cancel_requested_at__isnull=True, cancel_requested_by__isnull=True)
                | Q(cancel_requested_at__isnull=False, cancel_requested_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                "run_at", "id", name="job_due", condition=Q(state__in=["ready", "running"])
            ),
            models.Index(
                "finished_at", name="job_old", condition=Q(state__in=["done", "cancelled"])
            ),
            models.Index("kind", name="job_dead", condition=Q(state="dead")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
