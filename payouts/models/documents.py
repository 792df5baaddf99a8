"""Numbered papers that never change: invoices, receipts, statements, self-billing notes."""

from __future__ import annotations

import json

from django.db import models
from django.db.models import Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models.budgets import Funding

DOCUMENT_KINDS = (
    "statement",
    "receipt",
    "invoice",
    "fee_invoice",
    "credit_note",
    "self_billing_note",
)


class DocumentSeries(models.Model):
    """The last number used of one kind of paper in one year. Numbers run without a gap."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=17)
    year = models.IntegerField()
    last = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "year"], name="one_series_per_kind_and_year")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.year}"


class Document(models.Model):
    """One paper for one client or one expert, as JSON, with the hash of exactly that JSON.

    `key` says what it is about (`receipt:<funding>`, `statement:<owner>:2026-11:USD`): a paper is
    made once per key.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=17)
    number = models.CharField(max_length=40, unique=True)
    key = models.CharField(max_length=200, unique=True)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, null=True, related_name="documents"
    )
    expert = models.ForeignKey("people.Expert", models.PROTECT, null=True, related_name="documents")
    currency = models.CharField(max_length=3)
    period_from = models.DateField(null=True)
    period_until = models.DateField(null=True)
    body = models.JSONField()
    sha256 = models.CharField(max_length=64)
    livemode = models.BooleanField()
    issued_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="document_kind_is_known", condition=Q(kind__in=DOCUMENT_KINDS)
            ),
            models.CheckConstraint(
                name="document_has_one_owner",
                condition=Q(organization__isnull=False, expert=None)
                | Q(organization=None, expert__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="document_by_organization"),
            models.Index(fields=["expert", "-id"], name="document_by_expert"),
        ]
        triggers = [*append_only("documents")]

    def __str__(self) -> str:
        return self.number

    @property
    def canonical(self) -> bytes:
        """The body as the bytes that are hashed and handed out: sorted keys, no spaces, UTF-8."""
        text = json.dumps(self.body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()


class Invoice(models.Model):
    """What a client has been asked to pay, and whether it did. Overdue is a question of time.

    `prepayment` asks for money into the wallet by bank transfer, `credit` for what was drawn:
    everything up to `drawn_minor`, which counts all draws ever made.
    """

    TRANSITIONS = transitions({"open": "paid void", "paid": "", "void": ""})

    document = models.OneToOneField(
        Document, models.PROTECT, primary_key=True, related_name="invoice"
    )
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="invoices"
    )
    purpose = models.CharField(max_length=10)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=4, default="open")
    drawn_minor = models.BigIntegerField(null=True)
    due_at = models.DateTimeField()
    funding = models.ForeignKey(Funding, models.PROTECT, null=True, related_name="invoices")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invoice_asks_for_something",
                condition=Q(amount_minor__gt=0, purpose__in=["prepayment", "credit"]),
            ),
            models.CheckConstraint(
                name="invoice_for_credit_says_how_far",
                condition=Q(purpose="credit", drawn_minor__gt=0)
                | Q(purpose="prepayment", drawn_minor=None),
            ),
            models.CheckConstraint(
                name="invoice_state_is_known", condition=Q(state__in=["open", "paid", "void"])
            ),
            models.CheckConstraint(
                name="invoice_ends_with_its_instant",
                condition=Q(state="open", ended_at=None) | ~Q(state="open", ended_at=None),
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="invoice_open", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"invoice {self.document_id}"
