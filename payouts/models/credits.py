"""Budgets without a card: the operator's own, and clients who pay afterwards."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.fields import append_only
from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions


class BudgetGrant(models.Model):
    """A budget that the operator, being the lab itself, gives to one of its organisations.

    Asked for by one person and approved by another; posted to the wallet, then to the project
    when `subject_id` names one. `cap_minor` is the most that grants may ever give that project.
    """

    TRANSITIONS = transitions(
        {"requested": "granted refused withdrawn", "granted": "", "refused": "", "withdrawn": ""}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="budget_grants"
    )
    subject_id = models.UUIDField(null=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    cap_minor = models.BigIntegerField(null=True)
    purchase_order = models.CharField(max_length=60)
    cost_centre = models.CharField(max_length=60)
    state = models.CharField(max_length=9, default="requested")
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField()
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="grant_gives_something_within_its_cap",
                condition=Q(amount_minor__gt=0)
                & (Q(cap_minor=None) | Q(cap_minor__gte=F("amount_minor"))),
            ),
            models.CheckConstraint(
                name="grant_names_its_order_and_cost_centre",
                condition=~Q(purchase_order="") & ~Q(cost_centre=""),
            ),
            models.CheckConstraint(
                name="grant_checker_is_not_maker",
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")) | Q(state="withdrawn"),
            ),
            models.CheckConstraint(
                name="grant_state_matches_its_decision",
                condition=Q(state="requested", decided_at=None, decided_by=None)
                | Q(
                    state__in=["granted", "refused", "withdrawn"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                ),
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="grant_by_organization")]

    def __str__(self) -> str:
        return f"grant {self.id}"


class BillingTerms(models.Model):
    """How an organisation pays, from `effective_at` on: the newest row in effect counts.

    `prepaid` pays first. `in_house` is the operator itself: grants instead of payments, no fee.
    `post_paid` may draw up to `limit_minor` and pays `net_days` after the invoice.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="billing_terms"
    )
    mode = models.CharField(max_length=9)
    currency = models.CharField(max_length=3, blank=True, default="")
    limit_minor = models.BigIntegerField(default=0)
    net_days = models.IntegerField(default=0)
    effective_at = models.DateTimeField()
    made_by = models.UUIDField()
    approved_by = models.UUIDField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="billing_terms_are_complete",
                condition=Q(mode__in=["prepaid", "in_house"], limit_minor=0, net_days=0)
                | (Q(mode="post_paid", limit_minor__gt=0, net_days__gt=0) & ~Q(currency="")),
            ),
            models.CheckConstraint(
                name="terms_checker_is_not_maker", condition=~Q(approved_by=F("made_by"))
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-effective_at"], name="terms_by_organization")
        ]
        triggers = [*append_only("billing terms")]

    def __str__(self) -> str:
        return f"{self.mode} terms {self.id}"


class BillingProfile(models.Model):
    """What an invoice says about a client: name, address, VAT number, its own references."""

    organization = models.OneToOneField(
        "organizations.Organization",
        models.PROTECT,
        primary_key=True,
        related_name="billing_profile",
    )
    legal_name = models.CharField(max_length=200)
    address = models.TextField()
    country = models.CharField(max_length=2)
    vat_number = models.CharField(max_length=20, blank=True, default="")
    purchase_order = models.CharField(max_length=60, blank=True, default="")
    email = models.EmailField(blank=True, default="")
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.legal_name


class PayeeProfile(models.Model):
    """What a self-billing note says about an expert, and since when the expert agrees to notes."""

    expert = models.OneToOneField(
        "people.Expert", models.PROTECT, primary_key=True, related_name="payee_profile"
    )
    legal_name = models.CharField(max_length=200)
    address = models.TextField()
    country = models.CharField(max_length=2)
    vat_number = models.CharField(max_length=20, blank=True, default="")
    agreed_to_notes_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"profile of {self.expert_id}"
