"""What each payee was paid in a year, for whoever reports it. Totals only, no filing (MONEY 15).

A payment counts on the day it was made in TAX_TIME_ZONE, a reversal in the year it happens. What
an employer pays is not in it. Sums come from the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import ExtractYear

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import Entry, Payee, Policy
from payouts.selectors.policies import policies_for_year

# Minor units, by year, country and currency. United States: $600 through 2025, $2,000 for 2026,
# then indexed each year, so later years are a policy of the operator (Public Law 119-21, section
# 70433; 26 U.S.C. 6041, read 2026-11).
THRESHOLDS = {(2025, "US", "USD"): 60_000, (2026, "US", "USD"): 200_000}
# What was sent above the payout is paid too, and owed back.
PAID = Q(
    posting__kind="transfer_made",
    account__kind__in=["payout_in_transit", "expert_receivable"],
    side="D",
)
REVERSED = Q(posting__kind="transfer_reversed", account__kind="expert_available", side="C")


@dataclass(frozen=True, slots=True)
class YearTotal:
    """One payee's year in one currency. `threshold` is None where none is known."""

    expert_id: UUID
    name: str
    accounts: tuple[str, ...]
    country: str
    gross: Money
    reversals: Money
    threshold: Money | None

    @property
    def net(self) -> Money:
        """What was paid less what came back."""
        return self.gross - self.reversals

    @property
    def is_over_threshold(self) -> bool | None:
        """Whether the gross amount reaches the threshold; None where none is known."""
        return None if self.threshold is None else self.gross >= self.threshold


def year_bounds(year: int) -> tuple[datetime, datetime]:
    """The first instant of the year and of the next one, in TAX_TIME_ZONE."""
    zone = settings.TAX_TIME_ZONE
    return datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)


def _threshold(rules: Sequence[Policy], year: int, *, country: str, currency: str) -> Money | None:
    """From which gross amount a payee is reported: the operator's policy, else what ships."""
    fits = (
        rule.value
        for rule in rules
        if rule.currency in ("", currency) and rule.country in ("", country)
    )
    minor = next(fits, THRESHOLDS.get((year, country, currency)))
    return None if minor is None else Money(minor, currency)


def year_totals(rows: QuerySet[Entry], *, year: int, at: datetime) -> list[YearTotal]:
    """Everybody who was paid or paid back in the year, of these entries, by name."""
    sums, rules = _sums(rows, year), policies_for_year("year_threshold", year=year, at=at)
    experts = Expert.objects.in_bulk({expert for expert, _ in sums})
    payees = defaultdict(list)
    for payee in Payee.objects.filter(expert__in=experts).order_by("created_at", "pk"):
        payees[payee.expert_id].append(payee)
    names = {
        each.pk: each.payee_profile.legal_name
        for each in Expert.objects.filter(pk__in=experts, payee_profile__isnull=False)
        .select_related("payee_profile")
        .order_by("pk")
    }
    found = []
    for (expert_id, currency), (gross, reversals) in sums.items():
        own = payees[expert_id]
        country = own[-1].country if own else experts[expert_id].country
        found.append(
            YearTotal(
                expert_id=expert_id,
                name=names.get(expert_id, experts[expert_id].display_name),
                accounts=tuple(each.account_id for each in own if each.account_id),
                country=country,
                gross=gross,
                reversals=reversals,
                threshold=_threshold(rules, year, country=country, currency=currency),
            )
        )
    return sorted(found, key=lambda each: (each.name, str(each.expert_id), each.gross.currency))


def _sums(rows: QuerySet[Entry], year: int) -> dict[tuple[UUID, str], tuple[Money, Money]]:
    since, until = year_bounds(year)
    own = rows.filter(posting__effective_at__gte=since, posting__effective_at__lt=until)
    listed = (
        own.filter(PAID | REVERSED)
        .values("account__expert", "posting__currency")
        .annotate(
            gross=Sum("amount_minor", filter=PAID, default=0),
            reversals=Sum("amount_minor", filter=REVERSED, default=0),
        )
        .order_by("account__expert", "posting__currency")
    )
    return {
        (row["account__expert"], row["posting__currency"]): (
            Money(int(row["gross"]), row["posting__currency"]),
            Money(int(row["reversals"]), row["posting__currency"]),
        )
        for row in listed
    }


@dataclass(frozen=True, slots=True)
class OwnYear:
    """What one person was paid in one year and currency, and what of it went back."""

    year: int
    gross: Money
    reversals: Money


def own_years(rows: QuerySet[Entry]) -> list[OwnYear]:
    """The years of these entries, of one expert, newest first."""
    year = ExtractYear("posting__effective_at", tzinfo=settings.TAX_TIME_ZONE)
    listed = (
        rows.filter(PAID | REVERSED)
        .values("posting__currency", year=year)
        .annotate(
            gross=Sum("amount_minor", filter=PAID, default=0),
            reversals=Sum("amount_minor", filter=REVERSED, default=0),
        )
        .order_by("-year", "posting__currency")
    )
    return [
        OwnYear(
            row["year"],
            Money(int(row["gross"]), row["posting__currency"]),
            Money(int(row["reversals"]), row["posting__currency"]),
        )
        for row in listed
    ]
