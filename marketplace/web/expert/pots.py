"""The amounts at the top of the Earnings page; each leads to the lines it is the sum of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Sum

from marketplace.kit.money import Money
from marketplace.organizations.selectors import workforce_of
from marketplace.people.models import Expert
from payouts.selectors.own_money import own_currencies, own_money
from payouts.services.scheduling import next_opening
from tasks.access import own_assignments
from tasks.selectors.rates import UNKNOWN, rates_by

IN_REVIEW = ("awaiting_review", "changes_requested", "disputed")


def pots_of(expert: Expert, *, at: datetime) -> list[dict[str, Any]]:  # Any: template values
    """Per currency: in review, in hold, available, on its way, paid, owed, and what comes next."""
    reviewed = _in_review(expert)
    rates = rates_by(own_assignments(to=expert.user), key="expert")
    pots, is_employee = [], is_paid_by_employer(expert, at=at)
    for currency in sorted({*own_currencies(expert), *reviewed}):
        found = own_money(expert, currency, at=at)
        amount, count = reviewed.get(currency, (0, 0))
        pots.append(
            {
                "currency": currency,
                "money": found,
                "is_late": found.next_release is not None and found.next_release <= at,
                "by_employer": is_employee
                or found.balance.with_employer.minor + found.balance.by_employer.minor > 0,
                "by_payout": not is_employee
                or found.balance.on_its_way.minor + found.balance.paid.minor > 0,
                "in_review": Money(amount, currency),
                "answers": count,
                "rate": rates.get((expert.pk, currency), UNKNOWN),
                "next_run": next_opening(at=at),
            }
        )
    return pots


def is_paid_by_employer(expert: Expert, *, at: datetime) -> bool:
    """Whether today's work is paid by the expert's employer: no payout account is needed."""
    return workforce_of(expert, on=at.date()) == "employee"


def _in_review(expert: Expert) -> dict[str, tuple[int, int]]:
    """What approval in full would pay at most for work that nobody has decided, by currency."""
    rows = own_assignments(to=expert.user).filter(state__in=IN_REVIEW)
    paid = rows.exclude(engagement__pay_channel="none").values("batch__currency")
    sums = paid.annotate(minor=Sum("price_minor"), n=Count("pk")).order_by("batch__currency")
    return {row["batch__currency"]: (row["minor"], row["n"]) for row in sums}
