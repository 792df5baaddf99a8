"""A client's file on its way into a batch."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.people.models import User

TRANSITIONS = transitions(
    {
        "checking": "checked failed cancelled",
        "checked": "loading cancelled",
        "loading": "done cancelled",
        "done": "",
        "failed": "",
        "cancelled": "",
    }
)
RUNNING = ("checking", "checked", "loading")


class Import(models.Model):
    """One file: read as a whole first, then loaded when a person says so.

    `checking` reads every row and lists the bad ones; nothing is imported. `loading` writes the
    good rows in chunks; `cursor` is the last row written, where a killed load goes on. `failed`
    means that the file cannot be read at all; `problem` says why, also where a batch that closed
    cancelled its import.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    batch = models.ForeignKey("tasks.Batch", on_delete=models.PROTECT, related_name="imports")
    file_name = models.CharField(max_length=200)
    path = models.CharField(max_length=200)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    mapping = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    state = models.CharField(
        max_length=10, default="checking", choices=[(s, s) for s in TRANSITIONS]
    )
    problem = models.CharField(max_length=500, blank=True)
    rows_good = models.PositiveIntegerField(default=0)
    rows_bad = models.PositiveIntegerField(default=0)
    rows_loaded = models.PositiveIntegerField(default=0)
    cursor = models.PositiveIntegerField(default=0)
    check_job = models.UUIDField(null=True, blank=True)
    load_job = models.UUIDField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="import_state_is_known", condition=Q(state__in=list(TRANSITIONS))
            ),
            models.UniqueConstraint(
                fields=["batch"],
                condition=Q(state__in=RUNNING),
                name="batch_has_one_running_import",
            ),
        ]
        indexes = [models.Index("batch", "id", name="import_of_batch")]

    def __str__(self) -> str:
        return self.file_name


class ImportProblem(models.Model):
    """Why one row cannot be used. Rows are counted from 1, as the file's reader counts them."""

    id = models.BigAutoField(primary_key=True)
    upload = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems")
    row = models.PositiveIntegerField()
    field = models.CharField(max_length=200, blank=True)
    problem = models.CharField(max_length=500)

    class Meta:
        indexes = [models.Index("upload", "row", "id", name="problem_of_import")]

    def __str__(self) -> str:
        return f"row {self.row}: {self.problem}"
