"""Verdicts by people."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.people.models import DecisionRecord, User
from tasks.models.assignments import Submission

VERDICTS = ("approve", "approve_partly", "ask_changes", "reject")
ADVERSE = ("approve_partly", "reject")
CATEGORIES = (
    "failed_instructions",
    "low_effort",
    "failed_check",
    "wrong_or_unsupported",
    "duplicate_or_copied",
    "out_of_scope",
    "no_data",
    "other",
)
SHORTEST_REASON = 100


class Review(models.Model):
    """A verdict on a submission by a person who is neither its author nor an earlier reviewer.

    Silence writes no review. An adverse verdict carries its DecisionRecord. An approval may say
    how good the work is, `score` 1 (barely) to 5 (excellent), which is evidence about the skill.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reviews")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=16, choices=[(v, v) for v in VERDICTS])
    pay_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    category = models.CharField(max_length=24, blank=True, choices=[(c, c) for c in CATEGORIES])
    guideline_ref = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    decision = models.OneToOneField(
        DecisionRecord, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reviewer_is_not_the_author", condition=~Q(reviewer=F("author"))
            ),
            models.UniqueConstraint(
                fields=["submission", "reviewer"], name="person_reviews_a_submission_once"
            ),
            models.CheckConstraint(name="verdict_is_known", condition=Q(verdict__in=VERDICTS)),
            models.CheckConstraint(
                name="rejection_has_category_guideline_and_reason",
                condition=~Q(verdict="reject")
                | (
                    Q(GreaterThanOrEqual(Length("message"), SHORTEST_REASON))
                    & Q(category__in=CATEGORIES)
                    & ~Q(guideline_ref="")
                ),
            ),
            models.CheckConstraint(
                name="adverse_review_has_a_decision",
                condition=Q(verdict__in=ADVERSE, decision__isnull=False)
                | (~Q(verdict__in=ADVERSE) & Q(decision__isnull=True)),
            ),
            models.CheckConstraint(
                name="only_an_approval_has_a_score_of_1_to_5",
                condition=Q(score__isnull=True)
                | Q(verdict="approve", score__isnull=False, score__gte=1, score__lte=5),
            ),
            models.CheckConstraint(
                name="partly_pays_1_to_99_percent",
                condition=Q(verdict="approve_partly", pay_percent__gte=1, pay_percent__lte=99)
                | (~Q(verdict="approve_partly") & Q(pay_percent__isnull=True)),
            ),
        ]
        triggers = append_only("reviews")

    def __str__(self) -> str:
        return f"{self.verdict} of {self.submission_id}"
