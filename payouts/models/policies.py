"""Fees, holds, minimums and caps: rows with a date and an author, never edited."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7

# What each number means; where no row is in effect, the setting or the default counts.
POLICY_KINDS = {
    "fee_basis_points": "fee on top of pay, in hundredths of a percent",
    "hold_hours": "hours between approval and available",
    "payout_minimum": "least payout, minor units",
    "payout_max_per_expert": "most per expert and run, minor units",
    "payout_max_per_run": "most per run, minor units",
    "cash_out_budget": "most pay that may be out before its hold has passed, minor units",
    "year_threshold": "gross pay of a year from which a payee is reported, minor units",
    "vat_basis_points": "VAT of a country, in hundredths of a percent",
}


class Policy(models.Model):
    """One number from `effective_at` on, for a currency, a country, a year or one client.

    The row that names most of them wins, then the newest in effect.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=24)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, null=True, related_name="+"
    )
    currency = models.CharField(max_length=3, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    year = models.IntegerField(null=True)
    value = models.BigIntegerField()
    why = models.CharField(max_length=300)
    effective_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="policy_kind_is_known", condition=Q(kind__in=sorted(POLICY_KINDS))
            ),
            models.CheckConstraint(
                name="policy_is_not_negative_and_says_why", condition=Q(value__gte=0) & ~Q(why="")
            ),
            models.CheckConstraint(
                name="policy_is_not_backdated", condition=Q(effective_at__gte=models.F("made_at"))
            ),
        ]
        indexes = [models.Index(fields=["kind", "-effective_at"], name="policy_by_kind")]
        triggers = [*append_only("policies")]
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
