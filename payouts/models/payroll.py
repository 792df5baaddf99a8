"""What an employer owes its own people, exported once per period (MONEY 14)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models import triggers
from payouts.models.earnings import Earning

USER = settings.AUTH_USER_MODEL


class PayrollExport(models.Model):
    """One file for one employer, period and currency: made by one person, approved by another."""

    TRANSITIONS = transitions(
        {
            "drafted": "exported cancelled",
            "exported": "acknowledged voided",
            "acknowledged": "",
            "cancelled": "",
            "voided": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="payroll_exports"
    )
    number = models.IntegerField(null=True)
    currency = models.CharField(max_length=3)
    period_from = models.DateField()
    period_until = models.DateField()
    state = models.CharField(max_length=12, default="drafted")
    csv = models.TextField(blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    made_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    approved_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    exported_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payroll_checker_is_not_maker",
                condition=Q(approved_by=None) | ~Q(approved_by=F("made_by")),
            ),
            models.CheckConstraint(
                name="payroll_period_runs_forward", condition=Q(period_until__gt=F("period_from"))
            ),
            models.CheckConstraint(
                name="payroll_state_matches_its_instants",
                condition=Q(state="drafted", exported_at=None, cancelled_at=None)
                | (
                    Q(
                        state="exported",
                        exported_at__isnull=False,
                        approved_by__isnull=False,
                        number__isnull=False,
                        acknowledged_at=None,
                    )
                    & ~Q(sha256="")
                )
                | Q(
                    state="acknowledged",
                    acknowledged_at__isnull=False,
                    acknowledged_by__isnull=False,
                    number__isnull=False,
                )
                | Q(state="cancelled", cancelled_at__isnull=False, exported_at=None)
                | Q(
                    state="voided",
                    cancelled_at__isnull=False,
                    exported_at__isnull=False,
                    acknowledged_at=None,
                    number__isnull=False,
                ),
            ),
            models.UniqueConstraint(
                fields=["organization", "number"], name="payroll_exports_are_numbered"
            ),
        ]

    def __str__(self) -> str:
        return f"payroll {self.id}"


class PayrollLine(models.Model):
    """One person of one export. What two people voided is back in the person's balance."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    export = models.ForeignKey(PayrollExport, models.PROTECT, related_name="lines")
    expert = models.ForeignKey("people.Expert", models.PROTECT, related_name="payroll_lines")
    seconds = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["export", "expert"], name="one_payroll_line_per_person"
            ),
            models.CheckConstraint(
                name="payroll_line_is_positive", condition=Q(amount_minor__gt=0, seconds__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"payroll line {self.id}"


class PayrollItem(models.Model):
    """An earning in a payroll line. Dead items are of cancelled exports and voided lines."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    line = models.ForeignKey(PayrollLine, models.PROTECT, related_name="items")
    earning = models.ForeignKey(Earning, models.PROTECT, related_name="payroll_items")
    amount_minor = models.BigIntegerField()
    is_live = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["earning"],
                name="an_earning_is_in_one_live_payroll_line",
                condition=Q(is_live=True),
            ),
            models.CheckConstraint(
                name="payroll_item_is_positive", condition=Q(amount_minor__gt=0)
            ),
        ]
        triggers = [triggers.ITEM_IS_PAYROLL, *triggers.never_deleted("payroll items")]

    def __str__(self) -> str:
        return f"payroll item {self.id}"
