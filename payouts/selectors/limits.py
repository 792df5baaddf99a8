"""How little and how much a payout may be: policies first, then the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from marketplace.kit.money import Money
from payouts.models import Earning
from payouts.policy import payable_unit
from payouts.selectors.policies import policy_value, policy_values


@dataclass(frozen=True, slots=True)
class Limits:
    """What one expert's pay in one currency is held to; `most` is None for no cap."""

    minimum: Money
    most: Money | None
    cash_out_budget: Money
    hold: timedelta


def limits_for(*, currency: str, country: str, at: datetime) -> Limits:
    """The least and the most of a payout, the risk budget and the hold, in one statement."""
    rows = policy_values(
        ["payout_minimum", "payout_max_per_expert", "cash_out_budget", "hold_hours"],
        at=at,
        currency=currency,
        country=country,
    )
    most = rows.get("payout_max_per_expert", settings.PAYOUT_MAX_PER_EXPERT.get(currency))
    budget = rows.get("cash_out_budget", settings.CASH_OUT_BUDGET.get(currency, 0))
    return Limits(
        _minimum(rows.get("payout_minimum"), currency),
        None if most is None else Money(most, currency),
        Money(budget, currency),
        timedelta(hours=rows.get("hold_hours", settings.PAYOUT_HOLD_HOURS)),
    )


def payout_minimum(*, currency: str, at: datetime, country: str = "") -> Money:
    """What an expert needs to have before a run pays them; less is carried over."""
    value = policy_value("payout_minimum", at=at, currency=currency, country=country)
    return _minimum(value, currency)


def most_per_expert(*, currency: str, at: datetime) -> Money | None:
    """The most that one run pays one expert; None for no cap."""
    return _cap("payout_max_per_expert", settings.PAYOUT_MAX_PER_EXPERT, currency, at)


def most_per_run(*, currency: str, at: datetime) -> Money | None:
    """The most that one run pays altogether; None for no cap."""
    return _cap("payout_max_per_run", settings.PAYOUT_MAX_PER_RUN, currency, at)


def cash_out_budget(*, currency: str, at: datetime) -> Money:
    """How much pay may be out before its hold has passed; nothing unless it is set."""
    found = _cap("cash_out_budget", settings.CASH_OUT_BUDGET, currency, at)
    return found or Money(0, currency)


def paid_currencies(*, also: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The currencies of the instance, those that have a minimum, then those of `also`."""
    known = tuple(dict.fromkeys([*settings.CURRENCIES, *settings.PAYOUT_MINIMUM]))
    return (*known, *sorted(also.difference(known)))


def free_currencies() -> list[str]:
    """The currencies in which somebody has free money that a run could pay."""
    rows = Earning.objects.filter(state="available", pay_channel="stripe")
    return sorted(set(rows.order_by().values_list("currency", flat=True)))


def _minimum(value: int | None, currency: str) -> Money:
    least = settings.PAYOUT_MINIMUM.get(currency, 0) if value is None else value
    return Money(max(least, payable_unit(currency)), currency)


def _cap(kind: str, default: dict[str, int], currency: str, at: datetime) -> Money | None:
    value = policy_value(kind, at=at, currency=currency)
    value = default.get(currency) if value is None else value
    return None if value is None else Money(value, currency)
