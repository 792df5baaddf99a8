"""The state of the money at a glance, and Stripe's messages that nothing could be done with."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.people.models import User
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.money_queues import clawback_queue, money_queues
from marketplace.web.staff.waiting import counted
from payouts.access import visible_stripe_events
from payouts.selectors.overview import alarms, pulse, standings
from payouts.services.inbox import retry_event

PARKED_SHOWN = 25


@for_staff(*BOOKS)
def overview(request: HttpRequest, user: User) -> HttpResponse:
    """What is booked, what waits for a person, and when somebody last looked."""
    at = clock.now()
    found, standing = pulse(at=at), standings()
    parked = visible_stripe_events(to=user).filter(state="parked").order_by("received_at", "pk")
    waiting = [
        queue
        for queue in counted([clawback_queue(user), *money_queues(user, at=at)], at)
        if queue.count
    ]
    context = {
        "at": at,
        "waiting": waiting,
        "pulse": found,
        "alarms": list(alarms(found, standing, at=at)),
        "standings": standing,
        "parked": list(parked[:PARKED_SHOWN]) if found.parked_events else [],
        "acts": may(user, "finance"),
    }
    return render(request, "web/staff/money.html", context)


@money_act
def retry_message(request: HttpRequest, user: User, event_id: UUID) -> HttpResponse:
    """Have a parked message answered once more."""
    event = visible_stripe_events(to=user).filter(pk=event_id).order_by("pk").first()
    if event is None:
        raise NotFound("There is no such message.")
    try:
        retry_event(event=event, by=user.pk, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, "It is answered again within a moment.")
    return redirect("staff:money")
