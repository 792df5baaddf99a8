"""How little and how much a payout may be: policies first, then the settings."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from marketplace.kit.money import Money
from payouts.models import Earning
from payouts.policy import payable_unit
from payouts.selectors.policies import policy_value


def payout_minimum(*, currency: str, at: datetime, country: str = "") -> Money:
    """What an expert needs to have before a run pays them; less is carried over."""
    value = policy_value("payout_minimum", at=at, currency=currency, country=country)
    if value is None:
        value = settings.PAYOUT_MINIMUM.get(currency, 0)
    return Money(max(value, payable_unit(currency)), currency)


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
    """The currencies that have a minimum, then those of `also`."""
    known = tuple(settings.PAYOUT_MINIMUM)
    return (*known, *sorted(also.difference(known)))


def free_currencies() -> list[str]:
    """The currencies in which somebody has free money that a run could pay."""
    rows = Earning.objects.filter(state="available", pay_channel="stripe")
    return sorted(set(rows.order_by().values_list("currency", flat=True)))


def _cap(kind: str, default: dict[str, int], currency: str, at: datetime) -> Money | None:
    value = policy_value(kind, at=at, currency=currency)
    value = default.get(currency) if value is None else value
    return None if value is None else Money(value, currency)
