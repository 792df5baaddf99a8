"""How a numbered paper is shown: as a page to print, as CSV, as the JSON that was hashed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render

from marketplace.kit.countries import COUNTRIES
from marketplace.kit.errors import NotFound
from marketplace.kit.money import Money
from marketplace.kit.tables import csv_lines
from payouts.models import Document, Invoice

Values = dict[str, Any]  # Any: template values
TITLES = {
    "statement": "Statement",
    "receipt": "Receipt",
    "invoice": "Invoice",
    "fee_invoice": "Fee invoice",
    "credit_note": "Credit note",
    "self_billing_note": "Self-billing note",
}
COLUMNS = ("at", "words", "source", "amount_minor", "currency", "amount")
# What the provider or the database calls a thing.
_ID = re.compile(r"^[a-z]{2,4}_\w{6,}$|[0-9a-f]{8}-[0-9a-f]{4}-")
_PARTS = {
    "wallet": "in the wallet",
    "escrow": "given to projects",
    "reserved": "reserved for batches",
    "overrun": "pool for extra answers",
    "refund_in_transit": "being refunded",
    "client_receivable": "owed on credit",
    "expert_pending": "on hold",
    "expert_available": "available",
    "payout_in_transit": "on its way",
    "payroll_payable": "waiting for the employer",
    "expert_receivable": "owed back",
}


def paper_row(paper: Document) -> Values:
    """A paper in a list."""
    return {
        "paper": paper,
        "title": TITLES[paper.kind],
        "period": paper.period_from,
        "amount": Money(_sum(paper), paper.currency),
    }


def show_paper(
    request: HttpRequest,
    paper: Document,
    *,
    back_url: str,
    file_urls: Sequence[tuple[str, str]],
    names: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The page to read and to print; `file_urls` are (words, address) of its other forms.

    With `names`, a source is shown by its name and ids are left to the files.
    """
    body = paper.body
    context = {
        **paper_row(paper),
        "back_url": back_url,
        "file_urls": file_urls,
        "owner_name": owner_name(paper),
        "is_statement": paper.kind == "statement",
        "seller": _party(body.get("seller")),
        "buyer": _party(body.get("buyer")),
        "lines": [_line(line, paper.currency, names) for line in _lines(body)],
        "total": Money(_sum(paper), paper.currency),
        "opening": _money(body.get("opening"), paper.currency),
        "parts": _parts(body, paper.currency),
        "vat": _vat(body.get("vat"), paper.currency),
        "due_at": _instant(body.get("due_at")),
        "paid_at": _instant(body.get("paid_at")),
        "invoice": Invoice.objects.filter(pk=paper.pk).order_by("pk").first(),
    }
    return render(request, "web/paper.html", context)


def paper_file(
    paper: Document, form: str, *, names: Mapping[str, str] | None = None
) -> HttpResponseBase:
    """The paper as `json`, exactly the bytes that were hashed, or as `csv`. Raises NotFound.

    In CSV a source that has a name is called by it.
    """
    headers = {"Content-Disposition": f'attachment; filename="{paper.number}.{form}"'}
    if form == "json":
        return HttpResponse(paper.canonical, content_type="application/json", headers=headers)
    if form == "csv":
        return StreamingHttpResponse(
            csv_lines(COLUMNS, _cells(paper, names or {})),
            content_type="text/csv; charset=utf-8",
            headers=headers,
        )
    raise NotFound("There is no such file.")


def owner_name(paper: Document) -> str:
    """Whose paper it is, by the name that staff know."""
    if paper.organization is not None:
        return paper.organization.name
    assert paper.expert is not None  # constraint document_has_one_owner
    return paper.expert.display_name


def _party(party: Values | None) -> Values | None:
    if party is None:
        return None
    code = party.get("country", "")
    return {**party, "country": COUNTRIES.get(code, code)}


def _lines(body: Values) -> list[Values]:
    lines: list[Values] = body["movements"] if "movements" in body else body["lines"]
    return lines


def _sum(paper: Document) -> int:
    part: Values = paper.body["closing"] if paper.kind == "statement" else paper.body["total"]
    return int(part["minor"])


def _subject(line: Values) -> str:
    """What the line is about: the key of an earning, else its source."""
    return str(line.get("key") or line.get("source", ""))


def _line(line: Values, currency: str, names: Mapping[str, str] | None) -> Values:
    fee, source = line.get("fee_minor"), line.get("source", "")
    if names is not None:
        source = names.get(_subject(line), "" if _ID.search(source) else source)
    return {
        "at": _instant(line.get("at")),
        "words": line.get("words") or line["text"],
        "source": source,
        "amount": Money(line["minor"], currency),
        "fee": Money(fee, currency) if fee else "",
    }


def _cells(paper: Document, names: Mapping[str, str]) -> Iterator[tuple[object, ...]]:
    currency = paper.currency
    opening = _money(paper.body.get("opening"), currency)
    if opening is not None:
        yield ("", "Opening balance", "", opening.minor, currency, _plain(opening))
    for line in _lines(paper.body):
        money = Money(line["minor"], currency)
        words = line.get("words") or line["text"]
        source = names.get(_subject(line), line.get("source", ""))
        yield (line.get("at", ""), words, source, money.minor, currency, _plain(money))
    total = Money(_sum(paper), currency)
    words = "Total" if opening is None else "Closing balance"
    yield ("", words, "", total.minor, currency, _plain(total))


def _plain(money: Money) -> str:
    return str(money).removesuffix(f" {money.currency}").replace(",", "")


def _parts(body: Values, currency: str) -> list[Values]:
    parts = body["closing"]["parts"] if "closing" in body else {}
    return [
        {"words": _PARTS[kind], "amount": Money(minor, currency)}
        for kind, minor in sorted(parts.items())
    ]


def _vat(vat: Values | None, currency: str) -> Values | None:
    if not vat:
        return None
    if "vat_minor" not in vat:
        return {"words": vat["words"]}
    net, tax = Money(vat["net_minor"], currency), Money(vat["vat_minor"], currency)
    return {"words": vat["words"], "net": net, "tax": tax}


def _money(part: Values | None, currency: str) -> Money | None:
    return None if part is None else Money(part["minor"], currency)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
