"""What left in a payout and is owed to its expert again: a new earning, available at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from marketplace.events.services.recording import record
from marketplace.kit.money import Money
from payouts.models import Earning, Payout
from payouts.selectors.came_back import CAME_BACK
from payouts.services import ledger
from payouts.services.accounts import account

Cause = Literal["reversed", "bank_returned", "sent_less"]
_KINDS: dict[Cause, str] = {
    "reversed": "transfer_reversed",
    "bank_returned": "transfer_reversed",
    "sent_less": "payout_released",
}


@dataclass(frozen=True, slots=True)
class Return:
    """What came back of a payout: its id, which stands once, why, and in whose books it stands."""

    reversal_id: str
    cause: Cause
    external_ref: str


def owe_again(
    *,
    payout: Payout,
    sources: Sequence[ledger.Leg],
    back: Return,
    at: datetime,
    by: UUID | None = None,
) -> None:
    """Credit the expert of a locked payout with the sum of these debits, once per return."""
    key = f"reversal:{back.reversal_id}"
    if Earning.objects.filter(key=key).exists():
        return
    amount = Money(sum(leg.amount_minor for leg in sources), payout.currency)
    available = account("expert_available", currency=payout.currency, expert=payout.expert)
    posting = ledger.post(
        key=key,
        kind=_KINDS[back.cause],
        currency=payout.currency,
        legs=[*sources, ledger.Leg.credit(available, amount)],
        effective_at=at,
        actor=by,
        external_ref=back.external_ref,
    )
    Earning.objects.create(
        key=key,
        expert=payout.expert,
        currency=payout.currency,
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
        actor=by,
        expert=payout.expert_id,
        data={
            "minor": amount.minor,
            "currency": amount.currency,
            "reversal": back.reversal_id,
            "cause": back.cause,
        },
    )
