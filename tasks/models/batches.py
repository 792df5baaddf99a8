"""Tasks published together at one price, and the tasks."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.people.models import User
from marketplace.projects.models import Project
from marketplace.projects.models.projects import CLOSE_REASONS
from payouts.models import Reservation
from tasks.models.imports import Import
from tasks.models.routes import Route

BATCH_TRANSITIONS = transitions(
    {
        "draft": "importing ready closed",
        "importing": "ready draft closed",
        "ready": "importing open closed",
        "open": "paused closed",
        "paused": "open closed",
        "closed": "",
    }
)
TASK_TRANSITIONS = transitions(
    {
        "pending": "available cancelled",
        "available": "in_review completed cancelled",
        "in_review": "available completed cancelled",
        "completed": "",
        "cancelled": "",
    }
)
RETIRED_BECAUSE = ("enough_answers", "consensus", "adjudicated", "flagged", "cancelled")
BEFORE_OPENING = ("draft", "ready")
UNFINISHED = ("pending", "available", "in_review")
PAUSED_BY = ("client", "project")


class Batch(models.Model):
    """Tasks of one project at one price, under one reservation of money.

    Price and fee are per answer and never change. A batch with `hourly_minor` pays measured time
    at that rate, and its price is the most an answer pays: what is reserved. `quote` is what was
    reserved, frozen at the opening. `lease_seconds` is how long a claim holds a seat;
    `pool_percent` of the answers' price and fee is reserved on top, for seats filled twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="batches")
    route = models.ForeignKey(
        Route, on_delete=models.PROTECT, null=True, blank=True, related_name="batches"
    )
    name = models.CharField(max_length=150)
    state = models.CharField(
        max_length=12, default="draft", choices=[(s, s) for s in BATCH_TRANSITIONS]
    )
    close_reason = models.CharField(max_length=12, blank=True)
    paused_by = models.CharField(max_length=8, blank=True)
    price_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    hourly_minor = models.BigIntegerField(null=True, blank=True)
    fee_basis_points = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    pool_percent = models.PositiveSmallIntegerField(default=40)
    answers_per_task = models.PositiveSmallIntegerField()
    review_days = models.PositiveSmallIntegerField()
    lease_seconds = models.PositiveIntegerField(default=900)
    reservation = models.OneToOneField(
        Reservation, on_delete=models.PROTECT, null=True, blank=True, related_name="batch"
    )
    quote = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="batch_state_is_known", condition=Q(state__in=list(BATCH_TRANSITIONS))
            ),
            models.CheckConstraint(
                name="batch_close_reason_matches_state",
                condition=Q(state="closed", close_reason__in=CLOSE_REASONS)
                | (~Q(state="closed") & Q(close_reason="")),
            ),
            models.CheckConstraint(
                name="batch_closed_at_matches_state",
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at__isnull=True, settled_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="paused_batch_says_by_whom",
                condition=Q(state="paused", paused_by__in=PAUSED_BY)
                | (~Q(state="paused") & Q(paused_by="")),
            ),
            models.CheckConstraint(
                name="open_batch_has_money_and_a_route",
                condition=~Q(state__in=["open", "paused"])
                | Q(reservation__isnull=False, route__isnull=False, opened_at__isnull=False),
            ),
            models.CheckConstraint(
                name="batch_price_is_positive_and_fee_is_not_negative",
                condition=Q(price_minor__gt=0, fee_minor__gte=0),
            ),
            models.CheckConstraint(
                name="batch_rate_is_positive",
                condition=Q(hourly_minor=None) | Q(hourly_minor__gt=0),
            ),
            models.CheckConstraint(
                name="batch_wants_1_to_25_answers",
                condition=Q(answers_per_task__gte=1, answers_per_task__lte=25),
            ),
            models.CheckConstraint(
                name="lease_is_at_least_a_minute", condition=Q(lease_seconds__gte=60)
            ),
        ]
        indexes = [
            models.Index("project", "id", name="batch_of_project"),
            models.Index(
                "id",
                name="batch_to_settle",
                condition=Q(state="closed", settled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    """One unit of work with its payload (the format's prompt).

    `taken` of its `seats` are held or answered. `is_open` says that a seat may be claimed now: the
    task is available, its batch open, a seat free. Priority 0 to 9, higher first; `turn` is its
    negative, so that (route, turn, id) is one ascending index.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    route = models.ForeignKey(
        Route,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    row_key = models.CharField(max_length=200)
    payload = models.JSONField()
    priority = models.SmallIntegerField(default=0)
    turn = models.GeneratedField(
        expression=F("priority") * -1, output_field=models.SmallIntegerField(), db_persist=True
    )
    seats = models.SmallIntegerField()
    taken = models.SmallIntegerField(default=0)
    is_open = models.BooleanField(default=False)
    state = models.CharField(
        max_length=12, default="pending", choices=[(s, s) for s in TASK_TRANSITIONS]
    )
    retired_because = models.CharField(max_length=16, blank=True)
    source = models.ForeignKey(
        Import, on_delete=models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="task_state_is_known", condition=Q(state__in=list(TASK_TRANSITIONS))
            ),
            models.CheckConstraint(
                name="task_takes_no_more_than_its_seats",
                condition=Q(taken__gte=0, taken__lte=F("seats"), seats__gte=1),
            ),
            models.CheckConstraint(
                name="open_task_has_a_free_seat_and_a_route",
                condition=Q(is_open=False)
                | Q(state="available", taken__lt=F("seats"), route__isnull=False),
            ),
            models.CheckConstraint(
                name="task_end_matches_state",
                condition=Q(state__in=UNFINISHED, retired_because="", ended_at__isnull=True)
                | Q(
                    ~Q(state__in=UNFINISHED),
                    retired_because__in=RETIRED_BECAUSE,
                    ended_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="task_priority_is_0_to_9", condition=Q(priority__gte=0, priority__lte=9)
            ),
            models.UniqueConstraint(fields=["batch", "row_key"], name="batch_has_each_row_once"),
        ]
        indexes = [
            models.Index("route", "turn", "id", name="task_claimable", condition=Q(is_open=True)),
            models.Index("batch", "id", name="task_of_batch"),
            models.Index("batch", name="task_unfinished", condition=Q(state__in=UNFINISHED)),
        ]

    def __str__(self) -> str:
        return f"task {self.row_key}"


class GoldAnswer(models.Model):
    """The right answer of a task that looks like any other. Never shown before it is retired."""

    STATES = ("live", "retired", "disputed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.OneToOneField(Task, on_delete=models.PROTECT, related_name="gold")
    answer = models.JSONField()
    provenance = models.CharField(max_length=200)
    state = models.CharField(max_length=8, default="live", choices=[(s, s) for s in STATES])
    exposures = models.PositiveIntegerField(default=0)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="gold_state_is_known", condition=Q(state__in=["live", "retired", "disputed"])
            )
        ]

    def __str__(self) -> str:
        return f"gold of {self.task_id}"
