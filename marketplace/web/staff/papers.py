"""Papers for finance: search, what is overdue, and what each payee was paid in a year."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.kit.tables import csv_lines
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.papers import TITLES, owner_name, paper_file, paper_row, show_paper
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from payouts.access import visible_documents, visible_entries, visible_invoices
from payouts.models import Document, Invoice
from payouts.selectors.year_totals import YearTotal, year_totals
from payouts.services.invoicing import void_invoice

Values = dict[str, Any]  # Any: template values
OVERDUE_SHOWN, PAYEES_SHOWN, FIRST_YEAR = 10, 100, 2020
COLUMNS = (
    *("payee", "accounts", "name", "country", "currency", "gross_minor", "reversals_minor"),
    *("net_minor", "threshold_minor", "is_over_threshold"),
)


@for_staff(*BOOKS)
def papers(request: HttpRequest, user: User) -> HttpResponse:
    """Every paper, found by number or by whose it is; invoices that are overdue."""
    kind, words = request.GET.get("kind", ""), request.GET.get("q", "").strip()
    rows = visible_documents(to=user)
    rows = rows.filter(kind=kind) if kind in TITLES else rows
    page = page_of(request, _found(rows, words).select_related("organization", "expert"))
    overdue = visible_invoices(to=user).filter(state="open", due_at__lt=clock.now())
    listed = overdue.select_related("document", "organization").order_by("due_at", "pk")
    context = {
        "page": page,
        "rows": [{**paper_row(each), "owner_name": owner_name(each)} for each in page.rows],
        "kinds": TITLES.items(),
        "kind": kind,
        "q": words,
        "overdue": [_overdue(each) for each in listed[:OVERDUE_SHOWN]],
        "overdue_count": overdue.count(),
        "acts": may(user, "finance"),
    }
    return render(request, "web/staff/papers.html", context)


@for_staff(*BOOKS)
def paper(request: HttpRequest, user: User, paper_id: UUID) -> HttpResponse:
    """One paper as its owner sees it."""
    return show_paper(
        request,
        _find(user, paper_id),
        back_url=reverse("staff:papers"),
        file_urls=[
            (form.upper(), reverse("staff:paper_file", args=[paper_id, form]))
            for form in ("csv", "json")
        ],
    )


@for_staff(*BOOKS)
def download_paper(
    _request: HttpRequest, user: User, paper_id: UUID, form: str
) -> HttpResponseBase:
    """The same as a file."""
    return paper_file(_find(user, paper_id), form)


@money_act
def take_back_invoice(request: HttpRequest, user: User, paper_id: UUID) -> HttpResponse:
    """Void an unpaid prepayment invoice, with a credit note."""
    rows = visible_invoices(to=user).filter(pk=paper_id)
    invoice = rows.order_by("pk").first()
    if invoice is None:
        raise NotFound("There is no such invoice.")
    try:
        note = void_invoice(
            invoice=invoice, why=request.POST.get("why", ""), by=user, at=clock.now()
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, f"Taken back by the credit note {note.number}.")
    return redirect("staff:papers")


@for_staff(*BOOKS)
def years(request: HttpRequest, user: User) -> HttpResponse:
    """What each payee was paid in a year; totals only, no filing."""
    year = _year(request)
    totals = year_totals(visible_entries(to=user), year=year, at=clock.now())
    context = {
        "year": year,
        "years": range(clock.now().year, FIRST_YEAR - 1, -1),
        "zone": str(settings.TAX_TIME_ZONE),
        "rows": totals[:PAYEES_SHOWN],
        "count": len(totals),
        "over": sum(1 for each in totals if each.is_over_threshold),
    }
    return render(request, "web/staff/year_totals.html", context)


@for_staff(*BOOKS)
def download_year(request: HttpRequest, user: User) -> HttpResponseBase:
    """The same, everybody, as CSV."""
    year = _year(request)
    totals = year_totals(visible_entries(to=user), year=year, at=clock.now())
    return StreamingHttpResponse(
        csv_lines(COLUMNS, (_cells(each) for each in totals)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="year-totals-{year}.csv"'},
    )


def _found(rows: QuerySet[Document], words: str) -> QuerySet[Document]:
    if not words:
        return rows
    return rows.filter(
        Q(number__istartswith=words)
        | Q(organization__name__icontains=words)
        | Q(expert__display_name__icontains=words)
        | Q(expert__pseudonym__icontains=words)
    )


def _find(user: User, paper_id: UUID) -> Document:
    rows = visible_documents(to=user).filter(pk=paper_id)
    found = rows.select_related("organization", "expert").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such paper.")
    return found


def _overdue(row: Invoice) -> Values:
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.currency),
        "is_prepayment": row.purpose == "prepayment",
    }


def _year(request: HttpRequest) -> int:
    """The year asked for, else the current one."""
    text = request.GET.get("year", "")
    this = clock.now().year
    return int(text) if text.isdecimal() and FIRST_YEAR <= int(text[:5]) <= this else this


def _cells(row: YearTotal) -> Iterator[object]:
    yield row.expert_id
    yield " ".join(row.accounts)
    yield row.name
    yield row.country
    yield row.gross.currency
    yield row.gross.minor
    yield row.reversals.minor
    yield row.net.minor
    yield "" if row.threshold is None else row.threshold.minor
    yield "" if row.is_over_threshold is None else str(row.is_over_threshold).lower()
