"""How little and how much a run pays, in whose currency, and what it leaves for later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import Earning, LeftOut, Payee, Payout, PayoutItem, Policy
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import rounds, sending
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def _experts(*pays: int) -> list[Expert]:
    """Experts with available money, the first one's the oldest."""
    found = []
    make.stocked(usd(100_000))
    for place, pay in enumerate(pays):
        batch = make.reservation(usd(pay))
        who = make.onboarded()
        make.credited(batch, who, pay, at=NOON - timedelta(days=9 - place))
        found.append(who)
    rounds.post_earnings(at=NOON)
    rounds.release_holds(at=NOON)
    return found


def _left() -> list[tuple[Expert, int, str]]:
    rows = LeftOut.objects.order_by("expert__created_at", "amount_minor")
    return [(row.expert, row.amount_minor, row.why) for row in rows.select_related("expert")]


def test_above_the_cap_of_an_expert_the_rest_waits(settings: Settings) -> None:
    settings.PAYOUT_MAX_PER_EXPERT = {"USD": 5000}
    (who,) = _experts(8000)

    run = make.approved_run()

    assert Payout.objects.get(run=run).amount_minor == 5000
    assert expert_balance(who, "USD").available == usd(3000)
    assert _left() == [(who, 3000, "above_expert_cap")]


def test_a_cap_takes_the_oldest_earnings_and_splits_one_at_most(settings: Settings) -> None:
    settings.PAYOUT_MAX_PER_EXPERT = {"USD": 5000}
    who = make.onboarded()
    for pay in (2000, 4000, 1000):
        make.available(who, pay)

    payout = Payout.objects.get(run=make.approved_run())

    items = PayoutItem.objects.filter(payout=payout).order_by("earning")
    assert [item.amount_minor for item in items] == [2000, 3000]
    free = Earning.objects.filter(expert=who, state="available").order_by("key")
    assert [(row.key.partition(":")[0], row.payable_minor) for row in free] == [
        ("carry", 1000),
        ("work", 1000),
    ]


def test_above_the_cap_of_a_run_the_newest_money_waits(settings: Settings) -> None:
    settings.PAYOUT_MAX_PER_RUN = {"USD": 9000}
    first, second, third = _experts(6000, 5000, 4000)

    run = make.approved_run()

    paid = Payout.objects.filter(run=run).order_by("-amount_minor")
    assert [(row.expert, row.amount_minor) for row in paid] == [(first, 6000), (second, 3000)]
    assert {(who.id, minor, why) for who, minor, why in _left()} == {
        (second.id, 2000, "above_run_cap"),
        (third.id, 4000, "above_run_cap"),
    }
    later = make.approved_run(at=NOON + timedelta(days=7))
    assert sorted(row.amount_minor for row in Payout.objects.filter(run=later)) == [2000, 4000]


def test_a_policy_comes_before_the_setting(settings: Settings) -> None:
    settings.PAYOUT_MAX_PER_EXPERT = {"USD": 5000}
    Policy.objects.create(
        kind="payout_max_per_expert",
        currency="USD",
        value=7000,
        why="The bank allows more.",
        effective_at=NOON,
        made_by=make.user(),
        made_at=NOON,
    )
    _experts(8000)

    run = make.approved_run()

    assert Payout.objects.get(run=run).amount_minor == 7000


def test_the_minimum_of_a_country_comes_before_that_of_the_currency() -> None:
    Policy.objects.create(
        kind="payout_minimum",
        currency="USD",
        country="DE",
        value=500,
        why="Cheap transfers there.",
        effective_at=NOON,
        made_by=make.user(),
        made_at=NOON,
    )
    german, american = make.onboarded("DE"), make.onboarded("US")
    make.available(german, 600)
    make.available(american, 600)

    run = make.approved_run()

    assert Payout.objects.get(run=run).expert == german
    assert _left() == [(american, 600, "below_minimum")]


def test_who_has_left_is_paid_below_the_minimum() -> None:
    (who,) = _experts(400)
    who.user.is_active = False
    who.user.save(update_fields=["is_active"])

    run = make.approved_run()

    assert Payout.objects.get(run=run).amount_minor == 400
    assert _left() == []


def test_who_has_left_without_a_payout_account_keeps_the_money() -> None:
    who = make.expert()
    who.user.is_active = False
    who.user.save(update_fields=["is_active"])
    make.available(who, 400)

    make.approved_run()

    assert not Payout.objects.exists()
    assert _left() == [(who, 400, "no_payout_account")]


@pytest.mark.parametrize(
    ("currency", "country", "pay", "sent"),
    [
        ("JPY", "GB", 12_345, 12_345),
        ("USD", "US", 12_345, 12_345),
        ("KWD", "GB", 12_345, 12_340),
        ("HUF", "HU", 12_345, 12_300),
        ("ISK", "IS", 12_345, 12_300),
        ("TWD", "GB", 12_345, 12_300),
        ("UGX", "GB", 12_345, 12_300),
    ],
)
def test_a_whole_run_pays_whole_units_and_carries_the_rest(
    currency: str, country: str, pay: int, sent: int
) -> None:
    who = make.onboarded(country)
    make.stocked(Money(20_000, currency))
    make.available(who, pay, currency=currency)

    payout = make.send(make.approved_run(currency=currency))

    assert (payout.state, make.transfers()) == ("transferred", [sent])
    rest = Money(pay - sent, currency)
    assert expert_balance(who, currency).available == rest
    carried = Earning.objects.filter(key=f"carry:{payout.id}")
    assert [row.payable_minor for row in carried] == ([rest.minor] if rest else [])
    assert check_ledger(NOON).broken == ()


def test_a_zero_payout_is_never_sent(settings: Settings) -> None:
    settings.PAYOUT_MINIMUM = {}
    who = make.onboarded("HU")
    make.available(who, 99, currency="HUF")

    make.approved_run(currency="HUF")

    assert not Payout.objects.exists()
    assert _left() == [(who, 99, "below_minimum")]


def test_row_27_an_account_replaced_before_sending_cancels_and_restores() -> None:
    who = make.owed(5000)
    run = make.approved_run()
    Payee.objects.filter(expert=who).update(state="closed")

    sending.send_some(run_id=run.id, at=NOON, watch=make.still())

    payout = Payout.objects.get(run=run)
    assert (payout.state, payout.why) == ("cancelled", "the payout account was replaced")
    assert expert_balance(who, "USD").available == usd(5000)
    assert make.transfers() == []


@pytest.mark.parametrize("term", [{"amount_minor": 4999}, {"destination": "acct_other"}])
def test_amount_and_destination_are_frozen(term: dict[str, object]) -> None:
    make.owed(5000)
    make.approved_run()

    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        Payout.objects.update(**term)
