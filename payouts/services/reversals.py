"""A transfer that came back: the expert is owed it again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from payouts.gateways.chosen import gateway
from payouts.gateways.port import Reversal
from payouts.models import Earning, Payout
from payouts.selectors.came_back import CAME_BACK
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.holding import move, note
from payouts.services.looking_up import adopt_transfer


def book_reversals(*, transfer_id: str, at: datetime) -> int:
    """Owe the expert what came back of a transfer, each reversal once; how many there are.

    The whole of it back: the payout is reversed. A sequence; repeat it freely.
    """
    seen = gateway().read_transfer(transfer_id=transfer_id)
    is_booked = Payout.objects.filter(transfer_id=transfer_id).exists()
    if not is_booked and adopt_transfer(transfer_id=transfer_id, at=at) is None:
        return 0
    with transaction.atomic(durable=True):
        rows = Payout.objects.select_for_update(no_key=True, of=("self",))
        payout = rows.select_related("expert").get(transfer_id=transfer_id)
        for reversal in seen.reversals:
            _owe(payout, reversal, at)
        back = sum(reversal.amount.minor for reversal in seen.reversals)
        if back == payout.amount_minor and "reversed" in Payout.TRANSITIONS[payout.state]:
            move(payout=payout, state="reversed", why="")
            note(kind="payout.reversed", payout=payout, at=at)
    return len(seen.reversals)


def _owe(payout: Payout, reversal: Reversal, at: datetime) -> None:
    key = f"reversal:{reversal.reversal_id}"
    if Earning.objects.filter(key=key).exists():
        return
    amount = reversal.amount
    clearing = account("psp_clearing", currency=amount.currency)
    available = account("expert_available", currency=amount.currency, expert=payout.expert)
    posting = ledger.post(
        key=key,
        kind="transfer_reversed",
        currency=amount.currency,
        legs=[ledger.Leg.debit(clearing, amount), ledger.Leg.credit(available, amount)],
        effective_at=at,
        external_ref=reversal.reversal_id,
    )
    Earning.objects.create(
        key=key,
        expert=payout.expert,
        currency=amount.currency,
        pay_minor=amount.minor,
        fee_minor=0,
        cap_minor=amount.minor,
        pay_channel="stripe",
        earned_at=at,
        available_at=at,
        posting=posting,
        state="available",
    )
    record(
        CAME_BACK,
        at=at,
        object_kind="payout",
        object_id=payout.id,
        expert=payout.expert_id,
        data={
            "minor": amount.minor,
            "currency": amount.currency,
            "reversal": reversal.reversal_id,
        },
    )
