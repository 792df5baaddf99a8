"""Year totals: by payment date in the tax time zone, reversals in the year they happen."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from marketplace.kit.ids import uuid7
from marketplace.people.models import Expert
from payouts.models import Entry, Policy
from payouts.selectors.year_totals import OwnYear, YearTotal, own_years, year_totals
from payouts.services import ledger
from payouts.services.accounts import account
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db

OWN = ("expert_available", "payout_in_transit", "payroll_payable")
IN_2026 = datetime(2026, 6, 1, tzinfo=UTC)
IN_2027 = datetime(2027, 6, 1, tzinfo=UTC)


def move(kind: str, debit: str, credit: str, who: Expert, minor: int, at: datetime) -> None:
    accounts = {
        name: account(name, currency="USD", expert=who if name in OWN else None)
        for name in (debit, credit)
    }
    ledger.post(
        key=f"{kind}:{uuid7()}",
        kind=kind,
        currency="USD",
        legs=[ledger.Leg(accounts[debit], "D", minor), ledger.Leg(accounts[credit], "C", minor)],
        effective_at=at,
    )


def pay(who: Expert, minor: int, *, at: datetime) -> None:
    move("correction", "platform_bank", "payout_in_transit", who, minor, at)
    move("transfer_made", "payout_in_transit", "psp_clearing", who, minor, at)


def come_back(who: Expert, minor: int, *, at: datetime) -> None:
    move("transfer_reversed", "psp_clearing", "expert_available", who, minor, at)


def total(year: int) -> YearTotal:
    (found,) = year_totals(Entry.objects.all(), year=year, at=NOON)
    return found


@pytest.mark.parametrize(
    ("zone", "in_2026"),
    [("UTC", 111), ("America/New_York", 1111), ("Asia/Tokyo", 11)],
)
def test_the_year_ends_at_midnight_of_the_tax_time_zone(
    settings: Settings, zone: str, in_2026: int
) -> None:
    settings.TAX_TIME_ZONE = ZoneInfo(zone)
    who = make.expert()
    pay(who, 1, at=IN_2026)
    pay(who, 10, at=datetime(2026, 12, 31, 14, 59, 59, tzinfo=UTC))  # 23:59:59 in Tokyo
    pay(who, 100, at=datetime(2026, 12, 31, 15, tzinfo=UTC))
    pay(who, 1000, at=datetime(2027, 1, 1, 4, 59, 59, tzinfo=UTC))  # 23:59:59 in New York
    pay(who, 10_000, at=datetime(2027, 1, 1, 5, tzinfo=UTC))

    assert total(2026).gross == usd(in_2026)
    assert total(2027).gross == usd(11_111 - in_2026)


def test_a_reversal_counts_in_the_year_in_which_it_happens() -> None:
    who = make.expert()
    pay(who, 500, at=IN_2026)
    pay(who, 300, at=IN_2027)
    come_back(who, 500, at=IN_2027)

    assert (total(2026).gross, total(2026).net) == (usd(500), usd(500))
    assert (total(2027).gross, total(2027).reversals) == (usd(300), usd(500))
    assert total(2027).net == usd(-200)


def test_what_an_employer_pays_is_not_in_it() -> None:
    who = make.expert()
    move("correction", "platform_bank", "payroll_payable", who, 900, IN_2026)
    move("payroll_settled", "payroll_payable", "platform_bank", who, 900, IN_2026)

    assert year_totals(Entry.objects.all(), year=2026, at=NOON) == []


@pytest.mark.parametrize(
    ("year", "minor", "is_over"),
    [(2025, 59_999, False), (2025, 60_000, True), (2026, 199_999, False), (2026, 200_000, True)],
)
def test_the_shipped_threshold_of_the_united_states_is_met_exactly(
    year: int, minor: int, is_over: bool
) -> None:
    who = make.expert("US")
    pay(who, minor, at=datetime(year, 6, 1, tzinfo=UTC))

    assert total(year).is_over_threshold is is_over


def test_where_no_threshold_is_known_nothing_is_claimed() -> None:
    pay(make.expert("US"), 999_999_999, at=IN_2027)

    assert (total(2027).threshold, total(2027).is_over_threshold) == (None, None)


def test_the_operators_own_threshold_wins() -> None:
    Policy.objects.create(
        kind="year_threshold",
        country="US",
        year=2026,
        value=100,
        why="a state asks for less",
        effective_at=NOON,
        made_by=make.user(),
        made_at=NOON,
    )
    pay(make.expert("US"), 100, at=IN_2026)

    assert (total(2026).threshold, total(2026).is_over_threshold) == (usd(100), True)


def test_a_total_names_the_payee_and_the_account() -> None:
    who = make.owed(5000)
    make.send(make.approved_run())

    found = total(2026)

    assert (found.expert_id, found.name, found.country) == (who.pk, "Ada Expert", "US")
    assert (found.gross, found.reversals) == (usd(5000), usd(0))
    assert [name[:5] for name in found.accounts] == ["acct_"]


def test_ones_own_years_are_cut_in_the_tax_time_zone(settings: Settings) -> None:
    settings.TAX_TIME_ZONE = ZoneInfo("America/New_York")
    who = make.expert()
    pay(who, 300, at=datetime(2027, 1, 1, 4, 59, 59, tzinfo=UTC))
    come_back(who, 100, at=IN_2027)

    assert own_years(Entry.objects.all()) == [
        OwnYear(2027, usd(0), usd(100)),
        OwnYear(2026, usd(300), usd(0)),
    ]


def test_three_payees_cost_what_one_costs() -> None:
    pay(make.expert("US"), 100, at=IN_2026)
    with CaptureQueriesContext(connection) as one:
        year_totals(Entry.objects.all(), year=2026, at=NOON)
    pay(make.expert("DE"), 100, at=IN_2026)
    pay(make.expert("FR"), 100, at=IN_2026)

    with CaptureQueriesContext(connection) as three:
        found = year_totals(Entry.objects.all(), year=2026, at=NOON)

    assert len(found) == 3
    assert len(three) == len(one)
