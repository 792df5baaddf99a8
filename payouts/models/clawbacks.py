"""Taking earned money back, for proven fraud or a payment error only (MONEY 10)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models.earnings import Earning

USER = settings.AUTH_USER_MODEL
CLAWBACK_REASONS = ("proven_fraud", "payment_error")
SHORTEST_MESSAGE = 50

models.TextField.register_lookup(Length, "length")


class Clawback(models.Model):
    """A proposal by one person, decided by another, against one earning; never automatic.

    In hold it is a void of the earning or a part of it; later it takes from what is available, and
    the rest is owed. `fee_minor` is the share of the fee that goes back to the client.
    """

    TRANSITIONS = transitions({"proposed": "made refused", "made": "", "refused": ""})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    earning = models.ForeignKey(Earning, models.PROTECT, related_name="clawbacks")
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    owed_minor = models.BigIntegerField(default=0)
    state = models.CharField(max_length=8, default="proposed")
    reason = models.CharField(max_length=20)
    message = models.TextField()
    evidence = models.JSONField()
    proposed_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True, default="")
    appeal_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="clawback_takes_something",
                condition=Q(amount_minor__gt=0, fee_minor__gte=0, owed_minor__gte=0),
            ),
            models.CheckConstraint(
                name="clawback_has_a_reason_a_message_and_evidence",
                condition=Q(
                    reason__in=CLAWBACK_REASONS,
                    message__length__gte=SHORTEST_MESSAGE,
                )
                & ~Q(evidence=[]),
            ),
            models.CheckConstraint(
                name="clawback_checker_is_not_maker",
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")),
            ),
            models.CheckConstraint(
                name="clawback_state_matches_its_decision",
                condition=Q(state="proposed", decided_by=None, decided_at=None, appeal_until=None)
                | Q(
                    state="made",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    appeal_until__gt=F("decided_at"),
                )
                | Q(state="refused", decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["earning"],
                name="one_open_clawback_per_earning",
                condition=Q(state="proposed"),
            ),
        ]

    def __str__(self) -> str:
        return f"clawback {self.id}"


class Netting(models.Model):
    """A part of an earning that paid back what the expert owed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    earning = models.ForeignKey(Earning, models.PROTECT, related_name="nettings")
    posting = models.ForeignKey("payouts.Posting", models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="netting_is_positive", condition=Q(amount_minor__gt=0)),
            models.UniqueConstraint(
                fields=["earning", "posting"], name="a_posting_nets_an_earning_once"
            ),
        ]
        triggers = [*append_only("nettings")]

    def __str__(self) -> str:
        return f"netting {self.id}"
