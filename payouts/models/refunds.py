"""Money that goes back to a client, asked for or taken by its bank (MONEY 10)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models import triggers
from payouts.models.budgets import Funding


class Refund(models.Model):
    """Free money of a wallet that a client wants back, split over the payments it came from."""

    TRANSITIONS = transitions(
        {
            "requested": "approved refused",
            "approved": "sending",
            "sending": "paid failed unknown",
            "unknown": "paid failed",
            "paid": "failed",
            "failed": "",
            "refused": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="refunds"
    )
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=9, default="requested")
    why = models.CharField(max_length=200, blank=True, default="")
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField()
    approved_by = models.UUIDField(null=True)
    approved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    livemode = models.BooleanField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="refund_is_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="refund_state_is_known",
                condition=Q(
                    state__in=[
                        "requested",
                        "approved",
                        "sending",
                        "unknown",
                        "paid",
                        "failed",
                        "refused",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="refund_checker_is_not_maker",
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("asked_by")),
            ),
            models.CheckConstraint(
                name="refund_ends_with_its_instant",
                condition=Q(state__in=["paid", "failed", "refused"], ended_at__isnull=False)
                | Q(state__in=["requested", "approved", "sending", "unknown"], ended_at=None),
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="refund_by_organization")]
        triggers = [triggers.MODE_MATCHES]

    def __str__(self) -> str:
        return f"refund {self.id}"


class RefundPart(models.Model):
    """The part of a refund that goes back through one payment: one frozen request to Stripe."""

    TRANSITIONS = transitions(
        {
            "created": "sending failed",
            "sending": "succeeded failed unknown",
            "unknown": "succeeded failed sending",
            "succeeded": "failed",
            "failed": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="parts")
    funding = models.ForeignKey(Funding, models.PROTECT, related_name="refund_parts")
    amount_minor = models.BigIntegerField()
    key = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=9, default="created")
    sends = models.IntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 unique
    error_message = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(name="refund_part_is_positive", condition=Q(amount_minor__gt=0)),
            models.UniqueConstraint(
                fields=["refund", "funding"], name="a_refund_uses_a_payment_once"
            ),
            models.CheckConstraint(
                name="refund_part_succeeded_with_its_id",
                condition=~Q(state="succeeded") | Q(provider_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Chargeback(models.Model):
    """A payment that the client's bank takes back, or wants to (Stripe: a dispute)."""

    TRANSITIONS = transitions(
        {"warning": "open closed", "open": "won lost", "won": "open", "lost": "", "closed": "open"}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dispute_id = models.CharField(max_length=100, unique=True)
    funding = models.ForeignKey(Funding, models.PROTECT, related_name="chargebacks")
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="chargebacks"
    )
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=7)
    withdrawn_minor = models.BigIntegerField(default=0)
    lost_to_us_minor = models.BigIntegerField(default=0)
    evidence_due_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="chargeback_state_is_known",
                condition=Q(state__in=["warning", "open", "won", "lost", "closed"]),
            ),
            models.CheckConstraint(
                name="chargeback_holds_what_it_took",
                condition=Q(amount_minor__gt=0, withdrawn_minor__gte=0, lost_to_us_minor__gte=0),
            ),
            models.CheckConstraint(
                name="chargeback_ends_with_its_instant",
                condition=Q(state__in=["warning", "open"], closed_at=None)
                | Q(state__in=["won", "lost", "closed"], closed_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization"],
                name="chargeback_open",
                condition=Q(state__in=["warning", "open"]),
            )
        ]

    def __str__(self) -> str:
        return self.dispute_id
