"""Where an expert's money is and when it moves next, amount by amount."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Min

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import Earning
from payouts.selectors.earnings import Balance, expert_balance
from payouts.selectors.limits import payout_minimum


@dataclass(frozen=True, slots=True)
class OwnMoney:
    """One currency of an expert: balances, when the next hold ends, and the least payout.

    `missing` is what available money lacks to it; the run takes the money once that is zero.
    """

    balance: Balance
    next_release: datetime | None
    minimum: Money
    missing: Money


def own_money(expert: Expert, currency: str, *, at: datetime) -> OwnMoney:
    """The expert's money in one currency at `at`."""
    balance = expert_balance(expert, currency)
    held = Earning.objects.filter(expert=expert, currency=currency, state="pending")
    minimum = payout_minimum(currency=currency, country=expert.country, at=at)
    return OwnMoney(
        balance=balance,
        next_release=held.aggregate(first=Min("available_at"))["first"],
        minimum=minimum,
        missing=max(minimum - balance.available, Money(0, currency)),
    )


def own_currencies(expert: Expert) -> list[str]:
    """Those the instance pays out, then others in which the expert has earned."""
    known = list(settings.PAYOUT_MINIMUM)
    earned = Earning.objects.filter(expert=expert).order_by().values_list("currency", flat=True)
    return known + sorted(set(earned.distinct()) - set(known))
