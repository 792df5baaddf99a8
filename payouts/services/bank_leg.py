"""The last leg: from the expert's Stripe balance to the bank. The ledger does not change here."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from payouts.gateways.chosen import gateway
from payouts.models import Payout
from payouts.services.holding import move, note

# Stripe's own states of a bank payout, and ours. A paid one may still fail within five days.
_SEEN = {
    "pending": "bank_pending",
    "in_transit": "bank_pending",
    "paid": "paid",
    "failed": "bank_failed",
    "canceled": "bank_failed",
}


def sync_bank_payout(*, account_id: str, payout_id: str, at: datetime) -> int:
    """Take over what Stripe sees of a bank payout for each of our transfers in it; how many."""
    seen = gateway().read_bank_payout(account_id=account_id, payout_id=payout_id)
    with transaction.atomic(durable=True):
        rows = Payout.objects.select_for_update(no_key=True).filter(
            destination=account_id, transfer_id__in=seen.transfers
        )
        payouts = list(rows.order_by("id"))
        for payout in payouts:
            _follow(payout, _SEEN[seen.state], seen.why, at)
    return len(payouts)


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
