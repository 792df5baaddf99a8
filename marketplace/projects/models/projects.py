"""What a client wants, from whom, and under which plan."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from marketplace.projects.models.texts import DataUseTerms, Guideline
from vetting.models import Skill

TRANSITIONS = transitions(
    {
        "draft": "pilot closed",
        "pilot": "active closed",
        "active": "paused closed",
        "paused": "active closed",
        "closed": "archived",
        "archived": "",
    }
)
CLOSE_REASONS = ("completed", "expired", "budget", "cancelled", "superseded")
_CLOSED = ("closed", "archived")


class Project(models.Model):
    """Work of one format that a client wants done, under versioned guidelines and terms.

    `current_guideline` and `current_terms` are what the next claim works under. The quality plan
    holds for batches opened from now on: `answers_per_task` people answer each task, a verdict is
    due within `review_days`, after which silence approves. `mapping` is the client's own field
    mapping (`prompt=instruction`), kept for the next import.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="projects"
    )
    title = models.CharField(max_length=150)
    summary = models.TextField(blank=True)
    format = models.CharField(max_length=40)
    format_version = models.PositiveIntegerField(default=1)
    currency = models.CharField(max_length=3, default="USD")
    state = models.CharField(max_length=12, default="draft", choices=[(s, s) for s in TRANSITIONS])
    close_reason = models.CharField(max_length=12, blank=True)
    content_warning = models.CharField(max_length=300, blank=True)
    answers_per_task = models.PositiveSmallIntegerField(default=3)
    review_days = models.PositiveSmallIntegerField(default=7)
    pilot_tasks = models.PositiveSmallIntegerField(default=10)
    mapping = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    current_guideline = models.ForeignKey(
        Guideline, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    current_terms = models.ForeignKey(
        DataUseTerms, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="project_state_is_known", condition=Q(state__in=list(TRANSITIONS))
            ),
            models.CheckConstraint(
                name="project_close_reason_matches_state",
                condition=Q(state__in=_CLOSED, close_reason__in=CLOSE_REASONS)
                | (~Q(state__in=_CLOSED) & Q(close_reason="")),
            ),
            models.CheckConstraint(
                name="project_closed_at_matches_state",
                condition=Q(state__in=_CLOSED, closed_at__isnull=False)
                | (~Q(state__in=_CLOSED) & Q(closed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="running_project_has_guideline_and_terms",
                condition=Q(state__in=["draft", *_CLOSED])
                | Q(current_guideline__isnull=False, current_terms__isnull=False),
            ),
            models.CheckConstraint(
                name="project_wants_1_to_25_answers",
                condition=Q(answers_per_task__gte=1, answers_per_task__lte=25),
            ),
            models.CheckConstraint(
                name="review_takes_1_to_21_days",
                condition=Q(review_days__gte=1, review_days__lte=21),
            ),
            models.CheckConstraint(
                name="project_currency_is_three_capitals",
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
            ),
        ]
        indexes = [models.Index("organization", "id", name="project_of_organization")]

    def __str__(self) -> str:
        return self.title


class Requirement(models.Model):
    """Experts of a project hold this skill at this level or above."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="requirements")
    skill = models.ForeignKey(Skill, on_delete=models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "skill"], name="project_requires_a_skill_once"
            ),
            models.CheckConstraint(
                name="required_level_is_1_to_3", condition=Q(level__gte=1, level__lte=3)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill_id} level {self.level}"
