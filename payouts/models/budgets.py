"""Money that clients bring, and what of it is promised to a batch."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models import triggers
from payouts.models.ledger import Account


class Funding(models.Model):
    """One payment of a client into its wallet. Only what Stripe calls paid is credited.

    `checkout` is Stripe's page, `wire` a bank transfer that one person enters with its `reference`
    and another confirms. `flag` marks what a person should look at: `paid_twice`, `other_amount`.
    `why` is Stripe's word for why the payer's bank refused it.
    """

    TRANSITIONS = transitions(
        {"created": "paying failed", "paying": "paid failed expired", "failed": "paid",
         "expired": "paid", "paid": ""}
    )  # fmt: skip

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="fundings"
    )
    method = models.CharField(max_length=8, default="checkout")
    reference = models.CharField(max_length=100, blank=True, default="")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    received_minor = models.BigIntegerField(null=True)
    state = models.CharField(max_length=8, default="created")
    asked_by = models.UUIDField()
    confirmed_by = models.UUIDField(null=True)
    flag = models.CharField(max_length=20, blank=True, default="")
    why = models.CharField(max_length=100, blank=True, default="", db_default="")
    session_id = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 unique
    payment_intent = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 unique
    charge_id = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 unique
    url = models.URLField(max_length=2000, blank=True, default="")
    livemode = models.BooleanField()
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="funding_is_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="funding_state_is_known",
                condition=Q(state__in=["created", "paying", "paid", "failed", "expired"]),
            ),
            models.CheckConstraint(
                name="funding_is_paid_with_its_payment",
                condition=Q(
                    state="paid",
                    paid_at__isnull=False,
                    received_minor__gt=0,
                )
                & (
                    Q(method="checkout", payment_intent__isnull=False)
                    | Q(method="wire", confirmed_by__isnull=False)
                )
                | (~Q(state="paid") & Q(paid_at=None, received_minor=None)),
            ),
            models.CheckConstraint(
                name="funding_method_is_known",
                condition=Q(method="checkout") | (Q(method="wire") & ~Q(reference="")),
            ),
            models.CheckConstraint(
                name="wire_checker_is_not_maker",
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("asked_by")),
            ),
            models.UniqueConstraint(
                fields=["reference"],
                name="a_wire_is_entered_once",
                condition=Q(method="wire") & ~Q(state="failed"),
            ),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="funding_by_organization")]
        triggers = [triggers.MODE_MATCHES]

    def __str__(self) -> str:
        return f"funding {self.id}"


class Reservation(models.Model):
    """The price of one batch, set aside before a seat can be claimed.

    `base` covers every seat in the frozen `quote`, `pool` the extra answers.
    """

    TRANSITIONS = transitions({"open": "closing", "closing": "released", "released": ""})

    id = models.UUIDField(primary_key=True, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="reservations"
    )
    subject_id = models.UUIDField()
    currency = models.CharField(max_length=3)
    base_minor = models.BigIntegerField()
    pool_minor = models.BigIntegerField()
    quote = models.JSONField()
    state = models.CharField(max_length=8, default="open")
    escrow = models.ForeignKey(Account, models.PROTECT, related_name="+")
    reserved = models.ForeignKey(Account, models.PROTECT, related_name="+")
    overrun = models.ForeignKey(Account, models.PROTECT, related_name="+")
    opened_by = models.UUIDField()
    opened_at = models.DateTimeField()
    closing_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    releases = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reservation_holds_money",
                condition=Q(base_minor__gt=0, pool_minor__gte=0),
            ),
            models.CheckConstraint(
                name="reservation_state_matches_its_instants",
                condition=Q(state="open", closing_at=None, released_at=None)
                | Q(state="closing", closing_at__isnull=False, released_at=None)
                | Q(state="released", closing_at__isnull=False, released_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["subject_id"], name="reservation_by_subject")]

    def __str__(self) -> str:
        return f"reservation {self.id}"
