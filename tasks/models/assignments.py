"""One expert's hold on one seat, what they are typing, and what they sent."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from marketplace.people.models import Expert
from marketplace.projects.models import Engagement, Guideline, Project
from tasks.models.batches import Batch, Task

TRANSITIONS = transitions(
    {
        "active": "awaiting_review returned expired screened_out cancelled_paid",
        "awaiting_review": "approved partially_approved changes_requested rejected",
        "changes_requested": "awaiting_review",
        "approved": "",
        "partially_approved": "disputed",
        "rejected": "disputed",
        "disputed": "approved partially_approved rejected_final",
        "rejected_final": "",
        "returned": "",
        "expired": "active",  # claimed again while the seat is still free
        "screened_out": "",
        "cancelled_paid": "",
    }
)
PAID = ("approved", "partially_approved", "screened_out", "cancelled_paid")
ANSWERED = ("approved", "partially_approved")
UNDECIDED = ("awaiting_review", "changes_requested", "disputed")
DECIDED = (*PAID, "rejected", "rejected_final", "disputed")
ASSISTANCE = ("none", "search", "llm", "other")


_COPIES_ITS_RATE = pgtrigger.Trigger(
    name="assignment_copies_its_rate",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    # Beside the SQL of the claim, which copies price and fee: what was promised stays.
    func="""
    IF TG_OP = 'INSERT' THEN
      SELECT hourly_minor INTO NEW.hourly_minor FROM tasks_batch WHERE id = NEW.batch_id;
    ELSIF NEW.hourly_minor IS DISTINCT FROM OLD.hourly_minor
      OR NEW.price_minor <> OLD.price_minor OR NEW.fee_minor <> OLD.fee_minor THEN
      RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = 'the pay of a claim never changes';
    END IF;
    RETURN NEW;
    """,
)


class Assignment(models.Model):
    """One expert's hold on one seat of a task, under the price and texts of its claim.

    While `active` it has a lease; the sweep that finds `lease_until` passed gives the seat back,
    and until then a submission still counts. With `hourly_minor`, the rate at the claim, its price
    is the most that its measured `active_seconds` pay. `seed` fixes what was shuffled for this
    expert. `pay_minor` is what was finally paid. `decided_by_rule` marks silence. Keys without an
    index of their own lead one of the constraints or indexes below, or are never looked up
    backwards.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(
        Task, on_delete=models.PROTECT, related_name="assignments", db_index=False
    )
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="assignments")
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="assignments", db_index=False
    )
    expert = models.ForeignKey(
        Expert, on_delete=models.PROTECT, related_name="assignments", db_index=False
    )
    engagement = models.ForeignKey(
        Engagement, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    guideline = models.ForeignKey(
        Guideline, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    state = models.CharField(max_length=20, default="active", choices=[(s, s) for s in TRANSITIONS])
    seed = models.IntegerField()
    price_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    hourly_minor = models.BigIntegerField(null=True, blank=True)
    claimed_at = models.DateTimeField()
    lease_seconds = models.PositiveIntegerField()
    lease_until = models.DateTimeField(null=True, blank=True)
    extensions = models.PositiveSmallIntegerField(default=0)
    last_beat_at = models.DateTimeField(null=True, blank=True)
    active_seconds = models.PositiveIntegerField(default=0)
    revision = models.PositiveSmallIntegerField(default=0)
    submitted_at = models.DateTimeField(null=True, blank=True)
    review_until = models.DateTimeField(null=True, blank=True)
    changes_due_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by_rule = models.BooleanField(default=False)
    dispute_until = models.DateTimeField(null=True, blank=True)
    pay_minor = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="assignment_state_is_known", condition=Q(state__in=list(TRANSITIONS))
            ),
            models.UniqueConstraint(
                fields=["task", "expert"], name="expert_holds_a_task_at_most_once"
            ),
            models.CheckConstraint(
                name="lease_matches_state",
                condition=Q(state="active", lease_until__isnull=False)
                | (~Q(state="active") & Q(lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="review_clock_matches_state",
                condition=Q(state="awaiting_review", review_until__isnull=False)
                | (~Q(state="awaiting_review") & Q(review_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="changes_clock_matches_state",
                condition=Q(state="changes_requested", changes_due_at__isnull=False)
                | (~Q(state="changes_requested") & Q(changes_due_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="decided_at_matches_state",
                condition=Q(state__in=DECIDED, decided_at__isnull=False)
                | (~Q(state__in=DECIDED) & Q(decided_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="pay_matches_state",
                condition=Q(state="approved", hourly_minor=None, pay_minor=F("price_minor"))
                | Q(
                    state="approved",
                    hourly_minor__isnull=False,
                    pay_minor__gte=0,
                    pay_minor__lte=F("price_minor"),
                )
                | Q(
                    state__in=["partially_approved", "screened_out", "cancelled_paid"],
                    pay_minor__gte=0,
                    pay_minor__lte=F("price_minor"),
                )
                | (~Q(state__in=PAID) & Q(pay_minor__isnull=True)),
            ),
            models.CheckConstraint(
                name="rejected_work_can_be_disputed",
                condition=~Q(state="rejected") | Q(dispute_until__gt=F("decided_at")),
            ),
            models.CheckConstraint(
                name="answered_assignment_has_a_submission",
                condition=~Q(state__in=[*ANSWERED, *UNDECIDED, "rejected", "rejected_final"])
                | Q(revision__gte=1, submitted_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index("lease_until", "id", name="lease_due", condition=Q(state="active")),
            models.Index(
                "review_until", "id", name="review_due", condition=Q(state="awaiting_review")
            ),
            models.Index(
                "changes_due_at", "id", name="changes_due", condition=Q(state="changes_requested")
            ),
            models.Index("expert", "id", name="assignment_of_expert"),
            models.Index("expert", name="active_of_expert", condition=Q(state="active")),
            models.Index("project", "state", "id", name="assignment_of_project"),
            models.Index(
                "batch", "decided_at", "id", name="result_of_batch", condition=Q(state__in=ANSWERED)
            ),
        ]
        triggers = [_COPIES_ITS_RATE]

    def __str__(self) -> str:
        return f"assignment {self.id}"


class Draft(models.Model):
    """What the expert has typed so far. `revision` counts saves; a stale one is refused."""

    assignment = models.OneToOneField(
        Assignment, on_delete=models.CASCADE, primary_key=True, related_name="draft"
    )
    revision = models.PositiveIntegerField()
    answer = models.JSONField()
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"draft of {self.assignment_id}"


class Submission(models.Model):
    """One revision of an answer, as sent. Never edited; a correction is the next revision."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, related_name="submissions", db_index=False
    )
    revision = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    submitted_at = models.DateTimeField()
    active_seconds = models.PositiveIntegerField()
    assistance = models.CharField(max_length=8, choices=[(a, a) for a in ASSISTANCE])
    assistance_note = models.CharField(max_length=500, blank=True)
    confidence = models.PositiveSmallIntegerField(null=True, blank=True)
    is_unclear = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "revision"], name="revision_is_submitted_once"
            ),
            models.CheckConstraint(name="revisions_start_at_one", condition=Q(revision__gte=1)),
            models.CheckConstraint(
                name="assistance_is_known", condition=Q(assistance__in=ASSISTANCE)
            ),
            models.CheckConstraint(
                name="confidence_is_1_to_5",
                condition=Q(confidence__isnull=True) | Q(confidence__gte=1, confidence__lte=5),
            ),
        ]
        triggers = append_only("submissions")

    def __str__(self) -> str:
        return f"submission {self.id}"
