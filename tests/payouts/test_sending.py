"""Sending a run when nothing goes wrong, or a person steps in."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from payouts.models import (
    Earning,
    Payout,
)
from payouts.selectors.earnings import expert_balance
from payouts.services import (
    holding,
    sending,
)
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def test_a_run_pays_every_available_earning_once() -> None:
    who = make.owed(5000)

    run = make.approved_run()
    payout = make.send(run)

    run.refresh_from_db()
    assert (payout.state, payout.amount_minor, run.state) == ("transferred", 5000, "done")
    assert make.transfers() == [5000]
    assert expert_balance(who, "USD") == make.balances(usd(0), usd(0), usd(0), usd(5000), usd(0))
    assert set(Earning.objects.values_list("state", flat=True)) == {"paid"}


def test_the_bank_leg_ends_in_the_experts_bank() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())

    make.drain()

    payout.refresh_from_db()
    assert (payout.state, payout.paid_at is not None) == ("paid", True)


def test_payments_on_pause_send_nothing(settings: Settings) -> None:
    make.owed(5000)
    run = make.approved_run()
    settings.PAYMENTS_PAUSED = True

    assert sending.send_some(run_id=run.id, at=NOON) == 0
    assert make.transfers() == []


def test_a_held_payout_waits_for_a_person() -> None:
    make.owed(5000)
    run = make.approved_run()
    payout = Payout.objects.get()
    finance = make.user()
    holding.hold_payout(payout=payout, why="a question first", by=finance.id, at=NOON)
    sending.send_some(run_id=run.id, at=NOON)
    assert make.transfers() == []

    holding.resume_payout(payout=payout, at=NOON)
    make.drain()

    assert make.transfers() == [5000]
