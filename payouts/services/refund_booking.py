"""The two postings of a part of a refund: it has left, or it came back."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.db.models import Sum

from marketplace.kit.money import Money
from payouts.models import Entry, Refund, RefundPart
from payouts.services import ledger
from payouts.services.accounts import account


def book_refund(
    *, refund: Refund, part: RefundPart, step: Literal["paid", "restored"], at: datetime
) -> None:
    """Book that a part was paid, or that it failed later: to whom it came from, it goes back."""
    currency, owner = refund.currency, refund.organization
    amount = Money(part.amount_minor, currency)
    clearing = account("psp_clearing", currency=currency)
    if step == "paid":
        moving = account("refund_in_transit", currency=currency, organization=owner)
        legs = [ledger.Leg.debit(moving, amount), ledger.Leg.credit(clearing, amount)]
    else:
        wallet = account("wallet", currency=currency, organization=owner)
        ours = account("platform_expense", currency=currency)
        cost = _our_cost(refund, part)
        rest = ledger.Leg.credit(wallet, amount - cost)
        legs = [ledger.Leg.debit(clearing, amount), rest, ledger.Leg.credit(ours, cost)]
    ledger.post(
        key=f"refund:{refund.id}:{step}:{part.id}",
        kind="refund_paid" if step == "paid" else "refund_returned",
        currency=currency,
        legs=legs,
        effective_at=at,
        external_ref=str(part.provider_id),
    )


def _our_cost(refund: Refund, part: RefundPart) -> Money:
    """What of an adopted refund the client did not pay."""
    key = f"refund:{refund.id}:paid:{part.id}"
    rows = Entry.objects.filter(posting__key=key, account__kind="platform_expense")
    total = rows.aggregate(total=Sum("amount_minor"))["total"]
    return Money(total or 0, refund.currency)
