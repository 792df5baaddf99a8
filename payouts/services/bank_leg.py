"""The last leg: from the expert's Stripe balance to the bank. The ledger does not change here."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from marketplace.kit.money import Money
from payouts.gateways.chosen import gateway
from payouts.gateways.port import BankPayout
from payouts.models import BankAttempt, Payout
from payouts.services.bank_outcomes import succeed, take_over
from payouts.services.looking_up import adopt_transfer


def sync_bank_payout(*, account_id: str, payout_id: str, at: datetime) -> int:
    """Take over what Stripe sees of a bank payout for each of our transfers in it; how many.

    One that we asked for says which payout it is. A transfer whose own answer and message have not
    reached us yet is adopted first. What came back of a payout of ours goes on in Stripe's own.
    """
    seen = gateway().read_bank_payout(account_id=account_id, payout_id=payout_id)
    if seen.payout:
        return _sync_ours(account_id, seen, at)
    known = Payout.objects.filter(transfer_id__in=seen.transfers)
    for transfer_id in set(seen.transfers) - set(known.values_list("transfer_id", flat=True)):
        adopt_transfer(transfer_id=transfer_id, at=at)
    arrivals = _arrivals(account_id, seen)
    with transaction.atomic(durable=True):
        by_hand = BankAttempt.objects.filter(provider_id__in=seen.returned).values("payout")
        rows = Payout.objects.select_for_update(no_key=True).filter(
            Q(transfer_id__in=seen.transfers) | Q(id__in=by_hand), destination=account_id
        )
        payouts = list(rows.order_by("id"))
        for payout in payouts:
            _keep_arrival(payout, arrivals.get(str(payout.transfer_id)))
            take_over(payout=payout, seen=seen, at=at)
    return len(payouts)


def _sync_ours(account_id: str, seen: BankPayout, at: datetime) -> int:
    number = int(seen.attempt) if seen.attempt.isdecimal() else 0
    rows = BankAttempt.objects.filter(payout__destination=account_id, number=number)
    for attempt in rows.order_by("-id"):
        if str(attempt.payout_id) == seen.payout:
            succeed(attempt_id=attempt.id, seen=seen, at=at)
            return 1
    return 0


def _arrivals(account_id: str, seen: BankPayout) -> dict[str, Money]:
    """What each transfer became, where the bank's currency is another and we do not know yet."""
    rows = Payout.objects.filter(
        destination=account_id, transfer_id__in=seen.transfers, arrived_minor=None
    ).exclude(currency=seen.amount.currency)
    found = {}
    for transfer_id in rows.order_by("id").values_list("transfer_id", flat=True):
        transfer = gateway().read_transfer(transfer_id=str(transfer_id))
        found[str(transfer_id)] = gateway().read_arrival(
            account_id=account_id, payment_id=transfer.arrival
        )
    return found


def _keep_arrival(payout: Payout, arrived: Money | None) -> None:
    if arrived is not None:
        payout.arrived_minor, payout.arrived_currency = arrived.minor, arrived.currency
        payout.save(update_fields=["arrived_minor", "arrived_currency"])
