"""The tabs of a client's money pages."""

from __future__ import annotations

from marketplace.web.client.acting import link
from marketplace.web.client.own import Member

TABS = (
    ("billing", "Billing"),
    ("refunds", "Refunds"),
    ("budgets", "Budgets"),
    ("papers", "Papers"),
    ("payroll", "Payroll"),
)


def money_tabs(member: Member, current: str, query: str = "") -> list[dict[str, object]]:
    """Every money page of the client, the one that is open marked; `query` names a currency."""
    return [
        {"label": label, "url": link(member, name) + query, "is_current": name == current}
        for name, label in TABS
    ]
