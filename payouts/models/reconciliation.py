"""What Stripe's books say, and where they differ from ours (MONEY 11)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models.ledger import Posting

USER = settings.AUTH_USER_MODEL
BREAK_KINDS = (
    "missing_in_ledger",
    "missing_at_provider",
    "amount_mismatch",
    "currency_mismatch",
    "duplicate_provider_object",
    "fee_unbooked",
    "unknown_type",
    "earning_unfunded",
    "balance_mismatch",
)


class BalanceTransaction(models.Model):
    """One line of Stripe's own ledger, as last read. Amounts in minor units, signed for us."""

    id = models.CharField(primary_key=True, max_length=100)
    kind = models.CharField(max_length=60)
    category = models.CharField(max_length=60)
    source = models.CharField(max_length=100, blank=True, default="")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    status = models.CharField(max_length=20)
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    posting = models.ForeignKey(Posting, models.PROTECT, null=True, related_name="+")
    livemode = models.BooleanField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_balance_transaction_adds_up",
                condition=Q(net_minor=F("amount_minor") - F("fee_minor")),
            )
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="balance_tx_by_time"),
            models.Index(fields=["source"], name="balance_tx_by_source"),
        ]

    def __str__(self) -> str:
        return self.id


class Reconciliation(models.Model):
    """One comparison of the books: how far it read and what it found, never edited."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=7)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    read_from = models.DateTimeField()
    read_until = models.DateTimeField()
    transactions = models.IntegerField()
    repaired = models.IntegerField()
    breaks_open = models.IntegerField()
    balances = models.JSONField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reconciliation_kind_is_known", condition=Q(kind__in=["hourly", "nightly"])
            )
        ]
        triggers = [*append_only("reconciliations")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Break(models.Model):
    """A difference between the books that a person has to explain; `ref` is what it is about."""

    TRANSITIONS = transitions({"open": "resolved", "resolved": ""})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=28)
    ref = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    expected_minor = models.BigIntegerField()
    found_minor = models.BigIntegerField()
    detail = models.CharField(max_length=500)
    state = models.CharField(max_length=8, default="open")
    opened_at = models.DateTimeField()
    owner = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=500, blank=True, default="")
    resolved_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    approved_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    posting = models.ForeignKey(Posting, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="break_kind_is_known", condition=Q(kind__in=BREAK_KINDS)),
            models.CheckConstraint(
                name="break_state_is_known", condition=Q(state__in=["open", "resolved"])
            ),
            models.UniqueConstraint(
                fields=["kind", "ref"], name="a_difference_is_open_once", condition=Q(state="open")
            ),
            models.CheckConstraint(
                name="break_is_resolved_by_two_or_by_itself",
                condition=Q(state="open", resolved_at=None)
                | Q(state="resolved", resolved_at__isnull=False, resolved_by=None)
                | (
                    Q(state="resolved", resolved_at__isnull=False, approved_by__isnull=False)
                    & ~Q(resolved_by=F("approved_by"))
                    & ~Q(note="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class LedgerClose(models.Model):
    """The hash over one day's postings of one currency, chained to the day before."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    date = models.DateField()
    currency = models.CharField(max_length=3)
    postings = models.IntegerField()
    debits_minor = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    prev_sha256 = models.CharField(max_length=64, blank=True, default="")
    closed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "date"], name="a_day_is_closed_once_per_currency"
            )
        ]
        triggers = [*append_only("ledger closes")]

    def __str__(self) -> str:
        return f"{self.date} {self.currency}"
