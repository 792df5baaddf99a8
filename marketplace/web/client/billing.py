"""The client's money: wallet, what each project holds and how long it lasts, paying in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money, exponent, zero
from marketplace.projects.models import Project
from marketplace.web.amounts import take
from marketplace.web.client.acting import MoneyField, tried
from marketplace.web.client.contested import contests, standing
from marketplace.web.client.credit import credit
from marketplace.web.client.labels import client_badge
from marketplace.web.client.money_tabs import money_tabs
from marketplace.web.client.own import Member, looking, paying, projects_of
from marketplace.web.client.purse import Purse, back_to, purse_of
from marketplace.web.paging import page_of
from payouts.access import visible_documents, visible_fundings
from payouts.models import Document, Funding
from payouts.selectors.budgets import Budget, project_budgets
from payouts.selectors.forecasts import runways
from payouts.selectors.policies import fee_rate_for
from payouts.services.budgeting import allocate, return_budget
from payouts.services.funding import start_checkout
from payouts.services.giving_up import GIVEN_UP

PROJECTS = 25
PRESETS = (500, 2_000, 10_000)
# For so long the page asks by itself; a bank debit takes days and is looked at when one comes back.
WATCHED = timedelta(minutes=30)
_ENDS = {
    "failed": "the bank refused it; nothing was taken",
    "expired": "the page was not used in time; nothing was taken",
}
# docs.stripe.com/error-codes: what banks say of a debit.
_REFUSALS = {
    "account_closed": "the account is closed",
    "bank_account_declined": "the account may not be debited",
    "bank_account_restricted": "the account is restricted",
    "bank_account_unusable": "the account cannot be used",
    "debit_not_authorized": "the debit was not authorised",
    "insufficient_funds": "the account held too little",
}
_WAYS = {"checkout": "card or bank debit", "wire": "bank transfer"}


class PayForm(forms.Form):
    """How much to pay in: one of the usual amounts, or what was typed."""

    preset = forms.TypedChoiceField(
        label="Amount",
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    amount = MoneyField(label="Or another amount")

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        self.currency = currency
        take(self, "amount", currency)
        self.fields["amount"].required = False
        whole = 10 ** exponent(currency)
        presets = [(each * 100, f"{each * 100 // whole:,} {currency}") for each in PRESETS]
        self.fields["preset"].choices = presets  # type: ignore[attr-defined]  # a ChoiceField

    def clean_amount(self) -> Money:
        """What was typed counts, else what was marked."""
        typed, marked = self.cleaned_data["amount"], self.cleaned_data.get("preset")
        if isinstance(typed, Money):
            return typed
        if marked is None:
            raise forms.ValidationError("Choose an amount or write one.")
        return Money(int(marked), self.currency)


class BudgetForm(forms.Form):
    """Move money between the wallet and a project; `key` makes a double click one move."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), empty_label="Choose")
    move = forms.ChoiceField(
        label="Direction",
        choices=[("give", "From the wallet to the project"), ("take", "Back into the wallet")],
    )
    amount = MoneyField(label="Amount")
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, member: Member, currency: str, **kwargs: Any
    ) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        take(self, "amount", currency)
        own = projects_of(member).filter(currency=currency).order_by("-pk")
        self.fields["project"].queryset = own  # type: ignore[attr-defined]  # a ModelChoiceField


@looking
def billing(request: HttpRequest, member: Member) -> HttpResponse:
    """Everything about the money on one page."""
    if "paid" in request.GET:
        messages.info(request, "Thank you. The payment shows here once it is confirmed.")
        return redirect(back_to(member, "billing", purse_of(request, member)))
    return _show(request, member, purse_of(request, member))


@looking
def payments(request: HttpRequest, member: Member) -> HttpResponse:
    """The payments alone; the page asks again while one is under way."""
    return render(request, "web/client/payments.html", _payments(request, member))


@require_POST
@paying
def pay(request: HttpRequest, member: Member) -> HttpResponse:
    """Off to the payment page."""
    purse = purse_of(request, member)
    form = PayForm(request.POST, prefix="pay", currency=purse.currency)
    back = request.build_absolute_uri(back_to(member, "billing", purse))
    made: list[Funding] = []

    def start() -> None:
        made.append(
            start_checkout(
                organization=member.organization,
                amount=form.cleaned_data["amount"],
                by=member.user.pk,
                success_url=f"{back}{'&' if purse.query else '?'}paid=1",
                cancel_url=back,
                at=clock.now(),
            )
        )

    if tried(form, start):
        return HttpResponseRedirect(made[0].url)
    return _show(request, member, purse, pay_form=form)


@require_POST
@paying
def move_budget(request: HttpRequest, member: Member) -> HttpResponse:
    """Give a project money, or take back what is not reserved."""
    purse = purse_of(request, member)
    form = BudgetForm(request.POST, member=member, prefix="budget", currency=purse.currency)

    def move() -> None:
        values = form.cleaned_data
        verb = allocate if values["move"] == "give" else return_budget
        verb(
            organization=member.organization,
            subject_id=values["project"].pk,
            amount=values["amount"],
            by=member.user.pk,
            key=str(values["key"]),
            at=clock.now(),
        )

    if tried(form, move):
        messages.success(request, f"{form.cleaned_data['amount']} moved.")
        return redirect(back_to(member, "billing", purse))
    return _show(request, member, purse, budget_form=form)


def _show(
    request: HttpRequest,
    member: Member,
    purse: Purse,
    pay_form: PayForm | None = None,
    budget_form: BudgetForm | None = None,
) -> HttpResponse:
    at, currency = clock.now(), purse.currency
    projects = list(projects_of(member).filter(currency=currency).order_by("-pk"))
    budgets = project_budgets([(each.pk, each.currency) for each in projects])
    lasts = runways(budgets, at=at)
    initial = {"key": uuid7(), "project": request.GET.get("project", "")}
    context = {
        **_payments(request, member),
        **standing(member, currency, at=at),
        **credit(member, currency, at=at),
        "tabs": money_tabs(member, "billing", purse.query),
        "purse": purse,
        "fee": _percent(fee_rate_for(organization=member.organization, currency=currency, at=at)),
        "totals": _totals(list(budgets.values()), currency),
        "projects": [
            {
                "project": each,
                "badge": client_badge(each.state),
                "budget": budgets[each.pk],
                "lasts": lasts[each.pk],
            }
            for each in projects[:PROJECTS]
        ],
        "more": len(projects) > PROJECTS,
        "pay_form": pay_form or PayForm(prefix="pay", currency=currency),
        "budget_form": budget_form
        or BudgetForm(member=member, prefix="budget", currency=currency, initial=initial),
    }
    status = 422 if pay_form or budget_form else 200
    return render(request, "web/client/billing.html", context, status=status)


def _percent(basis_points: int) -> str:
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".")


def _totals(budgets: list[Budget], currency: str) -> dict[str, Money]:
    names = ("escrow", "reserved", "pool", "spent")
    none = zero(currency)
    return {name: sum((getattr(each, name) for each in budgets), none) for name in names}


def _payments(request: HttpRequest, member: Member) -> dict[str, Any]:  # Any: template values
    own = visible_fundings(to=member.user).filter(organization=member.organization)
    page = page_of(request, own)
    papers = visible_documents(to=member.user).filter(
        kind="receipt", key__in=[f"receipt:{each.pk}" for each in page.rows]
    )
    receipts = {each.key: each for each in papers}
    contested = contests(member, page.rows)
    rows = [
        _funding(each, receipts.get(f"receipt:{each.pk}"), contested.get(each.pk, ""))
        for each in page.rows
    ]
    return {
        "member": member,
        "page": page,
        "fundings": rows,
        "is_moving": any(each["is_moving"] for each in rows),
    }


def _funding(
    row: Funding, receipt: Document | None, contest: str
) -> dict[str, Any]:  # Any: template values
    is_wire = row.method == "wire"
    is_open = row.state == "paying" and bool(row.url)
    is_fresh = clock.now() - row.created_at < WATCHED
    return {
        "row": row,
        "badge": client_badge(contest or _shown(row)),
        "way": _WAYS[row.method],
        "amount": Money(row.received_minor or row.amount_minor, row.currency),
        "asked": Money(row.amount_minor, row.currency) if row.flag == "other_amount" else None,
        "note": _note(row),
        "is_unfinished": is_open,
        "is_moving": row.state == "paying" and not is_wire and is_fresh,
        "receipt": receipt,
    }


def _shown(row: Funding) -> str:
    return "withdrawn" if row.method == "wire" and row.state == "failed" else row.state


def _note(row: Funding) -> str:
    if row.flag == "paid_twice":
        return "same amount twice: ask for it back if it was a mistake"
    if row.method == "checkout" and row.state == "failed" and row.why:
        said = _REFUSALS.get(row.why, row.why.replace("_", " "))
        return f"the bank refused it: {said}; nothing was taken"
    if row.why == GIVEN_UP:
        return "you gave it up; nothing was taken"
    if row.method == "checkout" and row.state in _ENDS:
        return _ENDS[row.state]
    if row.state != "paying" or row.url:
        return ""
    return "we are confirming it" if row.method == "wire" else "your bank may take days"
