"""Which number of a rule counts at an instant: for a client, a currency, a country, a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, Q, QuerySet, Value, When

from marketplace.organizations.models import Organization
from payouts.models import Policy
from payouts.selectors.terms import billing_mode


def _one(names: Q) -> Case:
    return Case(When(names, then=Value(1)), default=Value(0))


_NAMED = (
    _one(~Q(currency=""))
    + _one(~Q(country=""))
    + _one(Q(organization__isnull=False))
    + _one(Q(year__isnull=False))
)


def policy_value(
    kind: str,
    *,
    at: datetime,
    currency: str = "",
    country: str = "",
    organization: Organization | None = None,
    year: int | None = None,
) -> int | None:
    """The number in effect at `at`; None where no row fits, so the setting or default counts.

    A row fits when everything it names is what is asked. The one that names most wins, then the
    newest in effect.
    """
    found = policy_values(
        [kind], at=at, currency=currency, country=country, organization=organization, year=year
    )
    return found.get(kind)


def policy_values(
    kinds: Sequence[str],
    *,
    at: datetime,
    currency: str = "",
    country: str = "",
    organization: Organization | None = None,
    year: int | None = None,
) -> dict[str, int]:
    """`policy_value` of several kinds in one statement; a kind that no row fits is not in it."""
    fits = Policy.objects.filter(
        Q(currency="") | Q(currency=currency),
        Q(country="") | Q(country=country),
        Q(organization=None) | Q(organization=organization),
        Q(year=None) | Q(year=year),
        kind__in=kinds,
        effective_at__lte=at,
    )
    best = fits.annotate(named=_NAMED).order_by("kind", "-named", "-effective_at", "-id")
    return dict(best.distinct("kind").values_list("kind", "value"))


def policies_for_year(kind: str, *, year: int, at: datetime) -> list[Policy]:
    """Every row that counts for a year and everybody, the one that names most first.

    The first that fits a currency and a country is the `policy_value` there.
    """
    rows = Policy.objects.filter(
        Q(year=None) | Q(year=year), kind=kind, organization=None, effective_at__lte=at
    )
    return list(rows.alias(named=_NAMED).order_by("-named", "-effective_at", "-id"))


def setting_of(kind: str, *, currency: str = "") -> int | None:
    """The number that counts where no row fits; None where there is none: no cap, no VAT."""
    if kind in ("payout_minimum", "cash_out_budget"):
        known = settings.PAYOUT_MINIMUM if kind == "payout_minimum" else settings.CASH_OUT_BUDGET
        return known.get(currency, 0)
    caps = {
        "payout_max_per_expert": settings.PAYOUT_MAX_PER_EXPERT,
        "payout_max_per_run": settings.PAYOUT_MAX_PER_RUN,
    }
    if kind in caps:
        return caps[kind].get(currency)
    rates = {
        "fee_basis_points": settings.FEE_BASIS_POINTS,
        "hold_hours": settings.PAYOUT_HOLD_HOURS,
    }
    return rates.get(kind)


def hold_for(*, organization: Organization | None, currency: str, at: datetime) -> timedelta:
    """How long an approval of this client waits before it is available."""
    hours = policy_value("hold_hours", at=at, currency=currency, organization=organization)
    return timedelta(hours=settings.PAYOUT_HOLD_HOURS if hours is None else hours)


def fee_rate_for(*, organization: Organization, currency: str, at: datetime) -> int:
    """The fee on top of pay that a new quote freezes, in basis points; nothing in house."""
    if billing_mode(organization, at=at) == "in_house":
        return 0
    rate = policy_value("fee_basis_points", at=at, currency=currency, organization=organization)
    return settings.FEE_BASIS_POINTS if rate is None else rate


def policies_in_effect(rows: QuerySet[Policy], *, at: datetime) -> list[Policy]:
    """Of these rows, the one that counts for each kind and scope at `at`."""
    scope = ("kind", "organization_id", "currency", "country", "year")
    newest = rows.filter(effective_at__lte=at).order_by(*scope, "-effective_at", "-id")
    return list(newest.distinct(*scope).select_related("organization", "made_by"))
