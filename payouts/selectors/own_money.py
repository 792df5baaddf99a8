"""Where an expert's money is and when it moves next, amount by amount."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Min, Q

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import Earning
from payouts.selectors.earnings import Balance, expert_balance
from payouts.selectors.limits import Limits, limits_for


@dataclass(frozen=True, slots=True)
class OwnMoney:
    """One currency of an expert: balances, when the next hold ends, and the least payout.

    `missing` is what available money lacks to it; the run takes the money once that is zero.
    """

    balance: Balance
    next_release: datetime | None
    minimum: Money
    missing: Money


def next_releases(expert: Expert) -> dict[str, datetime | None]:
    """When the next hold ends, by each currency that the expert has earned in, in one statement.

    Before the first earning it is the instance's first currency.
    """
    held = Min("available_at", filter=Q(state="pending"))
    earned = Earning.objects.filter(expert=expert).order_by("currency").values("currency")
    found = dict(earned.annotate(first=held).values_list("currency", "first"))
    return found or {settings.CURRENCIES[0]: None}


def own_money(
    expert: Expert,
    *,
    at: datetime,
    releases: Mapping[str, datetime | None] | None = None,
    limits: Mapping[str, Limits] | None = None,
    also: Collection[str] = (),
) -> dict[str, OwnMoney]:
    """The expert's money by currency: those of `next_releases` and `also`.

    `releases` and `limits` are what is known already; the rest is read.
    """
    known = next_releases(expert) if releases is None else releases
    return {
        currency: _one(expert, currency, known.get(currency), (limits or {}), at)
        for currency in sorted({*known, *also})
    }


def _one(
    expert: Expert,
    currency: str,
    next_release: datetime | None,
    limits: Mapping[str, Limits],
    at: datetime,
) -> OwnMoney:
    balance = expert_balance(expert, currency)
    known = limits.get(currency) or limits_for(currency=currency, country=expert.country, at=at)
    missing = max(known.minimum - balance.available, Money(0, currency))
    return OwnMoney(balance, next_release, known.minimum, missing)
