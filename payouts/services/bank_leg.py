"""The last leg: from the expert's Stripe balance to the bank. The ledger does not change here."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.kit.money import Money
from payouts.gateways.chosen import gateway
from payouts.gateways.port import BankPayout
from payouts.models import Payout
from payouts.services.holding import move, note
from payouts.services.looking_up import adopt_transfer

# Stripe's own states of a bank payout, and ours. A paid one may still fail within five days.
_SEEN = {
    "pending": "bank_pending",
    "in_transit": "bank_pending",
    "paid": "paid",
    "failed": "bank_failed",
    "canceled": "bank_failed",
}


def sync_bank_payout(*, account_id: str, payout_id: str, at: datetime) -> int:
    """Take over what Stripe sees of a bank payout for each of our transfers in it; how many.

    A transfer whose own answer and message have not reached us yet is adopted first.
    """
    seen = gateway().read_bank_payout(account_id=account_id, payout_id=payout_id)
    known = Payout.objects.filter(transfer_id__in=seen.transfers)
    for transfer_id in set(seen.transfers) - set(known.values_list("transfer_id", flat=True)):
        adopt_transfer(transfer_id=transfer_id, at=at)
    arrivals = _arrivals(account_id, seen)
    with transaction.atomic(durable=True):
        rows = Payout.objects.select_for_update(no_key=True).filter(
            destination=account_id, transfer_id__in=seen.transfers
        )
        payouts = list(rows.order_by("id"))
        for payout in payouts:
            _keep_arrival(payout, arrivals.get(str(payout.transfer_id)))
            if _is_newest(payout, seen):
                _follow(payout, _SEEN[seen.state], seen.why, at)
    return len(payouts)


def _is_newest(payout: Payout, seen: BankPayout) -> bool:
    """Whether this bank payout still says something new; then the payout follows it.

    One that failed is over, whatever is read of it later: its money goes on in another one.
    """
    if payout.bank_payout_id == seen.payout_id:
        return payout.state != "bank_failed"
    if payout.bank_payout_id and _SEEN[seen.state] == "bank_failed":
        return False
    if payout.state == "paid":  # the earlier one must have failed, and we were not told
        move(payout=payout, state="bank_failed", why="")
    payout.bank_payout_id = seen.payout_id
    payout.save(update_fields=["bank_payout_id"])
    return True


def _follow(payout: Payout, target: str, why: str, at: datetime) -> None:
    if payout.state in {target, "reversed"}:
        return
    if payout.state == "paid" and target != "bank_failed":
        return  # messages may come in any order; only a failure undoes paid
    if target in {"paid", "bank_failed"} and payout.state in {"transferred", "bank_failed"}:
        move(payout=payout, state="bank_pending", why="")
    move(payout=payout, state=target, why=why)
    if target == "paid":
        payout.paid_at = at
        payout.save(update_fields=["paid_at"])
        note(kind="payout.paid", payout=payout, at=at)
    elif target == "bank_failed":
        note(kind="payout.bank_failed", payout=payout, at=at)


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
