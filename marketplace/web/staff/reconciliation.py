"""Stripe's books against ours: differences, movements, and what every comparison found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.kit.money import Money
from marketplace.people.models import User
from marketplace.web.client.acting import MoneyField, act, status_of, tried
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from payouts.access import (
    visible_accounts,
    visible_balance_transactions,
    visible_breaks,
    visible_proposals,
    visible_reconciliations,
)
from payouts.models import Account, BalanceTransaction, Break, Reconciliation
from payouts.models.chart import CHART
from payouts.selectors.proposals import waiting_about
from payouts.services.breaking import propose_resolution, take_break
from payouts.services.ledger import Leg
from payouts.services.matching import CATEGORIES

Values = dict[str, Any]  # Any: template values
RUNS_SHOWN = 10
PLATFORM = tuple(kind for kind, terms in CHART.items() if terms.owner == "platform")
# Words for the kinds of differences.
SAID = {
    "missing_in_ledger": "Stripe moved money that nobody booked",
    "missing_at_provider": "We booked what Stripe does not know",
    "amount_mismatch": "Booked with another amount",
    "currency_mismatch": "Booked in another currency",
    "duplicate_provider_object": "Moved a second time",
    "fee_unbooked": "A fee is not booked as Stripe took it",
    "unknown_type": "A kind of movement that nobody can book",
    "earning_unfunded": "Approved work that its batch did not cover",
    "balance_mismatch": "The balance differs and no movement explains it",
}


class ResolutionForm(forms.Form):
    """Why a difference is none, and the correction to book for it, if any."""

    note = forms.CharField(
        label="What explains it",
        min_length=10,
        max_length=500,
        help_text="At least 10 characters.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    debit = forms.CharField(
        label="Debit",
        required=False,
        max_length=40,
        help_text=f"An account's id, or one of the platform's: {', '.join(PLATFORM)}.",
    )
    credit = forms.CharField(label="Credit", required=False, max_length=40)

    def __init__(self, *args: Any, currency: str, user: User, **kwargs: Any) -> None:  # Any: Django
        super().__init__(*args, **kwargs)
        self.accounts = visible_accounts(to=user).filter(currency=currency)
        self.fields["amount"] = MoneyField(currency=currency, label=f"Amount, {currency}")
        self.fields["amount"].required = False

    def clean_debit(self) -> Account | None:
        """The account to debit."""
        return self._account("debit")

    def clean_credit(self) -> Account | None:
        """The account to credit."""
        return self._account("credit")

    def _account(self, name: str) -> Account | None:
        said = self.cleaned_data[name].strip()
        if not said:
            return None
        try:
            named = {"kind": said} if said in PLATFORM else {"pk": UUID(said)}
        except ValueError:
            raise forms.ValidationError("Neither an account's id nor one of these kinds.") from None
        row = self.accounts.filter(**named).order_by("pk").first()
        if row is None:
            raise forms.ValidationError("There is no such account in this currency yet.")
        return row

    def legs(self) -> list[Leg]:
        """The correction, or nothing."""
        values = self.cleaned_data
        debit, credit, amount = values["debit"], values["credit"], values["amount"]
        if debit and credit and amount:
            return [Leg.debit(debit, amount), Leg.credit(credit, amount)]
        if debit or credit or amount:
            raise forms.ValidationError("A correction needs both accounts and an amount.")
        return []

    def clean(self) -> Values:
        """Both accounts and the amount, or none of the three."""
        values = super().clean() or {}
        if not self.errors:
            self.legs()
        return values


@for_staff(*BOOKS)
def reconciliation(request: HttpRequest, user: User) -> HttpResponse:
    """Differences, open or resolved, and the last comparisons."""
    show = "resolved" if request.GET.get("show") == "resolved" else "open"
    rows = visible_breaks(to=user)
    page = page_of(request, rows.filter(state=show).select_related("owner"))
    runs = visible_reconciliations(to=user).order_by("-read_until", "-pk")[:RUNS_SHOWN]
    context = {
        "page": page,
        "show": show,
        "rows": [_difference(each) for each in page.rows],
        "views": [
            {"label": "Open", "url": "?", "is_current": show == "open"},
            {"label": "Resolved", "url": "?show=resolved", "is_current": show == "resolved"},
        ],
        "runs": [_run(each) for each in runs],
    }
    return render(request, "web/staff/reconciliation.html", context)


@for_staff(*BOOKS)
def movements(request: HttpRequest, user: User) -> HttpResponse:
    """Stripe's own ledger as we last read it, beside what we booked."""
    rows = visible_balance_transactions(to=user)
    category, show = request.GET.get("category", ""), request.GET.get("show", "")
    wanted = rows.filter(category=category) if category else rows
    wanted = wanted.filter(posting=None) if show == "unmatched" else wanted
    listed, next_url = _listed(request, wanted)
    context = {
        "rows": [_movement(each) for each in listed],
        "next_url": next_url,
        "is_later": "before" in request.GET,
        "categories": CATEGORIES,
        "category": category,
        "show": show,
    }
    return render(request, "web/staff/movements.html", context)


@for_staff(*BOOKS)
def difference(request: HttpRequest, user: User, break_id: UUID) -> HttpResponse:
    """One difference: who answers for it, what explains it."""
    found = _find(user, break_id)
    return _show(request, user, found, ResolutionForm(currency=found.currency, user=user))


@money_act
def take_difference(request: HttpRequest, user: User, break_id: UUID) -> HttpResponse:
    """Answer for a difference."""
    found = _find(user, break_id)
    url = reverse("staff:difference", args=[break_id])
    return act(request, lambda: take_break(row=found, owner=user), url=url)


@money_act
def resolve_difference(request: HttpRequest, user: User, break_id: UUID) -> HttpResponse:
    """Explain a difference; a second person decides."""
    found = _find(user, break_id)
    form = ResolutionForm(request.POST, currency=found.currency, user=user)

    def propose() -> None:
        note, legs = form.cleaned_data["note"], form.legs()
        propose_resolution(row=found, note=note, legs=legs, by=user, at=clock.now())

    if not tried(form, propose):
        return _show(request, user, found, form)
    messages.success(request, "Proposed. Somebody else of finance decides.")
    return redirect("staff:difference", break_id)


def _show(request: HttpRequest, user: User, found: Break, form: ResolutionForm) -> HttpResponse:
    waiting = waiting_about(visible_proposals(to=user), subjects=[found.pk])
    movement = visible_balance_transactions(to=user).filter(pk=found.ref).order_by("pk").first()
    acts = may(user, "finance") and found.state == "open"
    context = {
        **_difference(found),
        "movement": _movement(movement) if movement else None,
        "waiting": waiting,
        "form": form,
        "may_take": acts and found.owner_id != user.pk,
        "may_propose": acts and not waiting,
    }
    return render(request, "web/staff/difference.html", context, status=status_of(form))


def _find(user: User, break_id: UUID) -> Break:
    rows = visible_breaks(to=user).filter(pk=break_id)
    joined = rows.select_related("owner", "resolved_by", "approved_by", "posting")
    found = joined.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such difference.")
    return found


def _listed(
    request: HttpRequest, rows: QuerySet[BalanceTransaction]
) -> tuple[list[BalanceTransaction], str]:
    """25 movements, the newest first, and the address of the next ones; by time, then id."""
    edge = rows.filter(pk=request.GET.get("before", "")).order_by("pk").first()
    if edge is not None:
        rows = rows.filter(created_at__lte=edge.created_at).exclude(
            created_at=edge.created_at, pk__gte=edge.pk
        )
    found = list(rows.select_related("posting").order_by("-created_at", "-pk")[:26])
    query = request.GET.copy()
    query["before"] = found[24].pk if len(found) > 25 else ""
    return found[:25], f"?{query.urlencode()}" if len(found) > 25 else ""


def _difference(row: Break) -> Values:
    return {
        "row": row,
        "words": SAID[row.kind],
        "badge": staff_badge(row.state),
        "expected": Money(row.expected_minor, row.currency),
        "found": Money(row.found_minor, row.currency),
        "difference": Money(row.found_minor - row.expected_minor, row.currency),
    }


def _movement(row: BalanceTransaction) -> Values:
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.currency),
        "fee": Money(row.fee_minor, row.currency),
        "net": Money(row.net_minor, row.currency),
    }


def _run(row: Reconciliation) -> Values:
    balances = [
        {
            "provider": Money(each["provider"], code),
            "ledger": Money(each["ledger"], code),
            "is_same": each["provider"] == each["ledger"],
            "is_still": each["is_still"],
        }
        for code, each in row.balances.items()
    ]
    return {"row": row, "balances": balances}
