"""The platform's fee on paper: an invoice per client and month, a credit note for what went back.

Both repeat what the statement of the month has counted, so a fee is invoiced once, also when it
was booked late.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import Q

from payouts.models import Document
from payouts.selectors.parties import client_party, the_operator
from payouts.selectors.vat import vat_of
from payouts.services.documenting import issue_document

_PAID = "Already taken from the budget; nothing is left to pay."


def make_fee_papers(*, month: date, at: datetime) -> int:
    """Fee invoices and credit notes for every client's statement of the month; how many are new.

    A sequence, one transaction each; repeat it freely.
    """
    rows = Document.objects.filter(kind="statement", period_from=month.replace(day=1))
    charged = Q(body__fees__charged_minor__gt=0) | Q(body__fees__returned_minor__gt=0)
    before = Document.objects.filter(kind__in=["fee_invoice", "credit_note"]).count()
    for pk in rows.filter(charged).order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            _make(Document.objects.select_related("organization").get(pk=pk), at)
    return Document.objects.filter(kind__in=["fee_invoice", "credit_note"]).count() - before


def _make(statement: Document, at: datetime) -> None:
    fees = statement.body["fees"]
    month = f"{statement.period_from:%B %Y}"
    if fees["charged_minor"]:
        text = f"Platform fee on approved work, {month}"
        _issue(statement, "fee_invoice", text, fees["charged_minor"], at)
    if fees["returned_minor"]:
        text = f"Platform fee returned for work taken back, {month}"
        _issue(statement, "credit_note", text, -fees["returned_minor"], at)


def _issue(statement: Document, kind: str, text: str, minor: int, at: datetime) -> Document:
    client = statement.organization
    assert client is not None  # statements with fees are of clients
    assert statement.period_from is not None  # as every statement
    assert statement.period_until is not None
    seller, buyer = the_operator(), client_party(client)
    vat = vat_of(abs(minor), seller=seller, buyer=buyer, at=at)
    sign = 1 if minor > 0 else -1
    return issue_document(
        kind=kind,
        key=f"{kind}:{client.pk}:{statement.period_from:%Y-%m}:{statement.currency}",
        organization=client,
        currency=statement.currency,
        body={
            "seller": seller.on_paper(),
            "buyer": buyer.on_paper(),
            "statement": statement.number,
            "lines": [{"text": text, "minor": minor}],
            "total": {"minor": minor},
            "vat": {
                **vat.on_paper(),
                "net_minor": sign * vat.net_minor,
                "vat_minor": sign * vat.vat_minor,
            },
            "note": _PAID if minor > 0 else "Already returned to the budget or the wallet.",
        },
        at=at,
        period=(statement.period_from, statement.period_until),
    )
