"""Papers that ask a client for money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from payouts.models import Invoice
from payouts.services.documenting import issue_document


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
) -> Invoice:
    """Ask a client for `amount`, due `net_days` after `at`, once per key.

    `purpose` is `prepayment` (money into the wallet) or `credit` (what was drawn).
    """
    due_at = at + timedelta(days=net_days)
    body = {
        "purpose": purpose,
        "minor": amount.minor,
        "currency": amount.currency,
        "lines": list(lines),
        "due_at": due_at.isoformat(),
    }
    document = issue_document(
        kind="invoice",
        key=f"invoice:{key}",
        organization=organization,
        currency=amount.currency,
        body=body,
        at=at,
    )
    invoice, _ = Invoice.objects.get_or_create(
        document=document,
        defaults={
            "organization": organization,
            "purpose": purpose,
            "currency": amount.currency,
            "amount_minor": amount.minor,
            "due_at": due_at,
        },
    )
    return invoice
