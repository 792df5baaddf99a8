"""A receipt for every payment of a client."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, TextField, Value
from django.db.models.functions import Cast, Concat

from marketplace.kit.errors import NotFound
from payouts.models import Document, Funding
from payouts.selectors.parties import client_party, the_operator
from payouts.services.documenting import issue_document

_METHODS = {"checkout": "Payment through Stripe", "wire": "Bank transfer"}


@transaction.atomic
def issue_receipt(*, funding_id: UUID, at: datetime) -> Document:
    """The receipt of a payment, once. Raises NotFound while it is not paid."""
    rows = Funding.objects.filter(pk=funding_id, state="paid").select_related("organization")
    row = rows.order_by("pk").first()
    if row is None or row.paid_at is None or row.received_minor is None:
        raise NotFound("There is no such payment.")
    return issue_document(
        kind="receipt",
        key=f"receipt:{row.pk}",
        organization=row.organization,
        currency=row.currency,
        body={
            "seller": the_operator().on_paper(),
            "buyer": client_party(row.organization).on_paper(),
            "paid_at": row.paid_at.isoformat(),
            "payment": row.payment_intent or row.reference,
            "lines": [{"text": f"{_METHODS[row.method]}, received", "minor": row.received_minor}],
            "total": {"minor": row.received_minor},
        },
        at=at,
    )


def issue_missing_receipts(*, at: datetime) -> int:
    """A receipt for every payment that has none yet; how many. A sequence, for the beat."""
    key = Concat(Value("receipt:"), Cast(OuterRef("pk"), TextField()))
    issued = Document.objects.filter(kind="receipt", key=key)
    rows = Funding.objects.filter(~Exists(issued), state="paid").order_by("pk")
    missing = list(rows.values_list("pk", flat=True))
    for funding_id in missing:
        issue_receipt(funding_id=funding_id, at=at)
    return len(missing)
