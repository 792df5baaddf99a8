"""Opening, collecting, closing, approving and cancelling a run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import (
    Earning,
    Payout,
    PayoutItem,
    PayoutRun,
)
from payouts.selectors.earnings import expert_balance
from payouts.services import (
    collecting,
    earning,
    rounds,
    running_payouts,
    sending,
)
from payouts.services.proposing import SamePerson
from payouts.services.running_payouts import RunAlreadyOpen, RunStillCollecting
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def test_money_below_the_minimum_is_carried_over() -> None:
    client = make.stocked(usd(100_000))
    who = make.onboarded()
    make.earned(who, 999, client=client)

    make.approved_run()

    assert not Payout.objects.exists()
    assert expert_balance(who, "USD").available == usd(999)


def test_an_expert_without_a_payout_account_is_left_out() -> None:
    client = make.stocked(usd(100_000))
    who = make.onboarded(act="missing_document")
    make.earned(who, 5000, client=client)

    make.approved_run()

    assert not Payout.objects.exists()


def test_whoever_opens_a_run_may_not_approve_it() -> None:
    maker = make.user()
    run = running_payouts.open_run(currency="USD", by=maker, at=NOON)
    collecting.collect_run(run_id=run.id, at=NOON)
    run = running_payouts.close_run(run=run, by=maker, at=NOON)

    with pytest.raises(SamePerson):
        running_payouts.approve_run(run=run, by=maker, at=NOON)
    with pytest.raises(IntegrityError, match="run_checker_is_not_maker"), transaction.atomic():
        PayoutRun.objects.filter(id=run.id).update(
            state="approved", approved_by=maker, approved_at=NOON
        )


def test_nobody_approves_a_run_that_pays_them() -> None:
    paid = make.owed()
    run = running_payouts.open_run(currency="USD", by=make.user(), at=NOON)
    collecting.collect_run(run_id=run.id, at=NOON)
    run = running_payouts.close_run(run=run, by=make.user(), at=NOON)

    with pytest.raises(SamePerson, match="pays you"):
        running_payouts.approve_run(run=run, by=paid.user, at=NOON)

    run.refresh_from_db()
    assert run.state == "closed"


def test_one_run_per_currency_collects_at_a_time() -> None:
    running_payouts.open_run(currency="USD", by=make.user(), at=NOON)

    with pytest.raises(RunAlreadyOpen):
        running_payouts.open_run(currency="USD", by=make.user(), at=NOON)


def test_a_run_is_not_closed_while_it_collects() -> None:
    run = running_payouts.open_run(currency="USD", by=make.user(), at=NOON)

    with pytest.raises(RunStillCollecting):
        running_payouts.close_run(run=run, by=make.user(), at=NOON)


def test_a_cancelled_run_gives_the_money_back_once() -> None:
    who = make.owed(5000)
    run = make.approved_run()
    assert expert_balance(who, "USD").on_its_way == usd(5000)

    running_payouts.cancel_run(run=run, by=make.user(), at=NOON)
    make.drain()
    running_payouts.cancel_payouts(run_id=run.id, at=NOON)

    assert expert_balance(who, "USD") == make.balances(usd(0), usd(5000), usd(0), usd(0), usd(0))
    assert sending.send_some(run_id=run.id, at=NOON) == 0
    assert make.transfers() == []


def test_a_cancelled_payouts_money_goes_into_the_next_run() -> None:
    make.owed(5000)
    run = make.approved_run()
    running_payouts.cancel_run(run=run, by=make.user(), at=NOON)
    running_payouts.cancel_payouts(run_id=run.id, at=NOON)

    payout = make.send(make.approved_run())

    assert (payout.state, make.transfers()) == ("transferred", [5000])


def test_row_26_an_employee_is_never_paid_by_transfer() -> None:
    who = make.onboarded()
    batch = make.reservation(usd(5000))
    row = earning.credit(
        key="assignment:employee",
        expert=who,
        pay=usd(5000),
        fee=usd(0),
        reservation=batch,
        pay_channel="payroll",
        hold=timedelta(0),
        at=NOON,
    )
    rounds.post_earnings(at=NOON)
    rounds.release_holds(at=NOON)

    make.approved_run()

    assert not Payout.objects.exists()
    payout = _other_payout(who)
    with pytest.raises(IntegrityError, match="paid by the employer"), transaction.atomic():
        PayoutItem.objects.create(payout=payout, earning=row, amount_minor=5000)


def _other_payout(who: Expert) -> Payout:
    make.available(who, 5000)
    return Payout.objects.get(run=make.approved_run())


def test_a_second_run_finds_nothing_left_to_pay() -> None:
    make.owed(5000)
    first, second = make.approved_run(), make.approved_run()

    assert [row.amount_minor for row in Payout.objects.filter(run=first)] == [5000]
    assert not Payout.objects.filter(run=second).exists()


def test_an_earning_is_in_one_live_payout() -> None:
    make.owed(5000)
    make.approved_run()
    item = PayoutItem.objects.get()

    with pytest.raises(IntegrityError, match="an_earning_is_in_one_live_payout"):  # noqa: SIM117
        with transaction.atomic():
            PayoutItem.objects.create(
                payout=item.payout, earning=item.earning, amount_minor=item.amount_minor
            )


def test_what_is_below_the_payable_unit_stays_available(settings: Settings) -> None:
    settings.PAYOUT_MINIMUM = {}
    who = make.onboarded("HU")
    make.available(who, 12_345, currency="HUF")

    run = make.approved_run(currency="HUF")

    assert Payout.objects.get(run=run).amount_minor == 12_300
    carried = Earning.objects.get(key=f"carry:{Payout.objects.get(run=run).id}")
    assert (carried.payable_minor, carried.state) == (45, "available")
    assert expert_balance(who, "HUF").available == Money(45, "HUF")
