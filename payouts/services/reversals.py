"""A transfer that came back: the expert is owed it again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from payouts.gateways.chosen import gateway
from payouts.models import Payout
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.holding import move, note
from payouts.services.looking_up import adopt_transfer
from payouts.services.owing import Return, owe_again


def book_reversals(*, transfer_id: str, at: datetime) -> int:
    """Owe the expert what came back of a transfer, each reversal once; how many there are.

    The whole of it back: the payout is reversed. What came back of a transfer that waits for two
    people is booked once they have adopted it. A sequence; repeat it freely.
    """
    seen = gateway().read_transfer(transfer_id=transfer_id)
    if not Payout.objects.filter(transfer_id=transfer_id).exists():
        attempt = adopt_transfer(transfer_id=transfer_id, at=at)
        if attempt is None or attempt.provider_id != transfer_id:
            return 0
    with transaction.atomic(durable=True):
        rows = Payout.objects.select_for_update(no_key=True, of=("self",))
        payout = rows.select_related("expert").get(transfer_id=transfer_id)
        for reversal in seen.reversals:
            back = Return(reversal.reversal_id, "reversed", reversal.reversal_id)
            clearing = account("psp_clearing", currency=payout.currency)
            sources = [ledger.Leg.debit(clearing, reversal.amount)]
            owe_again(payout=payout, sources=sources, back=back, at=at)
        total = sum(reversal.amount.minor for reversal in seen.reversals)
        is_all = total == (payout.sent_minor or payout.amount_minor)
        if is_all and "reversed" in Payout.TRANSITIONS[payout.state]:
            move(payout=payout, state="reversed", why="")
            note(kind="payout.reversed", payout=payout, at=at)
    return len(seen.reversals)
