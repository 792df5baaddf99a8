"""Where an expert's money goes: the Stripe account that the expert set up."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models import triggers

RAILS = ("stripe", "bank_file")


class Payee(models.Model):
    """A recipient account. `active` exactly while its rail lets it receive transfers.

    On the rail `bank_file` `account_id` is a reference of our own, `bank:<payee>`. `manual_at`:
    since then Stripe leaves the payouts to the account's bank to us; `manual_asked_at`: when we
    last asked for that or to have it back, empty where the account is surely Stripe's.
    """

    TRANSITIONS = transitions(
        {
            "new": "onboarding active restricted closed",
            "onboarding": "active restricted closed",
            "active": "restricted closed",
            "restricted": "active closed",
            "closed": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    expert = models.ForeignKey("people.Expert", models.PROTECT, related_name="payees")
    account_id = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 unique
    country = models.CharField(max_length=2)
    rail = models.CharField(max_length=9, default="stripe")
    state = models.CharField(max_length=10, default="new")
    why = models.CharField(max_length=200, blank=True, default="")
    livemode = models.BooleanField()
    created_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    manual_at = models.DateTimeField(null=True)
    manual_asked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["expert"],
                name="one_open_payee_per_expert",
                condition=~Q(state="closed"),
            ),
            models.CheckConstraint(
                name="payee_state_is_known",
                condition=Q(state__in=["new", "onboarding", "active", "restricted", "closed"]),
            ),
            models.CheckConstraint(name="payee_rail_is_known", condition=Q(rail__in=RAILS)),
            models.CheckConstraint(
                name="payee_has_an_account_unless_new",
                condition=Q(state__in=["new", "closed"]) | Q(account_id__isnull=False),
            ),
        ]
        triggers = [triggers.MODE_MATCHES]

    def __str__(self) -> str:
        return f"payee {self.id}"
