"""The ledger: accounts, postings and their entries (MONEY 2)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.fields import TransactionId, TransactionNow, XidField, append_only
from marketplace.kit.ids import uuid7
from payouts.models import triggers
from payouts.models.chart import POSTING_KINDS


class Account(models.Model):
    """One pot of one currency. Its totals move only through entries."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=24)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, null=True, related_name="+"
    )
    expert = models.ForeignKey("people.Expert", models.PROTECT, null=True, related_name="+")
    subject_id = models.UUIDField(null=True)
    currency = models.CharField(max_length=3)
    normal = models.CharField(max_length=1)
    may_go_negative = models.BooleanField()
    debits_minor = models.BigIntegerField(default=0)
    credits_minor = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "currency", "organization", "expert", "subject_id"],
                name="one_account_per_kind_currency_and_owner",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="balance_is_not_overdrawn",
                condition=Q(may_go_negative=True)
                | Q(normal="D", debits_minor__gte=models.F("credits_minor"))
                | Q(normal="C", credits_minor__gte=models.F("debits_minor")),
            ),
        ]
        triggers = [
            triggers.ACCOUNT_GUARD,
            triggers.ACCOUNT_STARTS_EMPTY,
            triggers.ACCOUNT_FITS_THE_CHART,
            *triggers.never_deleted("accounts"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency}"

    @property
    def balance_minor(self) -> int:
        """The balance on the account's normal side, as this row was read."""
        difference = self.debits_minor - self.credits_minor
        return difference if self.normal == "D" else -difference


class Posting(models.Model):
    """One balanced transaction of one currency, known by its idempotency key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=32)
    currency = models.CharField(max_length=3)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", db_index=False
    )
    external_ref = models.CharField(max_length=200, blank=True, default="")
    actor = models.UUIDField(null=True)
    effective_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=TransactionNow())
    sealed_xid = XidField(db_default=TransactionId())

    # Whether the verb that returned this row has just written it; not a column.
    is_new = False

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="posting_key_is_used_once"),
            models.UniqueConstraint(fields=["reverses"], name="posting_is_reversed_once"),
            models.CheckConstraint(
                # One constant: a list is folded anew for every posting.
                name="posting_kind_is_in_the_chart",
                condition=Q(kind__regex=rf"^({'|'.join(sorted(POSTING_KINDS))})$"),
            ),
        ]
        indexes = [
            models.Index(
                fields=["external_ref"],
                name="posting_external_ref",
                condition=~Q(external_ref=""),
            )
        ]
        triggers = [
            triggers.POSTING_HAS_ENTRIES,
            triggers.EARNINGS_MATCH,
            *append_only("postings"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Entry(models.Model):
    """One leg of a posting, with the account's balance after it."""

    id = models.BigAutoField(primary_key=True)
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    side = models.CharField(max_length=1)
    amount_minor = models.BigIntegerField()
    account_version = models.BigIntegerField()
    balance_after_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="entry_is_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="entry_has_a_side", condition=Q(side__in=["D", "C"])),
            models.UniqueConstraint(
                fields=["account", "account_version"], name="one_entry_per_account_version"
            ),
        ]
        triggers = [
            triggers.ENTRY_APPLIES,
            triggers.ENTRIES_BALANCE,
            *append_only("entries"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.amount_minor}"
