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


def own_currencies(expert: Expert) -> list[str]:
    """Those the expert has earned in; before the first earning the instance's first."""
    earned = Earning.objects.filter(expert=expert).order_by("currency").values_list("currency")
    return [code for (code,) in earned.distinct()] or [settings.CURRENCIES[0]]


def own_money(
    expert: Expert,
    *,
    at: datetime,
    limits: Mapping[str, Limits] | None = None,
    also: Collection[str] = (),
) -> dict[str, OwnMoney]:
    """The expert's money by currency: those ever earned in and `also`, or the instance's first.

    `limits` are those that are known already; the others are read.
    """
    held = Min("available_at", filter=Q(state="pending"))
    earned = Earning.objects.filter(expert=expert).order_by().values("currency")
    next_release = dict(earned.annotate(first=held).values_list("currency", "first"))
    return {
        currency: _one(expert, currency, next_release.get(currency), (limits or {}), at)
        for currency in sorted({*next_release, *also} or {settings.CURRENCIES[0]})
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
