"""The client's money: wallet, what each project holds and has spent, paying in, receipts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money, zero
from marketplace.projects.models import Project
from marketplace.web.client.acting import MoneyField, link, tried
from marketplace.web.client.labels import client_badge
from marketplace.web.client.own import Member, looking, paying, projects_of
from marketplace.web.paging import page_of
from payouts.access import visible_fundings
from payouts.models import Funding
from payouts.selectors.budgets import Budget, project_budgets, wallet
from payouts.services.budgeting import allocate, return_budget
from payouts.services.funding import start_checkout

CURRENCY = "USD"
PROJECTS = 25


class PayForm(forms.Form):
    """How much to pay in."""

    amount = MoneyField(currency=CURRENCY, label=f"Amount, {CURRENCY}")


class BudgetForm(forms.Form):
    """Move money between the wallet and a project; `key` makes a double click one move."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), empty_label="Choose")
    move = forms.ChoiceField(
        label="Direction",
        choices=[("give", "From the wallet to the project"), ("take", "Back into the wallet")],
    )
    amount = MoneyField(currency=CURRENCY, label=f"Amount, {CURRENCY}")
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        own = projects_of(member).filter(currency=CURRENCY).order_by("-pk")
        self.fields["project"].queryset = own  # type: ignore[attr-defined]  # a ModelChoiceField


@looking
def billing(request: HttpRequest, member: Member) -> HttpResponse:
    """Everything about the money on one page."""
    if "paid" in request.GET:
        messages.info(request, "Thank you. The payment shows here once it is confirmed.")
        return redirect(link(member, "billing"))
    return _show(request, member)


@require_POST
@paying
def pay(request: HttpRequest, member: Member) -> HttpResponse:
    """Off to the payment page."""
    form = PayForm(request.POST, prefix="pay")
    back = request.build_absolute_uri(link(member, "billing"))
    made: list[Funding] = []

    def start() -> None:
        made.append(
            start_checkout(
                organization=member.organization,
                amount=form.cleaned_data["amount"],
                by=member.user.pk,
                success_url=f"{back}?paid=1",
                cancel_url=back,
                at=clock.now(),
            )
        )

    if tried(form, start):
        return HttpResponseRedirect(made[0].url)
    return _show(request, member, pay_form=form)


@require_POST
@paying
def move_budget(request: HttpRequest, member: Member) -> HttpResponse:
    """Give a project money, or take back what is not reserved."""
    form = BudgetForm(request.POST, member=member, prefix="budget")

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
        return redirect(link(member, "billing"))
    return _show(request, member, budget_form=form)


def _show(
    request: HttpRequest,
    member: Member,
    pay_form: PayForm | None = None,
    budget_form: BudgetForm | None = None,
) -> HttpResponse:
    page = page_of(
        request, visible_fundings(to=member.user).filter(organization=member.organization)
    )
    projects = list(projects_of(member).order_by("-pk"))
    budgets = project_budgets([(each.pk, each.currency) for each in projects])
    initial = {"key": uuid7(), "project": request.GET.get("project", "")}
    context = {
        "member": member,
        "wallet": wallet(member.organization, CURRENCY),
        "totals": _totals(list(budgets.values())),
        "projects": [
            {"project": each, "badge": client_badge(each.state), "budget": budgets[each.pk]}
            for each in projects[:PROJECTS]
        ],
        "more": len(projects) > PROJECTS,
        "page": page,
        "fundings": [_funding(each) for each in page.rows],
        "pay_form": pay_form or PayForm(prefix="pay"),
        "budget_form": budget_form or BudgetForm(member=member, prefix="budget", initial=initial),
    }
    status = 422 if pay_form or budget_form else 200
    return render(request, "web/client/billing.html", context, status=status)


def _totals(budgets: list[Budget]) -> dict[str, Money]:
    totals = dict.fromkeys(("escrow", "reserved", "pool", "spent"), zero(CURRENCY))
    for budget in budgets:
        if budget.spent.currency == CURRENCY:
            for name, sofar in totals.items():
                totals[name] = sofar + getattr(budget, name)
    return totals


def _funding(row: Funding) -> dict[str, Any]:  # Any: template values
    return {
        "row": row,
        "badge": client_badge(row.state),
        "amount": Money(row.received_minor or row.amount_minor, row.currency),
        "is_unfinished": row.state == "paying",
    }
