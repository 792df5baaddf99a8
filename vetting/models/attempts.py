"""One person taking one test, and everything they said."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.people.models import Expert
from vetting.models.assessments import Assessment, AssessmentVersion, Item

TRANSITIONS = transitions(
    {
        "ready": "in_progress voided",
        "in_progress": "submitted timed_out abandoned voided",
        "submitted": "in_grading voided",
        "timed_out": "in_grading voided",
        "abandoned": "",
        "voided": "",
        "in_grading": "adjudicating passed failed",
        "adjudicating": "passed failed",
        "passed": "",
        "failed": "",
    }
)
RUNNING = ("ready", "in_progress")
ENDED = ("passed", "failed", "abandoned", "voided")


class Attempt(models.Model):
    """A seed and a deadline: the same answers at the same seed meet the same questions.

    `ended_by` keeps how it ended, `submitted` or `timed_out`, after the state has moved on.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="attempts")
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="attempts")
    version = models.ForeignKey(
        AssessmentVersion, on_delete=models.PROTECT, related_name="attempts"
    )
    number = models.PositiveSmallIntegerField()
    seed = models.BigIntegerField()
    state = models.CharField(max_length=16, choices=[(s, s) for s in TRANSITIONS])
    started_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=16, blank=True)

    class Meta:
        indexes = [
            models.Index(
                "deadline_at", name="attempt_to_time_out", condition=Q(state="in_progress")
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["expert", "assessment"],
                condition=Q(state__in=["ready", "in_progress"]),
                name="expert_takes_a_test_once_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["expert", "assessment", "number"], name="expert_numbers_attempts"
            ),
            models.CheckConstraint(
                condition=Q(state__in=list(TRANSITIONS)), name="attempt_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(deadline_at__gt=F("started_at")), name="attempt_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["ready", "in_progress"], ended_at__isnull=True, ended_by="")
                | ~Q(state__in=["ready", "in_progress"]) & Q(ended_at__isnull=False),
                name="attempt_ended_at_matches_state",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} {self.state}"


class AttemptItem(models.Model):
    """A question as this person saw it: its place and the order of its options."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="shown")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="shown")
    position = models.PositiveSmallIntegerField()
    option_order = ArrayField(models.PositiveSmallIntegerField())
    shown_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["item", "shown_at"], name="item_exposure")]
        constraints = [
            models.UniqueConstraint(
                fields=["attempt", "item"], name="attempt_shows_each_question_once"
            ),
            models.UniqueConstraint(
                fields=["attempt", "position"], name="attempt_shows_one_question_at_a_time"
            ),
        ]
        triggers = append_only("shown questions")

    def __str__(self) -> str:
        return f"question {self.position}"


class Response(models.Model):
    """One saved answer; the last revision counts. `choices` are places in the item's own order."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    attempt_item = models.ForeignKey(
        AttemptItem, on_delete=models.PROTECT, related_name="responses"
    )
    revision = models.PositiveSmallIntegerField()
    choices = ArrayField(models.PositiveSmallIntegerField())
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["attempt_item", "revision"], name="response_revision_is_saved_once"
            ),
            models.CheckConstraint(
                condition=Q(choices__len__gte=1), name="response_chooses_something"
            ),
        ]
        triggers = append_only("responses")

    def __str__(self) -> str:
        return f"revision {self.revision}"


class AttemptResult(models.Model):
    """How an attempt was graded, by which arithmetic, from which answers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="result")
    outcome = models.CharField(max_length=16)
    probability = models.FloatField()
    mean = models.FloatField()
    sd = models.FloatField()
    n_right = models.PositiveSmallIntegerField()
    n_answered = models.PositiveSmallIntegerField()
    topics = models.JSONField()
    trace = models.JSONField()
    engine = models.CharField(max_length=40)
    graded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["passed", "failed"]), name="result_outcome_is_known"
            ),
            models.CheckConstraint(
                condition=Q(n_right__lte=F("n_answered")), name="result_counts_right_answers"
            ),
        ]
        triggers = append_only("results")

    def __str__(self) -> str:
        return self.outcome
