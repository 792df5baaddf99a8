"""Random histories of money beside a model of a few lines: the books agree after every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import Payout, PayoutRun, Reservation
from payouts.selectors.books import trial_balance
from payouts.selectors.budgets import Budget, project_budget, wallet
from payouts.selectors.earnings import Balance, expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    budgeting,
    reserving,
    rounds,
    running_payouts,
    sending,
    sweeping,
)
from payouts.services.ledger import InsufficientBalance
from tests.fuzz import profile
from tests.payouts import make
from tests.payouts.make import NOON, usd

SMALL = profile(examples=20)
AMOUNT = st.integers(1, 5000)
STEP = st.one_of(
    st.tuples(st.sampled_from(["pay_in", "allocate", "give_back"]), AMOUNT),
    st.tuples(st.sampled_from(["reserve", "draw"]), AMOUNT),
    st.tuples(st.just("approve"), st.integers(1, 800)),
    st.tuples(st.sampled_from(["approve", "post", "release", "close"]), st.integers(1, 800)),
    st.tuples(
        st.just("pay_out"),
        st.sampled_from(["", "", "time_out_after", "error_after", "insufficient_balance"]),
    ),
    st.tuples(st.sampled_from(["sweep", "resume", "cancel"]), st.just(0)),
)


@dataclass
class Model:
    """What the numbers should be, without accounts, rows or time."""

    wallet: int = 0
    allocated: int = 0
    escrow: int = 0
    reserved: int = 0
    pool: int = 0
    spent: int = 0
    unposted: int = 0
    posted: int = 0
    available: int = 0
    unknown: int = 0
    stuck: int = 0
    paid: int = 0

    def balance(self) -> Balance:
        return Balance(
            pending=usd(self.unposted + self.posted),
            available=usd(self.available),
            on_its_way=usd(self.unknown + self.stuck),
            paid=usd(self.paid),
            owed=usd(0),
            returned=usd(0),
            with_employer=usd(0),
            by_employer=usd(0),
        )

    def budget(self) -> Budget:
        return Budget(
            allocated=usd(self.allocated),
            escrow=usd(self.escrow),
            reserved=usd(self.reserved),
            pool=usd(self.pool),
            spent=usd(self.spent),
        )


@dataclass
class World:
    """One client with one project, one expert, and a platform with money of its own."""

    client: Organization
    expert: Expert
    project: UUID = field(default_factory=uuid7)
    model: Model = field(default_factory=Model)
    batch: Reservation | None = None
    minutes: int = 0

    def pay_in(self, minor: int) -> None:
        make.pay_in(self.client, usd(minor))
        self.model.wallet += minor

    def allocate(self, minor: int) -> None:
        if self._tried(budgeting.allocate, minor, self.model.wallet):
            self.model.wallet -= minor
            self.model.allocated += minor
            self.model.escrow += minor

    def give_back(self, minor: int) -> None:
        if self._tried(budgeting.return_budget, minor, self.model.escrow):
            self.model.wallet += minor
            self.model.allocated -= minor
            self.model.escrow -= minor

    def _tried(self, act: Any, minor: int, present: int) -> bool:  # Any: one of two verbs
        try:
            act(
                organization=self.client,
                subject_id=self.project,
                amount=usd(minor),
                by=uuid7(),
                key=str(uuid7()),
                at=NOON,
            )
        except InsufficientBalance:
            assert minor > present
            return False
        return True

    def reserve(self, minor: int) -> None:
        if self.batch is not None:
            return
        base, pool = minor, minor * 2 // 5
        try:
            self.batch = reserving.reserve(
                reservation_id=uuid7(),
                organization=self.client,
                subject_id=self.project,
                base=usd(base),
                pool=usd(pool),
                quote={},
                by=uuid7(),
                at=NOON,
            )
        except InsufficientBalance:
            assert base + pool > self.model.escrow
            return
        self.model.escrow -= base + pool
        self.model.reserved += base
        self.model.pool += pool

    def draw(self, minor: int) -> None:
        if self.batch is None:
            return
        try:
            reserving.draw_overrun(
                reservation=self.batch, amount=usd(minor), key=str(uuid7()), at=NOON
            )
        except InsufficientBalance:
            assert minor > self.model.pool
            return
        self.model.pool -= minor
        self.model.reserved += minor

    def approve(self, pay: int) -> None:
        fee = (pay * 15 + 50) // 100
        if self.batch is None or pay + fee > self.model.reserved:
            return  # a seat without money is never open
        make.credited(self.batch, self.expert, pay, fee=fee)
        self.model.reserved -= pay + fee
        self.model.spent += pay + fee
        self.model.unposted += pay

    def post(self, _: int) -> None:
        rounds.post_earnings(at=NOON)
        self.model.posted += self.model.unposted
        self.model.unposted = 0

    def release(self, _: int) -> None:
        rounds.release_holds(at=NOON)
        self.model.available += self.model.posted
        self.model.posted = 0

    def close(self, keep: int) -> None:
        if self.batch is None:
            return
        kept = min(keep, self.model.reserved) if keep % 2 else 0
        reserving.release_reservation(reservation=self.batch, keep=usd(kept), at=NOON)
        self.model.escrow += self.model.reserved - kept + self.model.pool
        self.model.reserved, self.model.pool = kept, 0
        self.batch = None if kept == 0 else self.batch
        if self.batch is not None:  # settle at once, so that one batch is open at a time
            reserving.release_reservation(reservation=self.batch, keep=usd(0), at=NOON)
            self.model.escrow += kept
            self.model.reserved, self.batch = 0, None

    def pay_out(self, fault: str) -> None:
        if PayoutRun.objects.filter(state="paused").exists():
            return
        run = make.approved_run()
        if fault and self.model.available:
            make.fault(fault)
        sending.send_some(run_id=run.id, at=self._now())
        place = {"": "paid", "insufficient_balance": "stuck"}.get(fault, "unknown")
        setattr(self.model, place, getattr(self.model, place) + self.model.available)
        self.model.available = 0

    def sweep(self, _: int) -> None:
        self.minutes += 10
        sweeping.sweep_attempts(at=self._now())
        self.model.paid += self.model.unknown
        self.model.unknown = 0

    def resume(self, _: int) -> None:
        for run in PayoutRun.objects.filter(state="paused").order_by("id"):
            running_payouts.resume_run(run=run, by=make.user(), at=self._now())
            sending.send_some(run_id=run.id, at=self._now())
        self.model.paid += self.model.stuck
        self.model.stuck = 0

    def cancel(self, _: int) -> None:
        run = make.approved_run()
        assert sum(Payout.objects.filter(run=run).values_list("amount_minor", flat=True)) == (
            self.model.available
        )
        running_payouts.cancel_run(run=run, by=make.user(), at=self._now())
        running_payouts.cancel_payouts(run_id=run.id, at=self._now())

    def _now(self) -> Any:  # Any: a datetime, spelled short
        return NOON + timedelta(minutes=self.minutes)


def assert_agrees(world: World) -> None:
    """The books balance, and every number a person sees is the model's."""
    lines = trial_balance()
    assert sum(line.debits.minor for line in lines) == sum(line.credits.minor for line in lines)
    assert wallet(world.client, "USD") == usd(world.model.wallet)
    assert expert_balance(world.expert, "USD") == world.model.balance()
    assert project_budget(world.project, "USD") == world.model.budget()


@pytest.mark.slow
@pytest.mark.django_db
def test_books_balance_after_every_step(settings: Settings) -> None:
    settings.PAYOUT_RATE_PER_S = 0
    settings.PAYOUT_MINIMUM = {}
    make.stocked(usd(10_000_000))
    client, expert = make.organization(), make.onboarded()

    @SMALL
    @given(steps=st.lists(STEP, min_size=5, max_size=25))
    def histories(steps: list[tuple[str, Any]]) -> None:  # Any: a step's number or fault
        before = transaction.savepoint()
        world = World(client, expert)
        world.pay_in(20_000)
        world.allocate(15_000)
        for name, value in steps:
            getattr(world, name)(value)
            assert_agrees(world)
        world.post(0)
        connection.check_constraints()  # what would be checked at commit
        assert check_ledger(NOON).broken == ()
        transaction.savepoint_rollback(before)

    histories()
