"""From an expert's Stripe balance to the bank, where that is ours to do (PAYOUT_MODE)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from marketplace.kit.states import transitions
from payouts.models import triggers
from payouts.models.requests import FrozenRequest
from payouts.models.runs import LIVE_ATTEMPT, Payout


class BankAttempt(FrozenRequest):
    """One try to have Stripe pay the bank of an expert what a payout's transfer became.

    `rejected` becomes `succeeded` only where it was said not to be sent and turns up after all.
    `returned`: the bank took it or was to take it, and sent it back. `bank_account` is Stripe's id
    of where it went. `next_try_at` of one that was rejected is when another may take its place;
    without it a new bank account or a person comes first.
    """

    TRANSITIONS = transitions(
        {
            "created": "sending rejected",
            "sending": "succeeded rejected unknown created",
            "unknown": "succeeded rejected sending",
            "succeeded": "returned",
            "rejected": "succeeded",
            "returned": "",
        }
    )

    payout = models.ForeignKey(Payout, models.PROTECT, related_name="bank_attempts")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    bank_account = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payout"],
                name="one_open_or_successful_bank_attempt",
                condition=Q(state__in=LIVE_ATTEMPT),
            ),
            models.UniqueConstraint(fields=["payout", "number"], name="bank_attempts_are_numbered"),
            models.CheckConstraint(
                name="bank_attempt_is_positive", condition=Q(amount_minor__gt=0)
            ),
            models.CheckConstraint(
                name="bank_attempt_state_matches_its_facts",
                condition=Q(state="created", first_sent_at=None, ended_at=None)
                | Q(state__in=["sending", "unknown"], first_sent_at__isnull=False, ended_at=None)
                | Q(
                    state__in=["succeeded", "returned"],
                    provider_id__isnull=False,
                    ended_at__isnull=False,
                )
                | Q(state="rejected", provider_id=None, ended_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"],
                name="bank_attempt_to_look_at",
                condition=Q(next_try_at__isnull=False),
            )
        ]
        triggers = [triggers.MODE_MATCHES, triggers.BANK_ATTEMPT_IS_WHAT_ARRIVED]
