"""Giving up a payment page that was opened and never paid."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.web.client.acting import link
from marketplace.web.client.money_tabs import money_tabs
from marketplace.web.client.own import Member, paying
from payouts.access import visible_fundings
from payouts.models import Funding
from payouts.services.giving_up import give_up_checkout

_SAID = {
    "expired": "The payment page is closed. Nothing was taken.",
    "paid": "It had been paid already: the money is in your wallet.",
}


@paying
def give_up(request: HttpRequest, member: Member, funding_id: UUID) -> HttpResponse:
    """First what it means, then, confirmed, the page is closed."""
    found = _own(member, funding_id)
    if request.method != "POST":
        context = {
            "member": member,
            "tabs": money_tabs(member, "billing"),
            "funding": found,
            "amount": Money(found.amount_minor, found.currency),
        }
        return render(request, "web/client/give_up.html", context)
    try:
        after = give_up_checkout(funding=found, by=member.user.pk, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        said = "Somebody has paid on it meanwhile; the bank has not answered yet."
        messages.info(request, _SAID.get(after.state, said))
    return redirect(link(member, "billing"))


def _own(member: Member, funding_id: UUID) -> Funding:
    own = visible_fundings(to=member.user).filter(organization=member.organization)
    found = own.filter(pk=funding_id).order_by("pk").first()
    if found is None:
        raise NotFound("There is no such payment.")
    return found
