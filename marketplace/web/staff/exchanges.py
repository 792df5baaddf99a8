"""Exchanges of the operator's bank: shown before they are proposed, booked by two people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.kit.money import Money
from marketplace.kit.rates import Rate
from marketplace.people.models import User
from marketplace.web.amounts import take
from marketplace.web.client.acting import MoneyField, tried
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from payouts.access import visible_postings, visible_proposals
from payouts.models import Posting, Proposal
from payouts.selectors.books import currencies
from payouts.selectors.exchanges import (
    effects,
    exchanges_of,
    is_usual,
    last_rate,
    rate_of,
    sides_of,
)
from payouts.services.exchanging import propose_exchange, propose_unusual_exchange

Values = dict[str, Any]  # Any: template values


class ExchangeForm(forms.Form):
    """Both amounts as the bank's statement shows them."""

    sold_currency = forms.ChoiceField(label="The bank took, currency")
    sold = MoneyField(label="The bank took, amount")
    bought_currency = forms.ChoiceField(label="The bank gave, currency")
    bought = MoneyField(label="The bank gave, amount")
    reference = forms.CharField(
        label="Bank reference", max_length=100, help_text="As on the statement; it stands once."
    )
    why = forms.CharField(
        label="Why", min_length=10, max_length=300, help_text="At least 10 characters."
    )

    def __init__(self, *args: Any, codes: tuple[str, ...], **kwargs: Any) -> None:  # Any: Django's
        super().__init__(*args, **kwargs)
        for name, first in (("sold", codes[0]), ("bought", codes[-1])):
            choice = self.fields[f"{name}_currency"]
            choice.choices = [(each, each) for each in codes]  # type: ignore[attr-defined]  # a ChoiceField
            choice.initial = first
            asked = self.data.get(f"{name}_currency", "") if self.is_bound else first
            take(self, name, asked if asked in codes else first, is_named=False)

    def clean(self) -> Values:
        """Two currencies and two amounts; the verb says the same to whoever else calls it."""
        values: Values = super().clean() or {}
        if values.get("sold_currency") == values.get("bought_currency"):
            self.add_error("bought_currency", "Choose another currency than the one it took.")
        for name in ("sold", "bought"):
            amount = values.get(name)
            if isinstance(amount, Money) and not amount:
                self.add_error(name, "Write more than nothing.")
        return values

    def rate(self) -> Rate:
        """What a sound form says."""
        return Rate(sold=self.cleaned_data["sold"], bought=self.cleaned_data["bought"])


@for_staff(*BOOKS)
def exchanges(request: HttpRequest, user: User) -> HttpResponse:
    """Every exchange, and the form; with amounts typed, what they would do."""
    if "sold" not in request.GET:
        return _show(request, user, ExchangeForm(codes=currencies()))
    form = ExchangeForm(request.GET, codes=currencies())
    return _show(request, user, form, _preview(form) if form.is_valid() else None)


@money_act
def exchange(request: HttpRequest, user: User) -> HttpResponse:
    """Propose it; a rate far from the last one is asked about first."""
    form = ExchangeForm(request.POST, codes=currencies())

    def propose() -> None:
        values = form.cleaned_data
        verb = propose_unusual_exchange if "sure" in request.POST else propose_exchange
        verb(
            sold=values["sold"],
            bought=values["bought"],
            reference=values["reference"],
            why=values["why"],
            by=user,
            at=clock.now(),
        )

    if not tried(form, propose):
        return _show(request, user, form)
    messages.success(request, "Proposed. It is booked when a second person agrees.")
    return redirect("staff:exchanges")


def _preview(form: ExchangeForm) -> Values:
    rate = form.rate()
    last = last_rate(sold=rate.sold.currency, bought=rate.bought.currency)
    changes = effects(rate)
    off = rate.permille_off(last) if last else 0
    return {
        **rate_words(rate),
        "last": last,
        "off": f"{off // 10:,}.{off % 10} %",
        "is_usual": is_usual(rate, last),
        "changes": changes,
        "missing": [each.missing for each in changes if each.missing],
        "fields": [(name, form.data.get(name, "")) for name in form.fields],
        "reference": form.cleaned_data["reference"],
    }


def rate_words(rate: Rate) -> Values:
    """An exchange in words: both amounts, the exact ratio, and decimals computed from it."""
    over, under = rate.ratio
    return {
        "sold": rate.sold,
        "bought": rate.bought,
        "rate": rate,
        "back": rate.turned(),
        "ratio": f"{over:,} {rate.bought.currency} : {under:,} {rate.sold.currency}",
    }


def _show(
    request: HttpRequest, user: User, form: ExchangeForm, preview: Values | None = None
) -> HttpResponse:
    mine = exchanges_of(visible_proposals(to=user)).select_related("proposed_by", "decided_by")
    page = page_of(request, mine)
    refs = [f"fx:{each.subject_id}" for each in page.rows if each.state == "approved"]
    booked: dict[str, list[Posting]] = {}
    for each in sides_of(visible_postings(to=user), refs=refs):
        booked.setdefault(each.external_ref, []).append(each)
    context = {
        "page": page,
        "rows": [_row(each, booked.get(f"fx:{each.subject_id}", [])) for each in page.rows],
        "form": form,
        "preview": preview,
        "acts": may(user, "finance"),
        "is_alone": len(currencies()) == 1,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "web/staff/exchanges.html", context, status=status)


def _row(row: Proposal, postings: list[Posting]) -> Values:
    return {
        "row": row,
        **rate_words(rate_of(row)),
        "badge": staff_badge(row.state),
        "postings": [
            {
                "url": reverse("staff:posting", args=[each.pk]),
                "word": f"{each.currency} {each.kind.removeprefix('fx_')}",
            }
            for each in postings
        ],
    }
