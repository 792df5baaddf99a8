"""The amounts at the top of the Earnings page; each leads to the lines it is the sum of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketplace.kit.money import zero
from marketplace.organizations.selectors import workforce_of
from marketplace.people.models import Expert
from payouts.selectors.limits import Limits
from payouts.selectors.own_money import own_money
from payouts.services.scheduling import next_opening
from tasks.access import own_assignments
from tasks.selectors.rates import UNKNOWN, OwnWork, own_work


def pots_of(
    expert: Expert,
    *,
    releases: Mapping[str, datetime | None],
    limits: Mapping[str, Limits],
    is_employee: bool,
    at: datetime,
) -> list[dict[str, Any]]:  # Any: template values
    """Per currency: in review, in hold, available, on its way, paid, owed, and what comes next."""
    pots, work = [], own_work(own_assignments(to=expert.user))
    reviewed = [currency for currency, own in work.items() if own.answers]
    money = own_money(expert, releases=releases, limits=limits, also=reviewed, at=at)
    for currency, found in money.items():
        own = work.get(currency, OwnWork(zero(currency), 0, UNKNOWN))
        pots.append(
            {
                "currency": currency,
                "money": found,
                "is_late": found.next_release is not None and found.next_release <= at,
                "by_employer": is_employee
                or found.balance.with_employer.minor + found.balance.by_employer.minor > 0,
                "by_payout": not is_employee
                or found.balance.on_its_way.minor + found.balance.paid.minor > 0,
                "in_review": own.in_review,
                "answers": own.answers,
                "rate": own.rate,
                "next_run": next_opening(at=at),
            }
        )
    return pots


def is_paid_by_employer(expert: Expert, *, at: datetime) -> bool:
    """Whether today's work is paid by the expert's employer: no payout account is needed."""
    return workforce_of(expert, on=at.date()) == "employee"
