"""How a client pays, what it owes on credit, and which invoices are open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace.kit.money import Money
from marketplace.web.client.own import Member
from marketplace.web.expert.labels import Badge
from payouts.access import visible_invoices
from payouts.models import Invoice
from payouts.selectors.terms import credit_left, overdue, receivable, terms_of

OPEN_SHOWN = 10
Values = dict[str, Any]  # Any: template values


def credit(member: Member, currency: str, *, at: datetime) -> Values:
    """What `credit.html` shows."""
    owner, terms = member.organization, terms_of(member.organization, at=at)
    if terms.mode != "post_paid":
        late = overdue(owner, currency, at=at)
        return {
            "terms": terms,
            "overdue": late,
            "open": open_invoices(member, at=at) if late else [],
        }
    return {
        "terms": terms,
        "owed": receivable(owner, currency),
        "left": credit_left(owner, currency, at=at),
        "overdue": overdue(owner, currency, at=at),
        "open": open_invoices(member, at=at),
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
