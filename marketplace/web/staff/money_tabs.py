"""The tabs of the money pages; add a page here, the menu has one entry for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from marketplace.people.access import staff_roles
from marketplace.people.models import User
from marketplace.web.staff.access import BOOKS


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of the money, who sees it, and in `also` the pages below it."""

    view: str
    label: str
    roles: tuple[str, ...] = BOOKS
    also: tuple[str, ...] = ()


_ALWAYS = (
    Tab("staff:money", "Overview"),
    Tab(
        "staff:runs",
        "Payout runs",
        also=("staff:run", "staff:payouts", "staff:payout", "staff:bank_files", "staff:bank_file"),
    ),
    Tab("staff:proposals", "Second person"),
    Tab("staff:payments", "Payments"),
    Tab("staff:refunds", "Refunds"),
    Tab("staff:chargebacks", "Chargebacks"),
    Tab(
        "staff:clawbacks",
        "Clawbacks",
        roles=(*BOOKS, "quality"),
        also=("staff:clawback", "staff:propose_clawback"),
    ),
    Tab("staff:grants", "Budgets"),
    Tab("staff:exchanges", "Exchange"),
    Tab("staff:payroll", "Payroll", also=("staff:payroll_export",)),
    Tab("staff:papers", "Papers", also=("staff:paper", "staff:year_totals")),
    Tab("staff:policies", "Rules"),
    Tab("staff:reconciliation", "Reconciliation", also=("staff:movements", "staff:difference")),
    Tab("staff:ledger", "Ledger", also=("staff:accounts", "staff:account", "staff:posting")),
)
_SANDBOX = Tab("staff:sandbox", "Sandbox", also=("staff:sandbox_objects",))

TABS: tuple[Tab, ...] = (*_ALWAYS, _SANDBOX) if settings.PAYMENTS_MODE == "sandbox" else _ALWAYS
VIEWS = tuple(view for tab in TABS for view in (tab.view, *tab.also))


def money_tabs(request: HttpRequest) -> list[dict[str, object]]:
    """The tabs that this person may open, for `web/staff/money_tabs.html`."""
    roles = staff_roles(request.user) if isinstance(request.user, User) else frozenset()
    match = request.resolver_match
    here = match.view_name if match else ""
    return [
        {
            "label": tab.label,
            "url": reverse(tab.view),
            "is_current": here == tab.view or here in tab.also,
        }
        for tab in TABS
        if roles & set(tab.roles)
    ]
