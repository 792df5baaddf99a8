"""Why a person was told yes or no, and who said so."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.people.models.accounts import User
from marketplace.people.models.experts import Expert

_REASONED = (
    # A comparison with NULL is not false, and what is not false passes a CHECK.
    Q(automated=False, decided_by__isnull=False, appeal_until__isnull=False)
    & Q(appeal_until__gt=F("decided_at"))
    & ~Q(reason_code="")
    & ~Q(message="")
    & ~Q(evidence=[])
)


class DecisionRecord(models.Model):
    """One decision about a person, append-only.

    An adverse one (refused, paid less, suspended, lowered) has a human who decided, a reason,
    evidence and an appeal clock. `automated` ones are made by a rule and are never adverse.
    `evidence` is a list of references or facts. `decided_by` is the confirmer where two decide.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=64)
    adverse = models.BooleanField()
    automated = models.BooleanField()
    subject_kind = models.CharField(max_length=64)
    subject_id = models.UUIDField()
    expert = models.ForeignKey(
        Expert, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions"
    )
    reason_code = models.CharField(max_length=64, blank=True)
    message = models.TextField(blank=True)
    evidence = models.JSONField(default=list)
    guideline_ref = models.CharField(max_length=200, blank=True)
    proposed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions_proposed"
    )
    confirmed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions_confirmed"
    )
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="decisions_made"
    )
    decided_at = models.DateTimeField()
    appeal_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="decisions_of_subject")]
        constraints = [
            models.CheckConstraint(
                condition=Q(adverse=False) | _REASONED,
                name="adverse_decision_has_human_reason_evidence_and_clock",
            ),
            models.CheckConstraint(
                condition=Q(proposed_by__isnull=True)
                | Q(confirmed_by__isnull=True)
                | ~Q(proposed_by=F("confirmed_by")),
                name="proposer_and_confirmer_differ",
            ),
            models.CheckConstraint(
                condition=Q(automated=True, decided_by__isnull=True)
                | Q(automated=False, decided_by__isnull=False),
                name="decision_is_by_a_person_or_by_rule",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True)
                | Q(proposed_by__isnull=False, decided_by__isnull=False)
                & Q(decided_by=F("confirmed_by")),
                name="confirmer_confirms_a_proposal_and_decides",
            ),
        ]
        triggers = append_only("decisions")

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_kind} {self.subject_id}"
