"""A data set made from approved answers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.people.models import User
from marketplace.projects.models import Project
from tasks.models.batches import Batch

TRANSITIONS = transitions({"building": "ready cancelled", "ready": "", "cancelled": ""})


class Export(models.Model):
    """One data set of a project, or of one of its batches, for one purpose.

    Files are written beside the final folder and moved there at the end, so `ready` means whole.
    `files` maps each name to `{rows, bytes, sha256}`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="exports")
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, null=True, blank=True, related_name="exports"
    )
    purpose = models.CharField(max_length=20)
    state = models.CharField(
        max_length=10, default="building", choices=[(s, s) for s in TRANSITIONS]
    )
    files = models.JSONField(default=dict, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    job = models.UUIDField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="export_state_is_known", condition=Q(state__in=list(TRANSITIONS))
            ),
            models.CheckConstraint(
                name="ready_export_has_files",
                condition=(Q(state="ready", ready_at__isnull=False) & ~Q(files={}))
                | (~Q(state="ready") & Q(ready_at__isnull=True)),
            ),
        ]
        indexes = [models.Index("project", "id", name="export_of_project")]

    def __str__(self) -> str:
        return f"export {self.id}"
