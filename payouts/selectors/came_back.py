"""Payouts that were sent and did not stay: reversed, or refused by the expert's bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import BigIntegerField, OuterRef, Q, Subquery, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from marketplace.events.models import Event
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import PayoutItem

CAME_BACK = "payout.came_back"


@dataclass(frozen=True, slots=True)
class CameBack:
    """One return of sent money: its own id, of which payout, how much, when and why.

    `cause` is one of reversed, bank_returned and sent_less.
    """

    reversal_id: str
    payout_id: UUID
    amount: Money
    at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Unpaid:
    """Of earnings that were sent: minor units that are owed anew, and those the bank refused."""

    owed_anew: dict[UUID, int]
    returned: dict[UUID, int]


def came_back_of(expert: Expert) -> list[CameBack]:
    """Every reversal of a transfer to the expert, the oldest first."""
    rows = Event.objects.filter(expert=expert.pk, kind=CAME_BACK).order_by("id")
    return [
        CameBack(
            each.data["reversal"],
            each.object_id,
            Money(each.data["minor"], each.data["currency"]),
            each.occurred_at,
            each.data.get("cause", "reversed"),
        )
        for each in rows
    ]


def unpaid_of(expert: Expert) -> Unpaid:
    """What did not stay with the expert, by earning. A part that came back is of the first items.

    What is owed anew is an earning of its own, `reversal:<id>`; counting both counts it twice.
    """
    events = Event.objects.filter(expert=expert.pk, kind=CAME_BACK).order_by()
    sums = events.filter(object_id=OuterRef("payout_id")).values("object_id")
    minor = Sum(Cast(KT("data__minor"), BigIntegerField()))
    rows = PayoutItem.objects.filter(payout__expert=expert, is_live=True).filter(
        Q(payout__in=events.values("object_id")) | Q(payout__state__in=["reversed", "bank_failed"])
    )
    items = rows.annotate(back=Subquery(sums.annotate(minor=minor).values("minor")))
    parts: dict[UUID, int] = {}
    found = Unpaid({}, {})
    for item in items.select_related("payout").order_by("payout", "pk"):
        parts.setdefault(item.payout_id, int(item.back or 0))
        back = min(parts[item.payout_id], item.amount_minor)
        if item.payout.state == "reversed":
            back = item.amount_minor
        parts[item.payout_id] -= back
        if back:
            found.owed_anew[item.earning_id] = back
        if item.payout.state == "bank_failed" and back < item.amount_minor:
            found.returned[item.earning_id] = item.amount_minor - back
    return found
