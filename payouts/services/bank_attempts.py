"""A frozen request per try to pay a bank: what arrived with a transfer, less what went back."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.kit.money import Money
from payouts.gateways.chosen import gateway
from payouts.gateways.port import Refused
from payouts.models import LIVE_ATTEMPT, BankAttempt, Payout
from payouts.policy import payable_unit
from payouts.services.attempts import metadata_of
from payouts.services.bank_outcomes import follow
from payouts.services.holding import lock_payout
from payouts.services.reversals import book_reversals

PAYABLE_STATES = ("transferred", "bank_failed")
TOO_SMALL = "amount_too_small"


def ready_attempt(*, payout_id: UUID, at: datetime) -> BankAttempt | None:
    """Write the next try of a payout, unless one is alive; None where there is nothing to pay.

    A sequence: Stripe is asked first what the transfer became; where it does not tell, the payout
    waits for a person or another bank account. What is below the payable unit of the bank's
    currency stays in the expert's Stripe balance.
    """
    payout = Payout.objects.get(id=payout_id)
    try:
        transfer = gateway().read_transfer(transfer_id=str(payout.transfer_id))
        arrived = gateway().read_arrival(account_id=payout.destination, payment_id=transfer.arrival)
    except Refused as refusal:
        _fail(payout_id, refusal, at)
        return None
    kept = transfer.amount.minor - sum(each.amount.minor for each in transfer.reversals)
    if not kept:
        book_reversals(transfer_id=transfer.transfer_id, at=at)
    minor = arrived.minor * kept // transfer.amount.minor
    amount = Money(minor - minor % payable_unit(arrived.currency), arrived.currency)
    with transaction.atomic(durable=True):
        row = lock_payout(payout_id=payout_id)
        alive = row.bank_attempts.filter(state__in=LIVE_ATTEMPT).order_by("number").last()
        if alive is not None:
            return alive
        row.bank_attempts.update(next_try_at=None)  # the turn of those that are over is taken
        if row.state not in PAYABLE_STATES:
            return None
        _keep_arrival(row, arrived)
        if not amount:
            follow(payout=row, target="bank_failed", why=TOO_SMALL, at=at)
            return None
        attempt = _attempt(row, amount, at)
        attempt.save(force_insert=True)
    return attempt


@transaction.atomic(durable=True)
def _fail(payout_id: UUID, refusal: Refused, at: datetime) -> None:
    row = lock_payout(payout_id=payout_id)
    row.bank_attempts.exclude(state__in=LIVE_ATTEMPT).update(next_try_at=None)
    if row.state in PAYABLE_STATES:
        follow(payout=row, target="bank_failed", why=refusal.code or refusal.message, at=at)


def _attempt(payout: Payout, amount: Money, at: datetime) -> BankAttempt:
    last = payout.bank_attempts.order_by("number").last()
    number = 1 if last is None else last.number + 1
    request = json.dumps(
        {
            "amount": amount.minor,
            "currency": amount.currency.lower(),
            "metadata": metadata_of(payout=payout, number=number),
        }
    )
    provider = gateway()
    return BankAttempt(
        payout=payout,
        number=number,
        key=f"payout:{payout.id}:bank:{number}",
        request=request,
        request_sha256=hashlib.sha256(request.encode()).hexdigest(),
        api_version=provider.api_version,
        livemode=provider.is_live,
        currency=amount.currency,
        amount_minor=amount.minor,
        next_try_at=at,
    )


def _keep_arrival(payout: Payout, arrived: Money) -> None:
    is_other = arrived != Money(payout.amount_minor, payout.currency)
    if is_other and payout.arrived_minor is None:
        payout.arrived_minor, payout.arrived_currency = arrived.minor, arrived.currency
        payout.save(update_fields=["arrived_minor", "arrived_currency"])
