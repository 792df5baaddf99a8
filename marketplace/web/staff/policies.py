"""Rules with numbers: what counts, what comes, what was; a new one is shown before it is set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.money import Money
from marketplace.organizations.access import visible_organizations
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from marketplace.web.client.acting import MoneyField, tried
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from payouts.access import visible_policies
from payouts.models import POLICY_KINDS, Policy
from payouts.selectors.limits import paid_currencies
from payouts.selectors.policies import policies_in_effect, policy_value, setting_of
from payouts.services.setting_policies import (
    AMOUNTS,
    TWO_PEOPLE,
    Scope,
    propose_policy,
    set_policy,
)

LABELS = {
    "fee_basis_points": "Fee, percent",
    "hold_hours": "Hold, hours",
    "payout_minimum": "Least payout",
    "payout_max_per_expert": "Most per expert and run",
    "payout_max_per_run": "Most per run",
    "cash_out_budget": "Cash out before hold, in all",
    "year_threshold": "Reported from, a year",
    "vat_basis_points": "VAT, percent",
}
PERCENTS = ("fee_basis_points", "vat_basis_points")


class PolicyForm(forms.Form):
    """A number, what it is for, from when, and why."""

    kind = forms.ChoiceField(label="Rule", choices=list(LABELS.items()))
    value = forms.CharField(
        label="Number",
        max_length=14,
        help_text="An amount such as 10.00, a percentage such as 15, or hours.",
    )
    currency = forms.RegexField(
        "^[A-Z]{3}$", required=False, help_text="Three letters; needed for an amount."
    )
    country = forms.RegexField(
        "^[A-Z]{2}$", required=False, help_text="Two letters; empty is every country."
    )
    organization = forms.ModelChoiceField(
        label="Client",
        queryset=Organization.objects.none(),
        required=False,
        empty_label="Everybody",
    )
    year = forms.IntegerField(required=False, min_value=2000, max_value=2100)
    effective_at = forms.DateTimeField(
        label="From, UTC",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="Empty is now. What was claimed before keeps its terms.",
    )
    why = forms.CharField(
        label="Why", min_length=10, max_length=300, help_text="At least 10 characters."
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        clients = visible_organizations(to=user).order_by("name", "pk")
        self.fields["organization"].queryset = clients  # type: ignore[attr-defined]  # a choice

    def clean(self) -> dict[str, Any]:  # Any: Django's own
        """Read the number in the unit of its rule."""
        values: dict[str, Any] = super().clean() or {}
        if {"kind", "value", "currency"} <= values.keys():
            try:
                values["value"] = read_value(values["kind"], values["value"], values["currency"])
            except forms.ValidationError as error:
                self.add_error("value", error)
        return values


@for_staff(*BOOKS)
def policies(request: HttpRequest, user: User) -> HttpResponse:
    """In effect, coming, and every row there was; with a number typed, what it would change."""
    if "kind" not in request.GET:
        return _show(request, user, PolicyForm(user=user))
    form = PolicyForm(request.GET, user=user)
    return _show(request, user, form, _preview(form, clock.now()) if form.is_valid() else None)


@money_act
def change_policy(request: HttpRequest, user: User) -> HttpResponse:
    """Set the number, or propose it where two people are needed."""
    form, at = PolicyForm(request.POST, user=user), clock.now()

    def change() -> None:
        values = form.cleaned_data
        verb = propose_policy if values["kind"] in TWO_PEOPLE else set_policy
        verb(
            kind=values["kind"],
            value=values["value"],
            why=values["why"],
            effective_at=values["effective_at"] or at,
            scope=_scope(values),
            by=user,
            at=at,
        )

    if not tried(form, change):
        return _show(request, user, form)
    is_proposed = form.cleaned_data["kind"] in TWO_PEOPLE
    words = "Proposed. A second person of finance decides." if is_proposed else "Set."
    messages.success(request, words)
    return redirect("staff:policies")


def read_value(kind: str, text: str, currency: str) -> int:
    """A typed number in the unit of the rule: minor units, basis points or hours."""
    if kind in AMOUNTS:
        if not currency:
            raise forms.ValidationError("An amount needs a currency.")
        return _minor(text, currency)
    if kind in PERCENTS:
        return _hundredths(text)
    if not text.isdecimal():
        raise forms.ValidationError("Write whole hours.")
    return int(text)


def show_value(kind: str, value: int, currency: str) -> str:
    """A number as people read it."""
    if kind in AMOUNTS:
        return str(Money(value, currency))
    if kind in PERCENTS:
        return f"{value // 100}.{value % 100:02d} %"
    return f"{value} h"


def _minor(text: str, currency: str) -> int:
    amount = MoneyField(currency=currency).clean(text)
    assert amount is not None  # a required field refuses what is empty
    return amount.minor


def _hundredths(text: str) -> int:
    whole, _, rest = text.partition(".")
    if not ((whole + rest).isdecimal() and text.isascii() and whole and len(rest) <= 2):
        raise forms.ValidationError("Write a percentage such as 15 or 12.50.")
    return int(whole + rest.ljust(2, "0"))


def _scope(values: dict[str, Any]) -> Scope:  # Any: cleaned values
    return Scope(
        currency=values["currency"],
        country=values["country"],
        organization=values["organization"],
        year=values["year"],
    )


def _preview(form: PolicyForm, now: datetime) -> dict[str, Any]:  # Any: template values
    values = form.cleaned_data
    start = max(values["effective_at"] or now, now)
    before = policy_value(
        values["kind"],
        at=start,
        currency=values["currency"],
        country=values["country"],
        organization=values["organization"],
        year=values["year"],
    )
    kind, currency = values["kind"], values["currency"]
    return {
        "label": LABELS[kind],
        "about": POLICY_KINDS[kind].partition(", ")[0],
        "before": _setting(kind, currency)
        if before is None
        else show_value(kind, before, currency),
        "after": show_value(kind, values["value"], currency),
        "scope": _words(values["organization"], currency, values["country"], values["year"]),
        "start": None if start == now else start,
        "takes_two": kind in TWO_PEOPLE,
        "fields": [
            (name, form.data.get(name, "")) for name in form.fields if form.data.get(name, "")
        ],
    }


def _settings() -> list[dict[str, Any]]:  # Any: template values
    """The numbers that count where no row fits."""
    scopes = {kind: paid_currencies() if kind in AMOUNTS else ("",) for kind in LABELS}
    return [
        {"label": label, "scope": currency or "everybody", "value": _setting(kind, currency)}
        for kind, label in LABELS.items()
        for currency in scopes[kind]
    ]


def _setting(kind: str, currency: str) -> str:
    value = setting_of(kind, currency=currency)
    if value is not None:
        return show_value(kind, value, currency)
    return "no limit" if kind.startswith("payout_max") else "none"


def _show(
    request: HttpRequest,
    user: User,
    form: PolicyForm,
    preview: dict[str, Any] | None = None,  # Any: template values
) -> HttpResponse:
    now, rows = clock.now(), visible_policies(to=user)
    coming = rows.filter(effective_at__gt=now).select_related("organization", "made_by")
    page = page_of(request, rows.select_related("organization", "made_by"))
    context = {
        "settings": _settings(),
        "current": [_row(each) for each in policies_in_effect(rows, at=now)],
        "coming": [_row(each) for each in coming.order_by("effective_at", "pk")],
        "page": page,
        "past": [_row(each) for each in page.rows],
        "form": form,
        "preview": preview,
        "acts": may(user, "finance"),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "web/staff/policies.html", context, status=status)


def _row(row: Policy) -> dict[str, Any]:  # Any: template values
    return {
        "row": row,
        "label": LABELS[row.kind],
        "value": show_value(row.kind, row.value, row.currency),
        "scope": _words(row.organization, row.currency, row.country, row.year),
        "since": row.effective_at.astimezone(UTC),
    }


def _words(organization: Organization | None, currency: str, country: str, year: int | None) -> str:
    named = [organization.name if organization else "", currency, country, str(year or "")]
    return ", ".join(each for each in named if each) or "everybody"
