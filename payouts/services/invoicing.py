"""Papers that ask a client for money: for a prepayment by bank transfer, or for what it drew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.models import BillingProfile, Document, Funding, Invoice
from payouts.selectors.parties import client_party, the_operator
from payouts.services.documenting import issue_document

PREPAYMENT_DAYS = 14
_NUMBER = re.compile(r"INV-\d{4}-\d{6}")
_VAT = "A payment on account. VAT is stated on the monthly fee invoice."


class BillingProfileMissing(DomainError):
    """An invoice has to say whom it asks: the client's legal name and address are not known."""

    code = "billing_profile_missing"
    status = 409


class InvoiceNotCovered(DomainError):
    """The payment is not of this client and currency, not confirmed, or less than was asked."""

    code = "invoice_not_covered"
    status = 409


@transaction.atomic
def issue_invoice(
    *,
    organization: Organization,
    purpose: str,
    amount: Money,
    lines: Sequence[dict[str, Any]],  # Any: JSON of a line: text, minor
    net_days: int,
    key: str,
    at: datetime,
    drawn_minor: int | None = None,
) -> Invoice:
    """Ask a client for `amount`, due `net_days` after `at`, once per key.

    `purpose` is `prepayment` (money into the wallet) or `credit` (what was drawn, up to
    `drawn_minor` of all draws ever). The lines add up to the amount, else ValueError.
    """
    if sum(line["minor"] for line in lines) != amount.minor:
        raise ValueError("the lines of an invoice add up to its amount")
    due_at = at + timedelta(days=net_days)
    document = issue_document(
        kind="invoice",
        key=f"invoice:{key}",
        organization=organization,
        currency=amount.currency,
        body={
            "purpose": purpose,
            "seller": the_operator().on_paper(),
            "buyer": client_party(organization).on_paper(),
            "lines": list(lines),
            "total": {"minor": amount.minor},
            "due_at": due_at.isoformat(),
            "pay_to": settings.OPERATOR["bank"],
            "vat": {"words": _VAT},
        },
        at=at,
    )
    invoice, is_new = Invoice.objects.get_or_create(
        document=document,
        defaults={
            "organization": organization,
            "purpose": purpose,
            "currency": amount.currency,
            "amount_minor": amount.minor,
            "drawn_minor": drawn_minor,
            "due_at": due_at,
        },
    )
    if is_new:
        _record("invoice.issued", invoice, at)
    return invoice


@transaction.atomic
def ask_for_invoice(
    *, organization: Organization, amount: Money, key: str, by: UUID, at: datetime
) -> Invoice:
    """A client asks for an invoice to pay into its wallet by bank transfer, once per key.

    Due after 14 days. Raises InvalidInput for nothing, BillingProfileMissing.
    """
    if amount.minor <= 0:
        problem = {"field": "amount", "problem": "Ask for more than nothing."}
        raise InvalidInput("Ask for more than nothing.", errors=[problem])
    if not BillingProfile.objects.filter(organization=organization).exists():
        raise BillingProfileMissing("Say first who you are: fill in the billing profile.")
    return issue_invoice(
        organization=organization,
        purpose="prepayment",
        amount=amount,
        lines=[{"text": "Payment into the wallet, by bank transfer", "minor": amount.minor}],
        net_days=PREPAYMENT_DAYS,
        key=f"prepayment:{organization.pk}:{by}:{key}",
        at=at,
    )


@transaction.atomic
def settle_invoice(*, invoice: Invoice, funding: Funding, at: datetime) -> Invoice:
    """A confirmed payment pays the prepayment invoice that it names; again changes nothing.

    Raises InvoiceNotCovered, IllegalTransition for an invoice that is void or paid by another.
    """
    row = _lock(invoice)
    if row.state == "paid" and row.funding_id == funding.pk:
        return row
    require_transition(Invoice.TRANSITIONS, row, "paid")
    received = funding.received_minor or 0
    same = (row.organization_id, row.currency) == (funding.organization_id, funding.currency)
    if row.purpose != "prepayment" or not same or received < row.amount_minor:
        asked = Money(row.amount_minor, row.currency)
        raise InvoiceNotCovered(f"{row.document.number} asks for {asked}; this does not cover it.")
    row.state, row.funding, row.ended_at = "paid", funding, at
    row.save(update_fields=["state", "funding", "ended_at"])
    _record("invoice.paid", row, at)
    return row


@transaction.atomic
def settle_named_invoice(*, funding_id: UUID, at: datetime) -> Invoice | None:
    """Pay the open prepayment invoice whose number stands in a confirmed wire's reference.

    None where it names none of that client's, or does not cover it: the invoice then stays open.
    """
    funding = Funding.objects.get(pk=funding_id)
    named = _NUMBER.findall(funding.reference.upper())
    rows = Invoice.objects.filter(
        document__number__in=named, organization=funding.organization_id, state="open"
    )
    found = rows.order_by("pk").first()
    if found is None:
        return None
    try:
        return settle_invoice(invoice=found, funding=funding, at=at)
    except InvoiceNotCovered:
        return None


@transaction.atomic
def void_invoice(*, invoice: Invoice, why: str, by: User, at: datetime) -> Document:
    """Take back an unpaid prepayment invoice, with a credit note that says why.

    Raises IllegalTransition when it is paid or void, InvalidInput without a reason or for an
    invoice of credit, which stands until it is paid.
    """
    row = _lock(invoice)
    require_transition(Invoice.TRANSITIONS, row, "void")
    if not why.strip() or row.purpose != "prepayment":
        problem = {"field": "why", "problem": "Only a prepayment is taken back, and with a reason."}
        raise InvalidInput("Say why this invoice is taken back.", errors=[problem])
    row.state, row.ended_at = "void", at
    row.save(update_fields=["state", "ended_at"])
    _record("invoice.voided", row, at, by=by.pk)
    words = f"{row.document.number} is taken back: {why.strip()[:300]}"
    return issue_document(
        kind="credit_note",
        key=f"void:{row.pk}",
        organization=row.organization,
        currency=row.currency,
        body={
            "seller": row.document.body["seller"],
            "buyer": row.document.body["buyer"],
            "credits": row.document.number,
            "lines": [{"text": words, "minor": -row.amount_minor}],
            "total": {"minor": -row.amount_minor},
            "vat": {"words": _VAT},
        },
        at=at,
    )


def _lock(invoice: Invoice) -> Invoice:
    rows = Invoice.objects.select_for_update(of=("self",))
    return rows.select_related("document", "organization").get(pk=invoice.pk)


def _record(kind: str, row: Invoice, at: datetime, by: UUID | None = None) -> None:
    record(
        kind,
        at=at,
        object_kind="invoice",
        object_id=row.pk,
        actor=by,
        organization=row.organization_id,
        data={"minor": row.amount_minor, "currency": row.currency},
    )
