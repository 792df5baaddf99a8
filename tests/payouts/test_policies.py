"""Rules with numbers: which row counts, and who may add one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from marketplace.events.models import Event
from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from payouts.models import BillingTerms, Policy
from payouts.selectors.policies import (
    fee_rate_for,
    hold_for,
    policies_in_effect,
    policy_value,
)
from payouts.services import proposing
from payouts.services.setting_policies import (
    Scope,
    TakesTwoPeople,
    propose_policy,
    set_policy,
)
from tests.payouts import make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db
WHY = "Agreed in the meeting of November."
DAY = timedelta(days=1)
EVERYTHING = Scope()


def minimum(value: int, *, scope: Scope, effective_at: datetime = NOON) -> Policy:
    return set_policy(
        kind="payout_minimum",
        value=value,
        why=WHY,
        effective_at=effective_at,
        by=make.user(),
        at=NOON,
        scope=scope,
    )


def approved(kind: str, value: int, scope: Scope = EVERYTHING) -> None:
    wanted = propose_policy(
        kind=kind, value=value, why=WHY, effective_at=NOON, by=make.user(), at=NOON, scope=scope
    )
    proposing.approve(proposal=wanted, by=make.user("Other"), at=NOON)


def test_without_a_row_the_setting_counts(settings: Settings) -> None:
    settings.PAYOUT_HOLD_HOURS, settings.FEE_BASIS_POINTS = 72, 1500
    client = make.organization()

    assert policy_value("hold_hours", at=NOON) is None
    assert hold_for(organization=client, currency="USD", at=NOON) == timedelta(hours=72)
    assert fee_rate_for(organization=client, currency="USD", at=NOON) == 1500


def test_the_row_that_names_most_wins_and_then_the_newest_in_effect() -> None:
    minimum(500, scope=Scope(currency="USD", country="DE"))
    minimum(1000, scope=Scope(currency="USD"))
    minimum(2000, scope=Scope(currency="USD"), effective_at=NOON + DAY)
    minimum(3000, scope=Scope(currency="USD"), effective_at=NOON + 3 * DAY)

    def value(country: str, days: int) -> int | None:
        return policy_value("payout_minimum", at=NOON + days * DAY, currency="USD", country=country)

    assert [value("DE", 2), value("FR", 0), value("FR", 2)] == [500, 1000, 2000]
    assert policy_value("payout_minimum", at=NOON, currency="EUR") is None


def test_a_rule_does_not_reach_back() -> None:
    minimum(500, scope=Scope(currency="USD"), effective_at=NOON + DAY)

    assert policy_value("payout_minimum", at=NOON, currency="USD") is None
    with pytest.raises(InvalidInput, match="history does not change"):
        minimum(500, scope=Scope(currency="USD"), effective_at=NOON - DAY)


@pytest.mark.parametrize(
    ("kind", "value", "scope", "problem"),
    [
        ("payout_minimum", 500, Scope(), "is an amount"),
        ("payout_minimum", 500, Scope(currency="USD", year=2026), "does not apply"),
        ("vat_basis_points", 10_001, Scope(country="DE"), "outside"),
        ("vat_basis_points", -1, Scope(country="DE"), "outside"),
        ("speed", 1, Scope(), "not a rule"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(
    kind: str, value: int, scope: Scope, problem: str
) -> None:
    with pytest.raises(InvalidInput, match=problem):
        set_policy(
            kind=kind,
            value=value,
            why=WHY,
            effective_at=NOON,
            by=make.user(),
            at=NOON,
            scope=scope,
        )

    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    "kind",
    ["fee_basis_points", "hold_hours", "cash_out_budget", "payout_max_per_run"],
)
def test_a_rule_that_lets_money_out_takes_two_people(kind: str) -> None:
    scope = Scope(currency="USD")
    by = make.user()

    with pytest.raises(TakesTwoPeople):
        set_policy(kind=kind, value=7, why=WHY, effective_at=NOON, by=by, at=NOON, scope=scope)
    wanted = propose_policy(
        kind=kind, value=7, why=WHY, effective_at=NOON, by=by, at=NOON, scope=scope
    )
    assert policy_value(kind, at=NOON, currency="USD") is None
    with pytest.raises(proposing.SamePerson):
        proposing.approve(proposal=wanted, by=by, at=NOON)

    proposing.approve(proposal=wanted, by=make.user("Other"), at=NOON + DAY)

    row = Policy.objects.get()
    assert (row.value, row.made_by, row.effective_at) == (7, by, NOON + DAY)
    assert policy_value(kind, at=NOON, currency="USD") is None


def test_a_change_is_an_event() -> None:
    row = minimum(500, scope=Scope(currency="USD"))

    found = Event.objects.get(kind="policy.set")
    assert (found.object_id, found.data["value"], found.data["currency"]) == (row.id, 500, "USD")


def test_a_client_may_have_a_fee_of_its_own_and_in_house_pays_none() -> None:
    ours, theirs, dear = make.organization(), make.organization(), make.organization()
    approved("fee_basis_points", 2000)
    approved("fee_basis_points", 900, Scope(organization=theirs))
    BillingTerms.objects.create(
        organization=ours,
        mode="in_house",
        effective_at=NOON,
        made_by=uuid7(),
        approved_by=uuid7(),
    )

    rates = [fee_rate_for(organization=o, currency="USD", at=NOON) for o in (ours, theirs, dear)]

    assert rates == [0, 900, 2000]


def test_in_effect_is_one_row_per_scope() -> None:
    minimum(1000, scope=Scope(currency="USD"))
    minimum(1500, scope=Scope(currency="USD"), effective_at=NOON + DAY)
    minimum(900, scope=Scope(currency="EUR"))
    minimum(9000, scope=Scope(currency="USD"), effective_at=NOON + 9 * DAY)

    found = policies_in_effect(Policy.objects.all(), at=NOON + 2 * DAY)

    assert [(row.currency, row.value) for row in found] == [("EUR", 900), ("USD", 1500)]
