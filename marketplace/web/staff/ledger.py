"""The books to read: trial balance, accounts, their entries, and what each posting came from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from marketplace.kit.errors import NotFound
from marketplace.kit.money import Money
from marketplace.kit.tables import csv_lines
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff
from marketplace.web.staff.sources import source_of
from payouts.access import (
    visible_accounts,
    visible_balance_transactions,
    visible_entries,
    visible_postings,
)
from payouts.models import Account, Earning, Entry
from payouts.models.chart import CHART
from payouts.selectors.books import Line, balance_as_of, trial_balance
from payouts.selectors.exchanges import other_sides

Values = dict[str, Any]  # Any: template values
COLUMNS = (
    *("version", "effective_at", "written_at", "kind", "key", "external_ref"),
    *("debit_minor", "credit_minor", "balance_after_minor", "currency"),
)


class AsOfForm(forms.Form):
    """Which past of an account to show: what had happened before an instant, or a version."""

    instant = forms.DateTimeField(
        label="Before this instant, UTC",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}),
    )
    version = forms.IntegerField(
        label="Or up to this version", required=False, min_value=0, max_value=2**62
    )


EARNINGS_SHOWN = 25


@for_staff(*BOOKS)
def ledger(request: HttpRequest, _user: User) -> HttpResponse:
    """Debits and credits of every kind of account; both sums are the same in each currency."""
    grouped = groupby(trial_balance(), key=lambda line: line.currency)
    return render(
        request,
        "web/staff/ledger.html",
        {"currencies": [in_currency(code, list(lines)) for code, lines in grouped]},
    )


@for_staff(*BOOKS)
def accounts(request: HttpRequest, user: User) -> HttpResponse:
    """The accounts, of one kind and currency if asked for."""
    kind, currency = request.GET.get("kind", ""), request.GET.get("currency", "")
    rows = visible_accounts(to=user)
    rows = rows.filter(kind=kind) if kind in CHART else rows
    rows = rows.filter(currency=currency) if currency else rows
    page = page_of(request, rows.select_related("organization", "expert"))
    context = {
        "page": page,
        "rows": [_account(each) for each in page.rows],
        "kind": kind,
        "currency": currency,
        "kinds": tuple(CHART),
    }
    return render(request, "web/staff/accounts.html", context)


@for_staff(*BOOKS)
def account(request: HttpRequest, user: User, account_id: UUID) -> HttpResponse:
    """One account: every entry with the balance after it; as of an instant or of a version."""
    found = _find(user, account_id)
    form = AsOfForm(request.GET)
    entries, asked = _as_of(found, visible_entries(to=user).filter(account=found), form)
    page = page_of(request, entries.select_related("posting"))
    context = {
        **_account(found),
        "page": page,
        "rows": [_entry(each, found.currency) for each in page.rows],
        "form": form,
        "asked": asked,
        "query": request.GET.urlencode(),
    }
    return render(request, "web/staff/account.html", context, status=422 if form.errors else 200)


@for_staff(*BOOKS)
def entries_csv(request: HttpRequest, user: User, account_id: UUID) -> StreamingHttpResponse:
    """The entries that the page of the account shows, all of them, as CSV."""
    found = _find(user, account_id)
    rows = visible_entries(to=user).filter(account=found)
    entries, _ = _as_of(found, rows, AsOfForm(request.GET))
    listed = entries.select_related("posting").order_by("account_version")
    lines = csv_lines(COLUMNS, (_cells(each, found.currency) for each in listed.iterator(500)))
    name = f"{found.kind}-{found.currency}-{found.pk}.csv"
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@for_staff(*BOOKS)
def posting(request: HttpRequest, user: User, posting_id: UUID) -> HttpResponse:
    """One posting: its legs, and the rows it was made for."""
    rows = visible_postings(to=user).filter(pk=posting_id).select_related("reverses")
    found = rows.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such posting.")
    legs = visible_entries(to=user).filter(posting=found)
    joined = legs.select_related("account__organization", "account__expert").order_by("pk")
    earnings = found.earnings.select_related("expert").order_by("pk")
    listed = list(earnings[: EARNINGS_SHOWN + 1])
    context = {
        "posting": found,
        "legs": [{**_entry(each, found.currency), **_account(each.account)} for each in joined],
        "source": source_of(found, user),
        "others": other_sides(visible_postings(to=user), found),
        "author": _author(found.actor),
        "movements": [
            {"row": each, "net": Money(each.net_minor, each.currency)}
            for each in visible_balance_transactions(to=user).filter(posting=found).order_by("pk")
        ],
        "earnings": [_earning(each) for each in listed[:EARNINGS_SHOWN]],
        "more": len(listed) > EARNINGS_SHOWN,
    }
    return render(request, "web/staff/posting.html", context)


def _author(actor: UUID | None) -> str:
    """Whoever caused a posting; experts by their pseudonym."""
    if actor is None:
        return "a job"
    user = User.objects.filter(pk=actor).select_related("expert").order_by("pk").first()
    if user is None:
        return str(actor)
    return user.name if not hasattr(user, "expert") else user.expert.pseudonym


def _find(user: User, account_id: UUID) -> Account:
    rows = visible_accounts(to=user).filter(pk=account_id)
    found = rows.select_related("organization", "expert").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such account.")
    return found


def _as_of(
    found: Account, entries: QuerySet[Entry], form: AsOfForm
) -> tuple[QuerySet[Entry], Values | None]:
    """The entries that had happened by then, and the balance that they add up to."""
    if not form.is_valid():
        return entries, None
    instant, version = form.cleaned_data["instant"], form.cleaned_data["version"]
    if instant is not None:
        then = entries.filter(posting__effective_at__lt=instant)
        return then, {"instant": instant, "balance": balance_as_of(found, instant)}
    if version is not None:
        then = entries.filter(account_version__lte=version)
        last = then.order_by("-account_version").first()
        balance = Money(last.balance_after_minor if last else 0, found.currency)
        return then, {"version": version, "balance": balance}
    return entries, None


def _cells(row: Entry, currency: str) -> Iterator[object]:
    posting = row.posting
    yield from (row.account_version, posting.effective_at.isoformat())
    yield from (posting.created_at.isoformat(), posting.kind, posting.key, posting.external_ref)
    yield from (row.amount_minor if row.side == "D" else "",)
    yield from (row.amount_minor if row.side == "C" else "", row.balance_after_minor, currency)


def in_currency(code: str, lines: list[Line]) -> Values:
    """The trial balance of one currency: its lines, both sums, and whether they agree."""
    none = Money(0, code)
    debits = sum((each.debits for each in lines), none)
    credited = sum((each.credits for each in lines), none)
    return {
        "code": code,
        "lines": lines,
        "debits": debits,
        "credits": credited,
        "is_balanced": debits == credited,
    }


def _account(row: Account) -> Values:
    owner = row.organization.name if row.organization else ""
    owner = row.expert.pseudonym if row.expert else owner
    return {"account": row, "owner": owner, "balance": Money(row.balance_minor, row.currency)}


def _entry(row: Entry, currency: str) -> Values:
    amount = Money(row.amount_minor, currency)
    return {
        "entry": row,
        "debit": amount if row.side == "D" else "",
        "credit": amount if row.side == "C" else "",
        "after": Money(row.balance_after_minor, currency),
    }


def _earning(row: Earning) -> Values:
    return {"row": row, "amount": Money(row.pay_minor, row.currency)}
