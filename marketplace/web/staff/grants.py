"""Budgets without a card: what the operator's own organisations ask for, and who pays later."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import F
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
from payouts.access import require_no_stake, visible_accounts, visible_grants, visible_invoices
from payouts.models import BudgetGrant
from payouts.selectors.books import currencies
from payouts.selectors.terms import all_terms
from payouts.services.granting import approve_grant, propose_deposit, refuse_grant
from payouts.services.lending import propose_terms

CLIENTS = 25
MODES = [
    ("prepaid", "Pays in first"),
    ("in_house", "The operator's own: grants, no fee"),
    ("post_paid", "Pays afterwards, up to a limit"),
]


class TermsForm(AmountForm):
    """How a client pays from now on."""

    organization = forms.ModelChoiceField(
        label="Client", queryset=Organization.objects.none(), empty_label="Choose"
    )
    mode = forms.ChoiceField(label="Terms", choices=MODES)
    limit = MoneyField(label="Credit limit", help_text="For paying afterwards.")
    net_days = forms.IntegerField(
        label="Days to pay", required=False, min_value=0, help_text="After the invoice; 1 to 120."
    )
    why = forms.CharField(
        label="Why", min_length=10, max_length=500, help_text="At least 10 characters."
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        clients = visible_organizations(to=user).order_by("name", "pk")
        self.fields["organization"].queryset = clients  # type: ignore[attr-defined]  # a choice
        self.fields["limit"].required = False


class DepositForm(AmountForm):
    """The operator's own cash behind budgets."""

    amount = MoneyField(label="Amount")
    why = forms.CharField(
        label="Why",
        min_length=10,
        max_length=500,
        help_text="For example the bank's booking; at least 10 characters.",
    )


@for_staff(*BOOKS)
def grants(request: HttpRequest, user: User) -> HttpResponse:
    """Requests that wait, terms of clients, what is drawn on credit."""
    return _show(request, user)


@money_act
def decide_grant(request: HttpRequest, user: User, grant_id: UUID, act: str) -> HttpResponse:
    """Grant a budget, or refuse it with an answer."""
    found = (
        visible_grants(to=user)
        .select_related("organization")
        .filter(pk=grant_id)
        .order_by("pk")
        .first()
    )
    if found is None or act not in ("approve", "refuse"):
        raise NotFound("There is no such request.")
    require_no_stake(user, found.organization)
    try:
        if act == "approve":
            approve_grant(grant=found, by=user, at=clock.now())
        else:
            answer = request.POST.get("answer", "").strip()
            refuse_grant(grant=found, answer=answer, by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Granted." if act == "approve" else "Refused.")
    return redirect("staff:grants")


@money_act
def change_terms(request: HttpRequest, user: User) -> HttpResponse:
    """Propose other terms for a client; a second person decides."""
    form = TermsForm(request.POST, user=user, currencies=currencies(), prefix="terms")

    def propose() -> None:
        values = form.cleaned_data
        propose_terms(
            organization=values["organization"],
            mode=values["mode"],
            limit=values["limit"],
            net_days=values["net_days"] or 0,
            why=values["why"],
            by=user,
            at=clock.now(),
        )

    if tried(form, propose):
        messages.success(request, "Proposed. A second person of finance decides.")
        return redirect("staff:grants")
    return _show(request, user, terms_form=form)


@money_act
def deposit(request: HttpRequest, user: User) -> HttpResponse:
    """Propose to book the operator's own cash; a second person decides."""
    form = DepositForm(request.POST, currencies=currencies(), prefix="deposit")

    def propose() -> None:
        propose_deposit(**form.cleaned_data, by=user, at=clock.now())

    if tried(form, propose):
        messages.success(request, "Proposed. A second person of finance confirms it.")
        return redirect("staff:grants")
    return _show(request, user, deposit_form=form)


def _show(
    request: HttpRequest,
    user: User,
    terms_form: TermsForm | None = None,
    deposit_form: DepositForm | None = None,
) -> HttpResponse:
    page = page_of(request, visible_grants(to=user).select_related("organization"))
    codes = currencies()
    context = {
        "page": page,
        "rows": [_row(each, user) for each in page.rows],
        "capital": _capital(user),
        "terms": _terms(user),
        "acts": may(user, "finance"),
        "terms_form": terms_form or TermsForm(user=user, currencies=codes, prefix="terms"),
        "deposit_form": deposit_form or DepositForm(currencies=codes, prefix="deposit"),
    }
    status = 422 if terms_form or deposit_form else 200
    return render(request, "web/staff/grants.html", context, status=status)


def _row(grant: BudgetGrant, user: User) -> dict[str, Any]:  # Any: template values
    return {
        "row": grant,
        "amount": Money(grant.amount_minor, grant.currency),
        "cap": Money(grant.cap_minor, grant.currency) if grant.cap_minor else None,
        "badge": staff_badge(grant.state),
        "may_decide": grant.state == "requested" and grant.asked_by != user.pk,
        "is_mine": grant.state == "requested" and grant.asked_by == user.pk,
    }


def _capital(user: User) -> list[dict[str, Any]]:  # Any: template values
    """Per currency what stands behind granted budgets; short where grants are not backed.

    What an exchange has sold and brought counts, as `check_ledger` counts it.
    """
    rows = visible_accounts(to=user).filter(kind__in=["operator_capital", "fx"])
    left: dict[str, int] = {}
    granted: set[str] = set()
    for each in rows.order_by("currency", "kind"):
        left[each.currency] = left.get(each.currency, 0) + each.credits_minor - each.debits_minor
        if each.kind == "operator_capital" and each.debits_minor:
            granted.add(each.currency)
    return [
        {
            "amount": Money(minor, currency),
            "short": Money(max(0, -minor), currency) if currency in granted else None,
        }
        for currency, minor in left.items()
        if minor > 0 or currency in granted
    ]


def _terms(user: User) -> list[dict[str, Any]]:  # Any: template values
    """Clients that do not pay in first, with what they owe; the newest."""
    now = clock.now()
    terms = all_terms(at=now)
    clients = visible_organizations(to=user).filter(pk__in=terms).order_by("-pk")[:CLIENTS]
    owed = visible_accounts(to=user).filter(
        kind="client_receivable", debits_minor__gt=F("credits_minor")
    )
    drawn: dict[UUID | None, list[Money]] = {}
    for each in owed.order_by("currency"):
        money = Money(each.balance_minor, each.currency)
        drawn.setdefault(each.organization_id, []).append(money)
    late = set(
        visible_invoices(to=user)
        .filter(purpose="credit", state="open", due_at__lt=now)
        .values_list("organization", flat=True)
    )
    return [
        {
            "client": each,
            "terms": terms[each.pk],
            "mode": dict(MODES)[terms[each.pk].mode],
            "drawn": drawn.get(each.pk, []),
            "is_late": each.pk in late,
        }
        for each in clients
    ]
