"""The state of the money at a glance."""

from __future__ import annotations

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.people.models import User
from marketplace.web.staff.access import BOOKS, for_staff
from marketplace.web.staff.ledger import in_currency
from payouts.access import visible_breaks, visible_stripe_events
from payouts.selectors.books import trial_balance


@for_staff(*BOOKS)
def overview(request: HttpRequest, user: User) -> HttpResponse:
    """What is booked, and what waits for a person."""
    grouped = groupby(trial_balance(), key=lambda line: line.currency)
    context = {
        "currencies": [in_currency(code, list(lines)) for code, lines in grouped],
        "breaks": visible_breaks(to=user).filter(state="open").count(),
        "parked": visible_stripe_events(to=user).filter(state="parked").count(),
    }
    return render(request, "web/staff/money.html", context)
