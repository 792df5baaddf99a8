"""The books to read: trial balance, accounts, their entries, and what each posting came from."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from marketplace.kit.errors import NotFound
from marketplace.kit.money import Money
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff
from payouts.access import (
    visible_accounts,
    visible_entries,
    visible_payouts,
    visible_postings,
)
from payouts.models import Account, Earning, Entry, Payout, PayoutAttempt, Posting
from payouts.models.chart import CHART
from payouts.selectors.books import Line, trial_balance

Values = dict[str, Any]  # Any: template values
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
    """One account: every entry with the balance after it."""
    rows = visible_accounts(to=user).filter(pk=account_id)
    found = rows.select_related("organization", "expert").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such account.")
    entries: QuerySet[Entry] = visible_entries(to=user).filter(account=found)
    page = page_of(request, entries.select_related("posting"))
    context = {
        **_account(found),
        "page": page,
        "rows": [_entry(each, found.currency) for each in page.rows],
    }
    return render(request, "web/staff/account.html", context)


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
        "payout": _payout_of(found, user),
        "earnings": [_earning(each) for each in listed[:EARNINGS_SHOWN]],
        "more": len(listed) > EARNINGS_SHOWN,
    }
    return render(request, "web/staff/posting.html", context)


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


def _payout_of(found: Posting, user: User) -> Values | None:
    """The payout that a posting's key names, directly or by its attempt."""
    prefix, _, rest = found.key.partition(":")
    key = _uuid(rest.partition(":")[0])
    if key is None or prefix not in ("payout", "payout_release", "carry", "transfer"):
        return None
    rows: QuerySet[Payout] = visible_payouts(to=user).select_related("expert")
    if prefix == "transfer":
        rows = rows.filter(pk__in=PayoutAttempt.objects.filter(pk=key).values("payout"))
    else:
        rows = rows.filter(pk=key)
    row = rows.order_by("pk").first()
    if row is None:
        return None
    return {
        "words": f"{Money(row.amount_minor, row.currency)} to {row.expert.pseudonym}",
        "url": reverse("staff:payout", args=[row.pk]),
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
