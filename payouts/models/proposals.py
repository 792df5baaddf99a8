"""An act on money that one person proposes and another decides (MONEY 16)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions

USER = settings.AUTH_USER_MODEL


class Proposal(models.Model):
    """What somebody wants done, in `terms` (JSON, integers in minor units), and who decided it.

    `kind` names the act, `subject_id` the row that it is about. One open proposal per subject.
    """

    TRANSITIONS = transitions(
        {"proposed": "approved refused withdrawn", "approved": "", "refused": "", "withdrawn": ""}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=32)
    subject_id = models.UUIDField()
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, null=True, related_name="+"
    )
    terms = models.JSONField()
    why = models.CharField(max_length=500)
    state = models.CharField(max_length=9, default="proposed")
    proposed_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="proposal_checker_is_not_maker",
                condition=Q(decided_by=None)
                | ~Q(decided_by=F("proposed_by"))
                | Q(state="withdrawn"),
            ),
            models.CheckConstraint(
                name="proposal_state_matches_its_decision",
                condition=Q(state="proposed", decided_by=None, decided_at=None)
                | Q(
                    state__in=["approved", "refused", "withdrawn"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
            ),
            models.CheckConstraint(name="proposal_says_why", condition=~Q(why="")),
            models.UniqueConstraint(
                fields=["kind", "subject_id"],
                name="one_open_proposal_per_subject",
                condition=Q(state="proposed"),
            ),
        ]
        indexes = [models.Index(fields=["state", "-id"], name="proposal_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"
