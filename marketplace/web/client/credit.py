"""How a client pays, what it owes on credit, and which invoices are open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace.kit.money import Money
from marketplace.web.client.own import Member
from marketplace.web.expert.labels import Badge
from payouts.access import visible_invoices
from payouts.models import Invoice
from payouts.selectors.terms import credit_of

OPEN_SHOWN = 10
Values = dict[str, Any]  # Any: template values


def credit(member: Member, currency: str, *, at: datetime) -> Values:
    """What `credit.html` shows."""
    found = credit_of(member.organization, currency, at=at)
    terms, is_post_paid = found.terms, found.terms.mode == "post_paid"
    has_limit = is_post_paid and terms.limit is not None and terms.limit.currency == currency
    return {
        "terms": terms,
        "has_limit": has_limit,
        "owed": found.owed,
        "left": found.left,
        "overdue": found.overdue,
        "open": open_invoices(member, at=at) if is_post_paid or found.overdue else [],
    }


def open_invoices(member: Member, *, at: datetime) -> list[Values]:
    """What `open_invoices.html` shows: what is due next comes first."""
    rows = visible_invoices(to=member.user).filter(organization=member.organization, state="open")
    found = rows.select_related("document").order_by("due_at", "pk")[:OPEN_SHOWN]
    return [_open(each, at) for each in found]


def _open(row: Invoice, at: datetime) -> Values:
    is_overdue = row.due_at < at
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.currency),
        "badge": Badge("overdue", "bad", "clock") if is_overdue else Badge("open", "warn", "clock"),
    }
