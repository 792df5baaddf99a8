"""Moves of the operator's own money between the provider and its bank (MONEY 3)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from payouts.models import BalanceTransaction, Posting
from payouts.services import ledger
from payouts.services.accounts import account


@transaction.atomic
def book_treasury_move(*, row: BalanceTransaction, at: datetime) -> Posting:
    """A top-up from, or a withdrawal to, the operator's bank, or one that came back; once."""
    clearing = account("psp_clearing", currency=row.currency)
    bank = account("platform_bank", currency=row.currency)
    debited, credited = (clearing, bank) if row.amount_minor > 0 else (bank, clearing)
    amount = abs(row.amount_minor)
    return ledger.post(
        key=f"bt:{row.id}",
        kind="treasury_moved",
        currency=row.currency,
        legs=[ledger.Leg(debited, "D", amount), ledger.Leg(credited, "C", amount)],
        effective_at=min(row.created_at, at),
        external_ref=row.id,
    )
