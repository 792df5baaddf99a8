"""Other ways to be paid than the weekly run by Stripe: on demand, and by a file for a bank."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models import triggers
from payouts.models.payees import Payee
from payouts.models.runs import Payout

USER = settings.AUTH_USER_MODEL


class CashOut(models.Model):
    """A payout that an expert asked for; `at_risk_minor` of it was still in hold."""

    payout = models.OneToOneField(Payout, models.PROTECT, primary_key=True, related_name="cash_out")
    currency = models.CharField(max_length=3)
    asked_at = models.DateTimeField()
    at_risk_minor = models.BigIntegerField()
    risk_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="cash_out_risk_is_not_negative", condition=Q(at_risk_minor__gte=0)
            )
        ]
        indexes = [models.Index(fields=["currency", "risk_until"], name="cash_out_at_risk")]

    def __str__(self) -> str:
        return f"cash-out {self.payout_id}"


class BankDetails(models.Model):
    """Where a payee without Stripe is paid. The account number is sealed; four digits are shown."""

    payee = models.OneToOneField(
        Payee, models.PROTECT, primary_key=True, related_name="bank_details"
    )
    holder = models.CharField(max_length=140)
    sealed_account = models.TextField()
    account_ending = models.CharField(max_length=4)
    bank_code = models.CharField(max_length=20, blank=True, default="")
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"bank details of {self.payee_id}"


class BankBatch(models.Model):
    """One file of payments for the operator's bank: made by one person, approved by another."""

    TRANSITIONS = transitions(
        {
            "drafted": "approved cancelled",
            "approved": "exported cancelled",
            "exported": "confirmed",
            "confirmed": "",
            "cancelled": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=9, default="drafted")
    made_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    approved_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    exported_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bank_batch_checker_is_not_maker",
                condition=Q(approved_by=None) | ~Q(approved_by=F("made_by")),
            ),
            models.CheckConstraint(
                name="bank_batch_state_matches_its_instants",
                condition=Q(state="drafted", approved_at=None, exported_at=None)
                | Q(state="approved", approved_by__isnull=False, approved_at__isnull=False)
                | Q(
                    state__in=["exported", "confirmed"],
                    approved_by__isnull=False,
                    exported_at__isnull=False,
                )
                | Q(state="cancelled", exported_at=None, ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"bank batch {self.id}"


class InstanceMode(models.Model):
    """Whether this instance moves real money. The first row of money decides it for good."""

    id = models.IntegerField(primary_key=True)
    livemode = models.BooleanField()

    class Meta:
        constraints = [models.CheckConstraint(name="there_is_one_instance_mode", condition=Q(id=1))]
        triggers = [triggers.MODE_IS_FOR_GOOD, *triggers.never_deleted("the instance mode")]

    def __str__(self) -> str:
        return "live" if self.livemode else "sandbox"
