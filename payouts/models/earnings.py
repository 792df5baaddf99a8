"""What an expert has earned: one row per approval, whatever becomes of it (MONEY 4)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models import triggers
from payouts.models.budgets import Reservation
from payouts.models.ledger import Account, Posting

PAY_CHANNELS = ("stripe", "payroll")


class Earning(models.Model):
    """Pay for one unit of work. Terms never change; `posting` is set once, by its round.

    `seconds` is the measured active time. `available_at` only ever moves to an earlier instant
    (cash-out). `payable_minor` is what a payout may still take: pay without what was netted or
    clawed back.
    """

    TRANSITIONS = transitions(
        {
            "pending": "available voided clawed_back",
            "available": "reserved clawed_back",
            "reserved": "paid available",
            "paid": "clawed_back",
            "voided": "",
            "clawed_back": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200)
    expert = models.ForeignKey("people.Expert", models.PROTECT, related_name="earnings")
    escrow = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+", db_index=False)
    reservation = models.ForeignKey(Reservation, models.PROTECT, null=True, related_name="earnings")
    currency = models.CharField(max_length=3)
    pay_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    cap_minor = models.BigIntegerField()
    pay_channel = models.CharField(max_length=8)
    seconds = models.IntegerField(null=True)
    earned_at = models.DateTimeField()
    available_at = models.DateTimeField()
    posting = models.ForeignKey(Posting, models.PROTECT, null=True, related_name="earnings")
    netted_minor = models.BigIntegerField(default=0)
    clawed_minor = models.BigIntegerField(default=0)
    payable_minor = models.GeneratedField(
        expression=F("pay_minor") - F("netted_minor") - F("clawed_minor"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    state = models.CharField(max_length=11, default="pending")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="one_earning_per_unit_of_work"),
            models.CheckConstraint(
                name="earning_pays_something", condition=Q(pay_minor__gt=0, fee_minor__gte=0)
            ),
            models.CheckConstraint(
                name="earning_stays_below_its_cap",
                condition=Q(cap_minor__gte=F("pay_minor") + F("fee_minor")),
            ),
            models.CheckConstraint(
                name="earning_is_not_taken_twice",
                condition=Q(
                    netted_minor__gte=0,
                    clawed_minor__gte=0,
                    pay_minor__gte=F("netted_minor") + F("clawed_minor"),
                ),
            ),
            models.CheckConstraint(
                name="earning_seconds_are_not_negative",
                condition=Q(seconds=None) | Q(seconds__gte=0),
            ),
            models.CheckConstraint(
                name="earning_channel_is_known", condition=Q(pay_channel__in=PAY_CHANNELS)
            ),
            models.CheckConstraint(
                name="earning_is_posted_before_it_moves_on",
                condition=Q(state__in=["pending", "voided"])
                | Q(
                    state__in=["available", "reserved", "paid", "clawed_back"],
                    posting__isnull=False,
                ),
            ),
        ]
        indexes = [
            models.Index(
                fields=["escrow", "id"],
                name="earning_unposted",
                condition=Q(posting=None, state="pending"),
            ),
            models.Index(
                fields=["available_at", "id"],
                name="earning_in_hold",
                condition=Q(posting__isnull=False, state="pending"),
            ),
            models.Index(fields=["expert", "state", "id"], name="earning_by_expert"),
        ]
        triggers = [triggers.EARNING_KEEPS_ITS_TERMS, *triggers.never_deleted("earnings")]

    def __str__(self) -> str:
        return self.key
