"""Budgets of an organisation of the operator itself, and the terms on which a client pays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.kit.money import Money
from marketplace.projects.models import Project
from marketplace.web.amounts import take
from marketplace.web.client.acting import MoneyField, act, link, tried
from marketplace.web.client.credit import credit
from marketplace.web.client.labels import client_badge
from marketplace.web.client.money_tabs import money_tabs
from marketplace.web.client.own import Member, looking, paying, projects_of
from marketplace.web.client.purse import Purse, back_to, purse_of
from marketplace.web.paging import page_of
from payouts.access import visible_grants
from payouts.models import BudgetGrant
from payouts.services.granting import request_grant, withdraw_grant


class GrantForm(forms.Form):
    """A budget under a purchase order."""

    amount = MoneyField(label="Amount")
    purchase_order = forms.CharField(label="Purchase order", max_length=60)
    cost_centre = forms.CharField(label="Cost centre", max_length=60)
    project = forms.ModelChoiceField(
        queryset=Project.objects.none(),
        required=False,
        empty_label="None: into the wallet",
        help_text="It gets the budget at once.",
    )
    cap = MoneyField(
        label="Cap of the project",
        help_text="The most that grants may ever give it. Leave empty for none.",
    )

    def __init__(
        self, *args: Any, member: Member, currency: str, **kwargs: Any
    ) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        take(self, "amount", currency)
        take(self, "cap", currency)
        own = projects_of(member).filter(currency=currency).order_by("-pk")
        self.fields["project"].queryset = own  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["cap"].required = False


@looking
def budgets(request: HttpRequest, member: Member) -> HttpResponseBase:
    """Terms, what was granted, what waits."""
    if request.method == "POST":
        return _ask(request, slug=member.slug)
    purse = purse_of(request, member)
    return _show(request, member, purse, GrantForm(member=member, currency=purse.currency))


@paying
def _ask(request: HttpRequest, member: Member) -> HttpResponse:
    purse = purse_of(request, member)
    form = GrantForm(request.POST, member=member, currency=purse.currency)

    def ask() -> None:
        values = form.cleaned_data
        request_grant(
            organization=member.organization,
            amount=values["amount"],
            purchase_order=values["purchase_order"],
            cost_centre=values["cost_centre"],
            subject_id=values["project"].pk if values["project"] else None,
            cap=values["cap"],
            by=member.user,
            at=clock.now(),
        )

    if tried(form, ask):
        messages.success(request, "Asked for. Finance grants it, or says why not.")
        return redirect(back_to(member, "budgets", purse))
    return _show(request, member, purse, form)


@require_POST
@paying
def withdraw(request: HttpRequest, member: Member, grant_id: UUID) -> HttpResponse:
    """Take one's own request back."""
    rows = visible_grants(to=member.user).filter(organization=member.organization, pk=grant_id)
    found = rows.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such request.")
    return act(
        request,
        lambda: withdraw_grant(grant=found, by=member.user, at=clock.now()),
        url=link(member, "budgets"),
        done="Withdrawn.",
    )


def _show(request: HttpRequest, member: Member, purse: Purse, form: GrantForm) -> HttpResponse:
    rows = visible_grants(to=member.user).filter(organization=member.organization)
    page = page_of(request, rows)
    titles = dict(projects_of(member).values_list("pk", "title"))
    context = {
        **credit(member, purse.currency, at=clock.now()),
        "member": member,
        "tabs": money_tabs(member, "budgets", purse.query),
        "purse": purse,
        "page": page,
        "rows": [_row(each, titles, member) for each in page.rows],
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return render(request, "web/client/budgets.html", context, status=status)


def _row(
    grant: BudgetGrant, titles: dict[UUID, str], member: Member
) -> dict[str, Any]:  # Any: template values
    return {
        "row": grant,
        "amount": Money(grant.amount_minor, grant.currency),
        "cap": Money(grant.cap_minor, grant.currency) if grant.cap_minor else None,
        "badge": client_badge(grant.state),
        "project": titles.get(grant.subject_id, "") if grant.subject_id else "",
        "may_withdraw": grant.state == "requested" and grant.asked_by == member.user.pk,
    }
