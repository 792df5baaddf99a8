"""What a client may not move for now, and until when (MONEY 9, row 19; 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from marketplace.kit.money import Money, zero
from marketplace.organizations.models import Organization
from payouts.models import Chargeback, Invoice
from payouts.selectors.terms import overdue

_WHY = {
    "warning": "A bank asks about a payment of yours",
    "open": "A bank is taking back a payment of yours",
}
_COUNTS = Q(state__in=_WHY) | Q(lost_to_us_minor__gt=0)


@dataclass(frozen=True, slots=True)
class Freeze:
    """A part of a client's money that has to stay: `why` and `until` are for the client to read."""

    amount: Money
    why: str
    until: str

    @property
    def words(self) -> str:
        """A whole sentence."""
        return f"{self.why}, so it stays {self.until}."


def told(held: Sequence[Freeze]) -> list[str]:
    """A sentence for each part; with its amount where there is more than one."""
    if len(held) == 1:
        return [held[0].words]
    return [f"{each.amount}: {each.words}" for each in held]


def frozen(organization: Organization, currency: str, *, at: datetime) -> Money:
    """The amount below which the client may not allocate, reserve or get money back."""
    held = freezes(organization, currency, at=at)
    return sum((each.amount for each in held), start=zero(currency))


def freezes(organization: Organization, currency: str, *, at: datetime) -> list[Freeze]:
    """What makes up `frozen`, the oldest first."""
    late = overdue(organization, currency, at=at)
    unpaid = [Freeze(late, "An invoice is overdue", "until it is paid")] if late else []
    rows = Chargeback.objects.filter(organization=organization, currency=currency)
    counted = list(rows.filter(_COUNTS).order_by("opened_at", "id"))
    return _contested(counted, currency) + _lost(counted, currency) + unpaid


def contested_currencies(organization: Organization, *, at: datetime) -> list[str]:
    """Where something may have to stay, in one statement; `frozen` says how much."""
    contested = Chargeback.objects.filter(_COUNTS, organization=organization).order_by()
    late = Invoice.objects.filter(
        organization=organization, purpose="credit", state="open", due_at__lt=at
    )
    found = contested.values_list("currency").union(late.order_by().values_list("currency"))
    return sorted(code for (code,) in found)


def _lost(rows: Sequence[Chargeback], currency: str) -> list[Freeze]:
    ours = sum(row.lost_to_us_minor for row in rows)
    why, until = "A bank took back a payment that your work had used", "to make up for it"
    return [Freeze(Money(ours, currency), why, until)] if ours else []


def _contested(rows: Sequence[Chargeback], currency: str) -> list[Freeze]:
    return [
        Freeze(
            Money(row.amount_minor, currency),
            _WHY[row.state],
            _decided(row.evidence_due_at),
        )
        for row in rows
        if row.state in _WHY
    ]


def _decided(due: datetime | None) -> str:
    if due is None:
        return "until the bank has decided"
    return f"until the bank has decided; evidence is due on {due.day} {due:%B %Y}"
