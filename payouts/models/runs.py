"""Paying out: a run, one payout per expert in it, and every try to send one (MONEY 5)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from marketplace.kit.ids import uuid7
from marketplace.kit.states import transitions
from payouts.models import triggers
from payouts.models.earnings import Earning
from payouts.models.payees import RAILS, Payee
from payouts.models.requests import FrozenRequest

USER = settings.AUTH_USER_MODEL
LIVE_ATTEMPT = ("created", "sending", "unknown", "succeeded")
MONEY_RESERVED = ("reserved", "submitting", "unknown", "rejected", "held")


class PayoutRun(models.Model):
    """One round of payouts in one currency and on one rail.

    Opened by the schedule (`opened_by` empty) or one person, approved by another, and for a
    scheduled run not by who closed it; a run of the kind `cash_out` takes one day's cash-outs and
    is approved by rule.
    """

    TRANSITIONS = transitions(
        {
            "open": "closed cancelled",
            "closed": "approved cancelled",
            "approved": "running cancelled",
            "running": "paused done",
            "paused": "running",
            "done": "",
            "cancelled": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=9, default="scheduled")
    rail = models.CharField(max_length=9, default="stripe")
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=9, default="open")
    pause_reason = models.CharField(max_length=200, blank=True, default="")
    opened_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    scheduled_for = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(USER, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="run_checker_is_not_maker",
                condition=Q(approved_by=None) | ~Q(approved_by=F("opened_by")),
            ),
            models.CheckConstraint(
                name="checker_of_a_scheduled_run_is_not_its_closer",
                condition=Q(opened_by__isnull=False)
                | Q(approved_by=None)
                | ~Q(approved_by=F("closed_by")),
            ),
            models.UniqueConstraint(
                fields=["currency", "rail", "scheduled_for"],
                name="one_run_per_scheduled_instant",
            ),
            models.CheckConstraint(
                name="run_state_matches_its_instants",
                condition=Q(state="open", closed_at=None, approved_at=None)
                | Q(state="closed", closed_at__isnull=False, approved_at=None)
                | Q(state="approved", approved_at__isnull=False, started_at=None)
                | Q(state__in=["running", "paused"], started_at__isnull=False, finished_at=None)
                | Q(state="done", started_at__isnull=False, finished_at__isnull=False)
                | Q(state="cancelled", started_at=None, finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="run_is_approved_by_somebody",
                condition=Q(approved_at=None, approved_by=None)
                | Q(approved_at__isnull=False, approved_by__isnull=False)
                | Q(kind="cash_out", approved_at__isnull=False, opened_by=None, approved_by=None),
            ),
            models.CheckConstraint(
                name="run_kind_and_rail_are_known",
                condition=Q(kind__in=["scheduled", "cash_out"], rail__in=RAILS),
            ),
            models.UniqueConstraint(
                fields=["currency", "rail"],
                name="one_open_run_per_currency",
                condition=Q(state="open"),
            ),
            models.UniqueConstraint(
                fields=["currency"],
                name="one_cash_out_run_at_a_time",
                condition=Q(kind="cash_out", state__in=["running", "paused"]),
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.id}"


class Payout(models.Model):
    """One expert's money of one run. Amount and destination are frozen at birth.

    `arrived_minor` is what it became in the currency of the expert's bank: information, no booking.
    `sent_minor` is what really left where that is another amount, and two people adopted it.
    """

    TRANSITIONS = transitions(
        {
            "reserved": "submitting held cancelled",
            "submitting": "transferred unknown rejected held reserved",
            "unknown": "transferred rejected held",
            "rejected": "reserved cancelled",
            "held": "reserved cancelled transferred",
            "transferred": "bank_pending reversed",
            "bank_pending": "paid bank_failed",
            "paid": "bank_failed reversed",
            "bank_failed": "bank_pending reversed",
            "reversed": "",
            "cancelled": "",
        }
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="payouts")
    expert = models.ForeignKey("people.Expert", models.PROTECT, related_name="payouts")
    payee = models.ForeignKey(Payee, models.PROTECT, related_name="payouts")
    destination = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=12, default="reserved")
    why = models.CharField(max_length=200, blank=True, default="")
    transfer_id = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 unique
    reserved_at = models.DateTimeField()
    transferred_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    sent_minor = models.BigIntegerField(null=True)
    bank_payout_id = models.CharField(max_length=100, blank=True, default="")
    arrived_minor = models.BigIntegerField(null=True)
    arrived_currency = models.CharField(max_length=3, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "expert", "currency"], name="one_payout_per_run_and_expert"
            ),
            models.CheckConstraint(name="payout_is_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="payout_sent_another_amount",
                condition=Q(sent_minor=None)
                | (
                    Q(sent_minor__gt=0, transferred_at__isnull=False)
                    & ~Q(sent_minor=F("amount_minor"))
                ),
            ),
            models.CheckConstraint(
                name="payout_arrives_in_a_currency",
                condition=Q(arrived_minor=None, arrived_currency="")
                | (Q(arrived_minor__isnull=False) & ~Q(arrived_currency="")),
            ),
            models.CheckConstraint(
                name="payout_sent_at_matches_state",
                condition=Q(
                    state__in=[*MONEY_RESERVED, "cancelled"], transferred_at=None, transfer_id=None
                )
                | Q(
                    state__in=["transferred", "bank_pending", "paid", "bank_failed", "reversed"],
                    transferred_at__isnull=False,
                    transfer_id__isnull=False,
                ),
            ),
        ]
        indexes = [models.Index(fields=["expert", "-id"], name="payout_by_expert")]
        triggers = [triggers.PAYOUT_KEEPS_ITS_TERMS]

    def __str__(self) -> str:
        return f"payout {self.id}"


class LeftOut(models.Model):
    """Money that a run found and did not take, with the reason, as it was when it collected."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="left_outs")
    expert = models.ForeignKey("people.Expert", models.PROTECT, related_name="left_outs")
    amount_minor = models.BigIntegerField()
    why = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "expert"], name="an_expert_is_left_out_once_per_run"
            ),
            models.CheckConstraint(
                name="left_out_is_some_money", condition=Q(amount_minor__gt=0) & ~Q(why="")
            ),
        ]

    def __str__(self) -> str:
        return f"left out of {self.run_id}: {self.why}"


class PayoutItem(models.Model):
    """An earning inside a payout. Dead items are those of cancelled payouts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payout = models.ForeignKey(Payout, models.PROTECT, related_name="items")
    earning = models.ForeignKey(Earning, models.PROTECT, related_name="items")
    amount_minor = models.BigIntegerField()
    is_live = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["earning"],
                name="an_earning_is_in_one_live_payout",
                condition=Q(is_live=True),
            ),
            models.CheckConstraint(name="item_is_positive", condition=Q(amount_minor__gt=0)),
        ]
        triggers = [triggers.ITEM_IS_NOT_PAYROLL, *triggers.never_deleted("payout items")]

    def __str__(self) -> str:
        return f"item {self.id}"


class PayoutAttempt(FrozenRequest):
    """One try to send a payout's transfer."""

    TRANSITIONS = transitions(
        {
            "created": "sending rejected",
            "sending": "succeeded rejected unknown created",
            "unknown": "succeeded rejected sending",
            "succeeded": "",
            "rejected": "succeeded",
        }
    )

    payout = models.ForeignKey(Payout, models.PROTECT, related_name="attempts")
    rail = models.CharField(max_length=9, default="stripe")
    bank_batch = models.ForeignKey(
        "payouts.BankBatch", models.PROTECT, null=True, related_name="attempts"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payout"],
                name="one_open_or_successful_attempt",
                condition=Q(state__in=LIVE_ATTEMPT),
            ),
            models.UniqueConstraint(fields=["payout", "number"], name="attempts_are_numbered"),
            models.CheckConstraint(
                name="attempt_rail_is_known",
                condition=Q(rail="stripe", bank_batch=None) | Q(rail="bank_file"),
            ),
            models.CheckConstraint(
                name="attempt_state_matches_its_facts",
                condition=Q(state="created", first_sent_at=None, ended_at=None)
                | Q(state__in=["sending", "unknown"], first_sent_at__isnull=False, ended_at=None)
                | Q(state="succeeded", provider_id__isnull=False, ended_at__isnull=False)
                | Q(state="rejected", provider_id=None, ended_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"],
                name="attempt_in_the_air",
                condition=Q(state__in=["sending", "unknown"]),
            )
        ]
        triggers = [triggers.MODE_MATCHES]
