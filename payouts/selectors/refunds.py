"""What of a client's money can go back, and through which payment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from marketplace.kit.money import Money, zero
from marketplace.organizations.models import Organization
from payouts.models import Chargeback, Funding, Refund
from payouts.selectors.budgets import wallet
from payouts.selectors.freezing import frozen
from payouts.selectors.terms import receivable

# Stripe refuses to give back what a bank contests or has taken.
_CONTESTED = ("warning", "open", "lost")
_DAY = timedelta(hours=24)


def refundable(organization: Organization, currency: str) -> list[tuple[Funding, Money]]:
    """Payments through Stripe and what is left of each to give back, the newest first."""
    return _left(organization, currency, but=_CONTESTED)


def by_card(organization: Organization, currency: str) -> Money:
    """What payments through Stripe may still claim back: `refundable` and what a bank contests."""
    left = _left(organization, currency, but=("lost",))
    return sum((each for _, each in left), start=zero(currency))


def _left(
    organization: Organization, currency: str, *, but: Sequence[str]
) -> list[tuple[Funding, Money]]:
    contested = Chargeback.objects.filter(funding=OuterRef("pk"), state__in=but)
    rows = Funding.objects.filter(
        ~Exists(contested),
        organization=organization,
        currency=currency,
        method="checkout",
        state="paid",
    ).annotate(
        back=Coalesce(Sum("refund_parts__amount_minor", filter=~Q(refund_parts__state="failed")), 0)
    )
    found = [(row, (row.received_minor or 0) - row.back) for row in rows]
    found.sort(key=lambda pair: (pair[0].paid_at, pair[0].pk), reverse=True)
    return [(row, Money(left, currency)) for row, left in found if left > 0]


def most_refundable(organization: Organization, currency: str, *, at: datetime) -> Money:
    """The most that the client can ask back now: free, not frozen, not owed, paid by Stripe."""
    free = wallet(organization, currency) - max(
        frozen(organization, currency, at=at), receivable(organization, currency)
    )
    by_stripe = sum((left for _, left in refundable(organization, currency)), start=zero(currency))
    return max(zero(currency), min(free, by_stripe))


def sent_alone(organization: Organization, currency: str, *, at: datetime) -> Money:
    """What was given back in the last 24 hours without a second person."""
    rows = Refund.objects.filter(
        organization=organization,
        currency=currency,
        approved_at__gt=at - _DAY,
        approved_by=None,
    )
    total = rows.aggregate(total=Sum("amount_minor"))["total"] or 0
    return Money(total, currency)
