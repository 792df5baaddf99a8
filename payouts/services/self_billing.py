"""Self-billing notes: the operator writes the expert's invoice, once the expert has agreed.

Agreement and wording after art. 224 and 226(10a) of Council Directive 2006/112/EC; elsewhere the
note is a plain record of what was paid.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction

from payouts.models import Document, PayeeProfile
from payouts.selectors.parties import expert_party, the_operator
from payouts.selectors.vat import vat_of
from payouts.services.documenting import issue_document

_KINDS = ("transfer_made", "transfer_reversed")


def make_notes(*, month: date, at: datetime) -> int:
    """A note for every statement of the month with payouts after its expert agreed; how many.

    A sequence, one transaction each; repeat it freely. A transfer that came back is a line of the
    month in which it did; a month in which more came back than went out makes a credit note.
    """
    agreed = PayeeProfile.objects.filter(agreed_to_notes_at__isnull=False)
    rows = Document.objects.filter(
        kind="statement", period_from=month.replace(day=1), expert__in=agreed.values("expert")
    )
    made = 0
    for pk in rows.order_by("pk").values_list("pk", flat=True):
        statement = Document.objects.select_related("expert").get(pk=pk)
        if not Document.objects.filter(key=_key(statement)).exists():
            with transaction.atomic():
                made += _make(statement, at) is not None
    return made


def _make(statement: Document, at: datetime) -> Document | None:
    expert = statement.expert
    assert expert is not None  # filtered
    assert statement.period_from is not None  # as every statement
    assert statement.period_until is not None
    agreed_at = expert.payee_profile.agreed_to_notes_at
    lines = _lines(statement, agreed_at) if agreed_at else []
    minor = sum(line["minor"] for line in lines)
    if not lines:
        return None
    seller, buyer = expert_party(expert), the_operator()
    vat = vat_of(abs(minor), seller=seller, buyer=buyer, at=at)
    sign = 1 if minor >= 0 else -1
    return issue_document(
        kind="self_billing_note" if minor >= 0 else "credit_note",
        key=_key(statement),
        expert=expert,
        currency=statement.currency,
        body={
            "seller": seller.on_paper(),
            "buyer": buyer.on_paper(),
            "statement": statement.number,
            "lines": lines,
            "total": {"minor": minor},
            "vat": {
                **vat.on_paper(),
                "net_minor": sign * vat.net_minor,
                "vat_minor": sign * vat.vat_minor,
            },
            "note": "Self-billing: issued by the buyer in the name of the seller, who agreed.",
        },
        at=at,
        period=(statement.period_from, statement.period_until),
    )


def _lines(statement: Document, agreed_at: datetime) -> list[dict[str, Any]]:  # Any: JSON
    found = []
    for line in statement.body["movements"]:
        if line["kind"] in _KINDS and datetime.fromisoformat(line["at"]) >= agreed_at:
            paid = line["kind"] == "transfer_made"
            text = f"Expert work, paid {line['at'][:10]}" if paid else "A payment that came back"
            found.append({"text": text, "source": line["source"], "minor": -line["minor"]})
    return found


def _key(statement: Document) -> str:
    return f"note:{statement.expert_id}:{statement.period_from:%Y-%m}:{statement.currency}"
