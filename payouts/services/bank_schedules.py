"""Who pays the bank of an expert's Stripe account: Stripe by itself, or we (PAYOUT_MODE)."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from marketplace.kit.ids import uuid7
from payouts.gateways.chosen import gateway
from payouts.gateways.port import OutcomeUnknown, Refused, SlowDown
from payouts.models import BankAttempt, Payee, Payout
from payouts.services.holding import move, note
from payouts.services.pacing import Watch, keep_pace
from payouts.services.running_payouts import SENDS_PER_JOB

logger = logging.getLogger(__name__)
BY_HAND = "transfer_and_payout"


def we_pay_banks() -> bool:
    """Whether each transfer is followed by a bank payout of our own."""
    return bool(settings.PAYOUT_MODE == BY_HAND)


def take_bank(*, payee: Payee, at: datetime) -> None:
    """Have Stripe leave the payouts of this account to us. A sequence; repeat it freely.

    That it was asked is written before the call: whatever becomes of it, the account goes back.
    """
    _ask(payee, at)
    gateway().pay_bank_by_hand(
        account_id=str(payee.account_id), key=f"payee:{payee.id}:manual:{uuid7()}"
    )
    with transaction.atomic(durable=True):
        Payee.objects.filter(id=payee.id, manual_at=None).update(manual_at=at)


def take_bank_early(*, payee: Payee, at: datetime) -> None:
    """Take the bank of an account that is being set up; a refusal now is asked again later."""
    if we_pay_banks() and payee.manual_at is None:
        try:
            take_bank(payee=payee, at=at)
        except Refused:
            logger.exception("Could not take over a bank", extra={"payee": str(payee.id)})


def take_banks_of(*, run_id: UUID, until: datetime, watch: Watch) -> None:
    """Take the accounts that the run pays next, before any transfer reaches them. A sequence.

    Those of whom Stripe refuses it are held. One without an answer ends it for now, so that what
    can be sent is sent; the next look begins with the others.
    """
    if not we_pay_banks():
        return
    waiting = Payout.objects.filter(run=run_id, state="reserved", payee__manual_at=None)
    oldest = waiting.order_by(F("payee__manual_asked_at").asc(nulls_first=True), "id")
    for payout in oldest.select_related("payee")[:SENDS_PER_JOB]:
        if keep_pace(watch=watch, until=until) is None:
            return
        try:
            take_bank(payee=payout.payee, at=watch.now())
        except Refused as refusal:
            _hold(payout, refusal, watch.now())
        except (OutcomeUnknown, SlowDown):
            logger.exception("Could not take over a bank", extra={"payee": str(payout.payee_id)})
            return


def hand_back_banks(*, until: datetime, watch: Watch) -> int:
    """Let Stripe pay the banks of accounts that we no longer pay; how many. A sequence.

    One without an answer ends it for now; the next look begins with the others.
    """
    done = 0
    busy = BankAttempt.objects.filter(state__in=["sending", "unknown"]).values("payout__payee")
    rows = Payee.objects.filter(manual_asked_at__lte=watch.now()).exclude(id__in=busy)
    for payee in rows.order_by("manual_asked_at", "id")[:SENDS_PER_JOB]:
        if keep_pace(watch=watch, until=until) is None:
            break
        _ask(payee, watch.now())
        try:
            gateway().pay_bank_daily(
                account_id=str(payee.account_id), key=f"payee:{payee.id}:daily:{uuid7()}"
            )
        except Refused:  # the account is gone, and with it the question
            logger.exception("Could not hand a bank back", extra={"payee": str(payee.id)})
        except (OutcomeUnknown, SlowDown):
            logger.exception("Could not hand a bank back", extra={"payee": str(payee.id)})
            break
        with transaction.atomic(durable=True):
            Payee.objects.filter(id=payee.id).update(manual_at=None, manual_asked_at=None)
        done += 1
    return done


@transaction.atomic(durable=True)
def _ask(payee: Payee, at: datetime) -> None:
    Payee.objects.filter(id=payee.id).update(manual_asked_at=at)


@transaction.atomic(durable=True)
def _hold(payout: Payout, refusal: Refused, at: datetime) -> None:
    row = Payout.objects.select_for_update(no_key=True).get(id=payout.id)
    if row.state == "reserved":
        logger.error("Stripe keeps a bank: %s", refusal.code, extra={"payout": str(row.id)})
        move(payout=row, state="held", why="account")
        note(kind="payout.held", payout=row, at=at)
