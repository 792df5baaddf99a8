"""Money back to the client: asking for it, what became of it, and what banks take back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.web.amounts import take
from marketplace.web.client.acting import MoneyField, act, link, tried
from marketplace.web.client.contested import standing
from marketplace.web.client.labels import client_badge
from marketplace.web.client.money_tabs import money_tabs
from marketplace.web.client.own import Member, looking, paying, recently_signed_in
from marketplace.web.client.purse import Purse, back_to, purse_of
from marketplace.web.paging import page_of
from payouts.access import visible_refunds
from payouts.models import Refund
from payouts.selectors.refunds import most_refundable
from payouts.services.refunding import request_refund, require_refundable, withdraw_refund

# docs.stripe.com/refunds#failed-refunds
_FAILURES = {
    "charge_for_pending_refund_disputed": "the payment is contested",
    "declined": "the bank declined it",
    "expired_or_canceled_card": "the card has expired or was cancelled",
    "insufficient_funds": "the account that pays held too little",
    "lost_or_stolen_card": "the card was lost or stolen",
    "merchant_request": "stopped by us",
    "unknown": "the bank gave no reason",
}
_ON_ITS_WAY = {"approved", "sending", "unknown"}


class AskForm(forms.Form):
    """How much, and why; `key` makes a double click one refund."""

    amount = MoneyField(label="Amount")
    why = forms.CharField(
        label="Why", max_length=200, required=False, help_text="Helps finance to decide sooner."
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        take(self, "amount", currency)


@looking
def refunds(request: HttpRequest, member: Member) -> HttpResponse:
    """What can go back, what was asked for, what a bank contests."""
    return _show(request, member, purse_of(request, member))


@recently_signed_in
@paying
def ask_refund(request: HttpRequest, member: Member) -> HttpResponseBase:
    """First what would happen, then, confirmed, the request."""
    if request.method != "POST":
        return redirect(link(member, "refunds"))
    purse = purse_of(request, member)
    form = AskForm(request.POST, prefix="ask", currency=purse.currency)
    if "sure" not in request.POST:
        return _confirm(request, member, purse, form)

    def ask() -> None:
        values = form.cleaned_data
        request_refund(
            refund_id=values["key"],
            organization=member.organization,
            amount=values["amount"],
            why=values["why"],
            by=member.user.pk,
            at=clock.now(),
        )

    if tried(form, ask):
        messages.success(request, f"{form.cleaned_data['amount']} is set aside to go back to you.")
        return redirect(back_to(member, "refunds", purse))
    return _show(request, member, purse, form)


@require_POST
@paying
def withdraw(request: HttpRequest, member: Member, refund_id: UUID) -> HttpResponse:
    """Take a request back before finance has decided."""
    own = visible_refunds(to=member.user).filter(organization=member.organization, pk=refund_id)
    found = own.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such refund.")
    return act(
        request,
        lambda: withdraw_refund(refund=found, by=member.user.pk, at=clock.now()),
        url=link(member, "refunds"),
        done="Taken back. The money is in your wallet.",
    )


def _confirm(request: HttpRequest, member: Member, purse: Purse, form: AskForm) -> HttpResponse:
    def check() -> None:
        require_refundable(
            organization=member.organization, amount=form.cleaned_data["amount"], at=clock.now()
        )

    if not tried(form, check):
        return _show(request, member, purse, form)
    context = {
        "member": member,
        "purse": purse,
        "tabs": money_tabs(member, "refunds", purse.query),
        "form": form,
        "amount": form.cleaned_data["amount"],
        "why": form.cleaned_data["why"],
        "is_alone": form.cleaned_data["amount"].minor <= settings.REFUND_AUTO_MINOR,
    }
    return render(request, "web/client/refund_sure.html", context)


def _show(
    request: HttpRequest, member: Member, purse: Purse, form: AskForm | None = None
) -> HttpResponse:
    at, organization, currency = clock.now(), member.organization, purse.currency
    own = visible_refunds(to=member.user).filter(organization=organization)
    page = page_of(request, own.prefetch_related("parts"))
    context = {
        **standing(member, currency, at=at),
        "member": member,
        "tabs": money_tabs(member, "refunds", purse.query),
        "page": page,
        "rows": [_row(each) for each in page.rows],
        "purse": purse,
        "most": most_refundable(organization, currency, at=at),
        "form": form or AskForm(prefix="ask", currency=currency, initial={"key": uuid7()}),
    }
    return render(request, "web/client/refunds.html", context, status=422 if form else 200)


def _row(refund: Refund) -> dict[str, Any]:  # Any: template values
    parts = list(refund.parts.all())
    back = sum(part.amount_minor for part in parts if part.state == "succeeded")
    is_over = refund.state in {"paid", "failed", "refused"}
    return {
        "row": refund,
        "badge": client_badge("sending" if refund.state in _ON_ITS_WAY else refund.state),
        "amount": Money(refund.amount_minor, refund.currency),
        "back": Money(back, refund.currency) if is_over and back < refund.amount_minor else None,
        "notes": sorted(
            {_FAILURES.get(part.error_message, part.error_message) for part in parts} - {""}
        ),
        "may_withdraw": refund.state == "requested",
    }
