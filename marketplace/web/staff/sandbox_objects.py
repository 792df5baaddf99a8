"""What may happen at the sandbox's Stripe: chargebacks, returned money, banks that refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from marketplace.people.models import User
from marketplace.web.amounts import AmountForm
from marketplace.web.client.acting import MoneyField
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from marketplace.web.staff.sandbox import page_links, require_sandbox
from payouts.selectors.books import currencies
from payouts.selectors.sandbox import KINDS, happenings
from payouts.services import sandboxing as verbs

SHOWN = {
    "payments": "Payments",
    "debits": "Waiting debits",
    "chargebacks": "Chargebacks",
    "refunds": "Refunds",
    "transfers": "Transfers",
    "bank": "Bank payouts",
}
WORDS = {
    "settle_debit": "Let the bank pay",
    "fail_debit": "Let the bank refuse",
    "warn_of_chargeback": "Warn of a chargeback",
    "open_chargeback": "Open a chargeback",
    "escalate_chargeback": "Take the money back",
    "win_chargeback": "Let us win",
    "lose_chargeback": "Let us lose",
    "fail_refund": "Send the refund back",
    "reverse_transfer": "Reverse",
    "fail_bank": "Send the money back",
    "change_bank": "Pay another bank account",
}
WAYS = (("in", "From our bank to Stripe"), ("out", "From Stripe to our bank"))


class OwnMoneyForm(AmountForm):
    """The operator's own money."""

    way = forms.ChoiceField(choices=WAYS, label="Which way")
    amount = MoneyField(label="Amount")

    def clean_amount(self) -> Money:
        """Something has to move."""
        amount: Money = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError("Write more than nothing.")
        return amount


@for_staff(*BOOKS)
def objects(request: HttpRequest, user: User) -> HttpResponse:
    """The newest objects of one kind with the buttons that fit their state."""
    require_sandbox()
    return _answer(request, user, {})


@money_act
def press(request: HttpRequest, user: User, button: str, object_id: str) -> HttpResponse:
    """Let it happen."""
    require_sandbox()
    try:
        verbs.press(button=button, object_id=object_id, by=user.pk, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, "Done; the webhook tells us within a moment.")
    show = request.POST.get("show", "")
    return redirect(f"{reverse('staff:sandbox_objects')}?show={show if show in KINDS else ''}")


@money_act
def move_own_money(request: HttpRequest, user: User) -> HttpResponse:
    """Top up at Stripe, or pay out to the operator's bank."""
    require_sandbox()
    form = OwnMoneyForm(request.POST, currencies=currencies())
    if not form.is_valid():
        return _answer(request, user, {"own": form})
    sign = 1 if form.cleaned_data["way"] == "in" else -1
    amount: Money = form.cleaned_data["amount"] * sign
    verbs.move_own_money(amount=amount, by=user.pk, at=clock.now())
    messages.info(request, "Moved; the next reconciliation books it.")
    return redirect("staff:sandbox_objects")


def _answer(request: HttpRequest, user: User, bound: Mapping[str, forms.Form]) -> HttpResponse:
    asked = request.GET.get("show", "")
    show = asked if asked in KINDS else "payments"
    context: dict[str, Any] = {  # Any: template values
        "pages": page_links("staff:sandbox_objects"),
        "kinds": [
            {"label": label, "url": f"?show={name}", "is_current": name == show}
            for name, label in SHOWN.items()
        ],
        "show": show,
        "title": SHOWN[show],
        "rows": [
            {
                "row": row,
                "badge": staff_badge(row.state),
                "buttons": [{"name": each, "word": WORDS[each]} for each in row.buttons],
            }
            for row in happenings(show)
        ],
        "form": bound.get("own") or OwnMoneyForm(currencies=currencies()),
        "acts": may(user, "finance"),
    }
    return render(request, "web/staff/sandbox_objects.html", context, status=422 if bound else 200)
