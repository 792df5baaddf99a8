"""Clients' payments: what came by card and bank debit, and bank transfers entered by two people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.organizations.access import visible_organizations
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from marketplace.web.amounts import AmountForm
from marketplace.web.client.acting import MoneyField, tried
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from payouts.access import require_no_stake, visible_fundings
from payouts.models import Funding
from payouts.selectors.books import currencies
from payouts.services.wiring import confirm_wire, enter_wire, withdraw_wire
from payouts.services.wiring_back import propose_wire_back

_VIEWS = {
    "": ("All", {}),
    "wires": ("Transfers to confirm", {"method": "wire", "state": "paying"}),
    "flagged": ("To look at", {"flag__gt": ""}),
}
_FLAGS = {
    "paid_twice": "the same amount twice: the client may want it back",
    "other_amount": "another amount than was asked for",
}
_WAYS = {"checkout": "card or bank debit", "wire": "bank transfer"}


class WireForm(AmountForm):
    """A transfer as the bank's statement shows it."""

    organization = forms.ModelChoiceField(
        label="Client", queryset=Organization.objects.none(), empty_label="Choose"
    )
    amount = MoneyField(label="Amount received")
    reference = forms.CharField(
        label="Bank reference", max_length=100, help_text="As on the statement; it stands once."
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        clients = visible_organizations(to=user).order_by("name", "pk")
        self.fields["organization"].queryset = clients  # type: ignore[attr-defined]  # a choice


class BackForm(AmountForm):
    """A transfer from the operator's bank back to a client."""

    organization = forms.ModelChoiceField(
        label="Client", queryset=Organization.objects.none(), empty_label="Choose"
    )
    amount = MoneyField(label="Amount")
    why = forms.CharField(
        label="Why",
        min_length=10,
        max_length=500,
        help_text="With the reference of your bank transfer; at least 10 characters.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        clients = visible_organizations(to=user).order_by("name", "pk")
        self.fields["organization"].queryset = clients  # type: ignore[attr-defined]  # a choice


@for_staff(*BOOKS)
def payments(request: HttpRequest, user: User) -> HttpResponse:
    """Every payment, the newest first; `?show=wires` and `?show=flagged` are those to act on."""
    return _show(request, user)


@money_act
def add_wire(request: HttpRequest, user: User) -> HttpResponse:
    """Write a transfer down; a second person confirms it."""
    form = WireForm(request.POST, user=user, currencies=currencies(), prefix="wire")

    def enter() -> None:
        require_no_stake(user, form.cleaned_data["organization"])
        enter_wire(**form.cleaned_data, by=user, at=clock.now())

    if tried(form, enter):
        messages.success(request, "Entered. A second person of finance confirms it.")
        return redirect("staff:payments")
    return _show(request, user, form)


@money_act
def wire_back(request: HttpRequest, user: User) -> HttpResponse:
    """Propose that part of a wallet went back by bank; a second person decides."""
    form = BackForm(request.POST, user=user, currencies=currencies(), prefix="back")

    def propose() -> None:
        require_no_stake(user, form.cleaned_data["organization"])
        propose_wire_back(**form.cleaned_data, by=user, at=clock.now())

    if tried(form, propose):
        messages.success(request, "Proposed. It is booked when a second person agrees.")
        return redirect("staff:payments")
    return _show(request, user, back_form=form)


@money_act
def act_on_wire(request: HttpRequest, user: User, wire_id: UUID, act: str) -> HttpResponse:
    """Credit it, or take back what was entered by mistake."""
    found = visible_fundings(to=user).filter(pk=wire_id, method="wire")
    wire = found.select_related("organization").order_by("pk").first()
    if wire is None or act not in ("confirm", "withdraw"):
        raise NotFound("There is no such transfer.")
    require_no_stake(user, wire.organization)
    verb = confirm_wire if act == "confirm" else withdraw_wire
    try:
        verb(wire=wire, by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Credited." if act == "confirm" else "Withdrawn.")
    return redirect("staff:payments")


def _show(
    request: HttpRequest,
    user: User,
    form: WireForm | None = None,
    back_form: BackForm | None = None,
) -> HttpResponse:
    show = request.GET.get("show", "")
    show = show if show in _VIEWS else ""
    rows = visible_fundings(to=user).filter(**_VIEWS[show][1]).select_related("organization")
    page, codes = page_of(request, rows), currencies()
    context = {
        "page": page,
        "rows": [_row(each, user) for each in page.rows],
        "acts": may(user, "finance"),
        "form": form or WireForm(user=user, currencies=codes, prefix="wire"),
        "back_form": back_form or BackForm(user=user, currencies=codes, prefix="back"),
        "views": [
            {"label": label, "url": f"?show={name}" if name else "?", "is_current": name == show}
            for name, (label, _) in _VIEWS.items()
        ],
    }
    status = 422 if form or back_form else 200
    return render(request, "web/staff/payments.html", context, status=status)


def _row(row: Funding, user: User) -> dict[str, Any]:  # Any: template values
    is_open = row.method == "wire" and row.state == "paying"
    is_withdrawn = row.method == "wire" and row.state == "failed"
    return {
        "row": row,
        "amount": Money(row.received_minor or row.amount_minor, row.currency),
        "badge": staff_badge("withdrawn" if is_withdrawn else row.state),
        "way": _WAYS[row.method],
        "reference": (row.reference if row.method == "wire" else row.payment_intent) or "",
        "flag": _FLAGS.get(row.flag, ""),
        "may_confirm": is_open and row.asked_by != user.pk,
        "may_withdraw": is_open,
        "is_mine": is_open and row.asked_by == user.pk,
    }
