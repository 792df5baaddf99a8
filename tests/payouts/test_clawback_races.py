"""Taking back while the same money moves: real threads on real connections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import DatabaseError

from marketplace.kit.errors import DomainError
from payouts.models import Earning, Entry, Payout, Posting
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import cashing_out, collecting, debts, reserving, rounds, running_payouts
from payouts.services.clawing_back import make_clawback, propose_clawback
from tests.payouts import make, rails
from tests.payouts.make import HOLD, NOON, usd
from tests.races.crowd import together, wait_until_somebody_waits

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
MESSAGE = "Your answers to these forty tasks were copied from another person, word for word."


def clawing(earning: Earning, minor: int) -> Callable[[], object]:
    wanted = propose_clawback(
        earning=earning,
        amount=usd(minor),
        reason="payment_error",
        message=MESSAGE,
        evidence=["Paid twice by hand."],
        by=make.user(),
        at=NOON,
    )
    by = make.user()
    return lambda: make_clawback(clawback=wanted, by=by, at=NOON)


def require_sound() -> None:
    found = [each for each in check_ledger(NOON).broken if each.invariant != "L15"]
    assert found == []
    assert not Entry.objects.filter(
        balance_after_minor__lt=0, account__may_go_negative=False
    ).exists()


def test_row_22_a_clawback_and_a_payout_never_take_the_same_money() -> None:
    for _ in range(3):
        client = make.stocked(usd(10_000))
        people = [make.onboarded() for _ in range(3)]
        earnings = [make.earned(who, 2000, client=client) for who in people]
        calls = [clawing(earning, 2000) for earning in earnings]
        run = running_payouts.open_run(currency="USD", by=make.user(), at=NOON)

        ends = together([partial(collecting.collect_run, run_id=run.id, at=NOON), *calls])

        assert not isinstance(ends[0], Exception), ends[0]
        for earning, end in zip(earnings, ends[1:], strict=True):
            earning.refresh_from_db()
            in_payout = Payout.objects.filter(items__earning=earning).exists()
            assert isinstance(end, DomainError) == in_payout == (earning.state == "reserved")
        running_payouts.cancel_run(run=run, by=make.user(), at=NOON)
        running_payouts.cancel_payouts(run_id=run.id, at=NOON)
    require_sound()


def test_row_22_a_debt_is_netted_once_by_rivals() -> None:
    who = make.owed(3000)
    make.send(make.approved_run())
    clawing(Earning.objects.get(expert=who), 3000)()
    batch = make.reservation(usd(2000))
    for _ in range(4):
        make.credited(batch, who, 500)
    rounds.post_earnings(at=NOON)

    ends = together(
        [
            *[lambda: rounds.release_holds(at=NOON)] * 2,
            *[lambda: debts.settle_debts(at=NOON)] * 2,
        ]
    )

    assert [end for end in ends if isinstance(end, Exception)] == []
    assert expert_balance(who, "USD").owed == usd(1000)
    require_sound()


def test_row_31_a_void_races_the_round_that_posts_it() -> None:
    for _ in range(4):
        batch = make.reservation(usd(2000))
        rows = [make.credited(batch, make.expert(), 500, hold=HOLD) for _ in range(4)]

        ends = together(
            [lambda: rounds.post_earnings(at=NOON), *[clawing(row, 500) for row in rows[:2]]]
        )

        assert [end for end in ends if isinstance(end, Exception)] == []
        rounds.post_earnings(at=NOON)
        states = [Earning.objects.get(pk=row.pk).state for row in rows]
        assert states == ["voided", "voided", "pending", "pending"]
    require_sound()


def test_row_31_a_void_races_the_release_of_its_batch() -> None:
    for _ in range(4):
        batch = make.reservation(usd(1000))
        row = make.credited(batch, make.expert(), 1000, hold=timedelta(days=9))
        rounds.post_earnings(at=NOON)

        release = partial(reserving.release_reservation, reservation=batch, keep=usd(0), at=NOON)

        ends = together([release, clawing(row, 1000)])

        assert [end for end in ends if isinstance(end, Exception)] == []
        assert Posting.objects.filter(key=f"void:{row.pk}").count() == 1
    require_sound()


def test_a_clawback_of_older_pay_and_a_cash_out_do_not_lock_each_other_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = rails.proven()
    older = rails.in_hold(who, 3000)
    make.available(who, 4000)
    claw, has_locked = clawing(older, 3000), Event()

    def lock_and_wait(**terms: Any) -> list[Earning]:  # Any: passed on
        found = debts.lock_available(**terms)
        has_locked.set()
        wait_until_somebody_waits()
        return found

    def cash_out() -> object:
        has_locked.wait(5)
        return cashing_out.cash_out(expert=who, currency="USD", at=NOON)

    monkeypatch.setattr("payouts.services.clawing_back.lock_available", lock_and_wait)
    ends = together([claw, cash_out])

    assert [end for end in ends if isinstance(end, DatabaseError)] == []
    require_sound()
