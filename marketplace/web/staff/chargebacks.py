"""Payments that banks take back: what is held, until when evidence counts, who bears a loss."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.kit.money import Money
from marketplace.people.models import User
from marketplace.web.client.labels import chargeback_badge
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff
from payouts.access import visible_accounts, visible_chargebacks
from payouts.models import Chargeback

UNDECIDED = ("warning", "open")
_STRIPE = "https://dashboard.stripe.com/disputes/"


@for_staff(*BOOKS)
def chargebacks(request: HttpRequest, user: User) -> HttpResponse:
    """All of them, the newest first; `?show=open` only what is not decided."""
    is_open = request.GET.get("show") == "open"
    rows = visible_chargebacks(to=user).select_related("organization", "funding")
    page = page_of(request, rows.filter(state__in=UNDECIDED) if is_open else rows)
    pots = visible_accounts(to=user).filter(kind__in=["chargeback_hold", "chargeback_loss"])
    context = {
        "page": page,
        "rows": [_row(each) for each in page.rows],
        "pots": [
            {"label": _LABELS[each.kind], "amount": Money(each.balance_minor, each.currency)}
            for each in pots.order_by("currency", "kind")
        ],
        "views": [
            {"label": "All", "url": "?", "is_current": not is_open},
            {"label": "Not decided", "url": "?show=open", "is_current": is_open},
        ],
    }
    return render(request, "web/staff/chargebacks.html", context)


_LABELS = {"chargeback_hold": "Held apart", "chargeback_loss": "Lost to us"}


def _row(row: Chargeback) -> dict[str, Any]:  # Any: template values
    is_real = settings.PAYMENTS_MODE != "sandbox"
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.currency),
        "withdrawn": Money(row.withdrawn_minor, row.currency),
        "lost": Money(row.lost_to_us_minor, row.currency) if row.lost_to_us_minor else None,
        "badge": chargeback_badge(row.state),
        "reason": row.reason.replace("_", " "),
        "is_open": row.state in UNDECIDED,
        "stripe_url": f"{_STRIPE}{row.dispute_id}" if is_real else "",
    }
