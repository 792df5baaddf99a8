"""Numbered papers: once per key, numbers without a gap, and the hash of exactly what was said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.gateways.chosen import gateway
from payouts.models import Document, DocumentSeries

PREFIXES = {
    "statement": "STM",
    "receipt": "REC",
    "invoice": "INV",
    "fee_invoice": "FEE",
    "credit_note": "CRN",
    "self_billing_note": "SBN",
}
Body = Mapping[str, Any]  # Any: JSON of the paper


class DocumentKeyReused(DomainError):
    """The key already stands for a paper of another kind, owner or currency. A caller's bug."""

    code = "document_key_reused"
    status = 422


@transaction.atomic
def issue_document(
    *,
    kind: str,
    key: str,
    organization: Organization | None = None,
    expert: Expert | None = None,
    currency: str,
    body: Body,
    at: datetime,
    period: tuple[date, date] | None = None,
) -> Document:
    """Make one paper for one client or one expert, once per key.

    Its number is the next of its kind and year (UTC); a rollback leaves no gap. `period` is half
    open. Number, dates and whether it is of a sandbox become part of the body. Until the end of
    the transaction nobody else gets a number of that series, so call it last. Raises
    DocumentKeyReused, TypeError for a number that is not whole.
    """
    _require_whole(body)
    wanted = Document(
        kind=kind, key=key, organization=organization, expert=expert, currency=currency
    )
    series = _lock_series(kind, at.year)
    found = Document.objects.filter(key=key).order_by("pk").first()
    if found is not None:
        return _same(found, wanted)
    wanted.number = f"{PREFIXES[kind]}-{at.year}-{series.last + 1:06d}"
    wanted.livemode, wanted.issued_at = gateway().is_live, at
    wanted.period_from, wanted.period_until = period or (None, None)
    wanted.body = {**body, **_head(wanted)}
    wanted.sha256 = hashlib.sha256(wanted.canonical).hexdigest()
    wanted.save(force_insert=True)
    series.last += 1
    series.save(update_fields=["last"])
    _record(wanted)
    return wanted


def _lock_series(kind: str, year: int) -> DocumentSeries:
    DocumentSeries.objects.bulk_create(
        [DocumentSeries(kind=kind, year=year)], ignore_conflicts=True
    )
    return DocumentSeries.objects.select_for_update().get(kind=kind, year=year)


def _same(found: Document, wanted: Document) -> Document:
    terms = ("kind", "organization_id", "expert_id", "currency")
    if any(getattr(found, term) != getattr(wanted, term) for term in terms):
        raise DocumentKeyReused(f"{wanted.key} is {found.number} already.", number=found.number)
    return found


def _head(row: Document) -> dict[str, Any]:  # Any: JSON of the paper
    head: dict[str, Any] = {
        "kind": row.kind,
        "number": row.number,
        "currency": row.currency,
        "issued_at": row.issued_at.isoformat(),
        "mode": "live" if row.livemode else "sandbox",
    }
    if row.period_from and row.period_until:
        head["period"] = {
            "from": row.period_from.isoformat(),
            "until": row.period_until.isoformat(),
        }
    return head


def _require_whole(value: object) -> None:
    if isinstance(value, Mapping):
        for key, each in value.items():
            if not isinstance(key, str):
                raise TypeError("the keys of a paper are text")
            _require_whole(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _require_whole(each)
    elif not isinstance(value, str | int | None):
        raise TypeError(f"a paper holds text and whole numbers, not {type(value).__name__}")


def _record(row: Document) -> None:
    record(
        "document.issued",
        at=row.issued_at,
        object_kind="document",
        object_id=row.id,
        organization=row.organization_id,
        expert=row.expert_id,
        data={"kind": row.kind, "number": row.number, "sha256": row.sha256},
    )
