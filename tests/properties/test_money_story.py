"""Whole stories of money, taking back and contested payments included, beside a small model."""

from __future__ import annotations

from dataclasses import dataclass, field
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
from payouts.models import Earning, Reservation
from payouts.selectors.books import trial_balance
from payouts.selectors.budgets import project_budget, wallet
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    budgeting,
    charging_back,
    recouping,
    refunding,
    reserving,
    rounds,
    running_payouts,
    sandboxing,
    sending,
)
from payouts.services.clawing_back import NotYetPosted, make_clawback, propose_clawback
from payouts.services.freezing import FundsFrozen
from payouts.services.ledger import InsufficientBalance
from payouts.services.refunding import NotRefundable
from tests.fuzz import profile
from tests.payouts import make
from tests.payouts.make import NOON, usd

SMALL = profile(examples=12)
MESSAGE = "These answers were copied, word for word, from another person's account."
PAID_IN = 20_000
STEP = st.one_of(
    st.tuples(st.sampled_from(["reserve", "draw", "refund"]), st.integers(1, 4000)),
    st.tuples(st.just("approve"), st.integers(1, 800)),
    st.tuples(st.sampled_from(["approve", "post", "release"]), st.integers(1, 800)),
    st.tuples(st.sampled_from(["take", "take", "void"]), st.integers(0, 800)),
    st.tuples(st.sampled_from(["pay_out", "cancel_run", "close", "recoup"]), st.just(0)),
    st.tuples(st.just("contest"), st.booleans()),
)

# Every story knows paid work, a debt, and work in each earlier place.
OPENING = [
    *(("reserve", 3000), ("approve", 500), ("approve", 300), ("post", 0), ("release", 0)),
    *(("pay_out", 0), ("approve", 200), ("post", 0), ("take", 300), ("approve", 100)),
]


@dataclass
class Batch:
    """What one reservation still has free, and whether it gave everything back."""

    row: Reservation
    free: int
    pool: int
    is_released: bool = False


@dataclass
class Work:
    """One earning: where it is, what is left of it, what it has paid of a debt, what was taken."""

    row: Earning
    batch: Batch
    pay: int
    fee: int
    place: str = "unposted"
    left: int = 0
    taken: int = 0
    fee_back: int = 0


@dataclass
class Story:
    """A client whose card payment is real in the sandbox, one project, one expert."""

    client: Organization
    expert: Expert
    charge: str
    project: UUID = field(default_factory=uuid7)
    wallet: int = PAID_IN
    escrow: int = 0
    spent: int = 0
    paid: int = 0
    owed: int = 0
    ours: int = 0
    is_contested: bool = False
    batches: list[Batch] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)

    def allocate(self, minor: int) -> None:
        budgeting.allocate(
            organization=self.client,
            subject_id=self.project,
            amount=usd(minor),
            by=uuid7(),
            key=str(uuid7()),
            at=NOON,
        )
        self.wallet, self.escrow = self.wallet - minor, self.escrow + minor

    def reserve(self, base: int) -> None:
        pool = base // 4
        try:
            row = reserving.reserve(
                reservation_id=uuid7(),
                organization=self.client,
                subject_id=self.project,
                base=usd(base),
                pool=usd(pool),
                quote={},
                by=uuid7(),
                at=NOON,
            )
        except (InsufficientBalance, FundsFrozen):
            assert base + pool > min(self.escrow, self.wallet + self.escrow - self.ours)
            return
        self.escrow -= base + pool
        self.batches.append(Batch(row, base, pool))

    def draw(self, minor: int) -> None:
        for batch in self._open()[:1]:
            part = min(minor, batch.pool)
            if part:
                reserving.draw_overrun(
                    reservation=batch.row, amount=usd(part), key=str(uuid7()), at=NOON
                )
            batch.pool, batch.free = batch.pool - part, batch.free + part

    def approve(self, pay: int) -> None:
        fee = (pay * 15 + 50) // 100
        for batch in [each for each in self._open() if each.free >= pay + fee][:1]:
            row = make.credited(batch.row, self.expert, pay, fee=fee)
            batch.free -= pay + fee
            self.spent += pay + fee
            self.works.append(Work(row, batch, pay, fee, left=pay))

    def post(self, _: int) -> None:
        rounds.post_earnings(at=NOON)
        self._move("unposted", "held")

    def release(self, _: int) -> None:
        rounds.release_holds(at=NOON)
        self._move("held", "available")
        self._net()

    def void(self, number: int) -> None:
        waiting = [each for each in self.works if each.place in ("unposted", "held")]
        whole = [each for each in waiting if each.taken == 0]
        if not whole:
            return
        work = whole[number % len(whole)]
        self._decide(work, work.pay)
        self.spent -= work.pay + work.fee
        if work.batch.is_released:
            self.escrow += work.pay + work.fee
        else:
            work.batch.free += work.pay + work.fee
        work.taken, work.left, work.place = work.pay, 0, "gone"

    def take(self, number: int) -> None:
        there = [each for each in self.works if each.place != "gone" and each.pay > each.taken + 1]
        if not there:
            return
        work = there[number % len(there)]
        amount = 1 + number % (work.pay - work.taken - 1)
        if work.place == "unposted":
            with pytest.raises(NotYetPosted):
                self._decide(work, amount)
            return
        self._decide(work, amount)
        work.taken += amount
        fee = (2 * work.fee * work.taken + work.pay) // (2 * work.pay) - work.fee_back
        work.fee_back += fee
        self.escrow, self.spent = self.escrow + amount + fee, self.spent - amount - fee
        here = 0 if work.place == "paid" else min(amount, work.left)
        work.left -= here
        self.owed += amount - here
        self._net()

    def pay_out(self, _: int) -> None:
        run = make.approved_run()
        sending.send_some(run_id=run.id, at=NOON, watch=make.still())
        for work in self.works:
            if work.place == "available" and work.left:
                self.paid, work.place = self.paid + work.left, "paid"

    def cancel_run(self, _: int) -> None:
        run = make.approved_run()
        running_payouts.cancel_run(run=run, by=make.user(), at=NOON)
        running_payouts.cancel_payouts(run_id=run.id, at=NOON)

    def close(self, _: int) -> None:
        for batch in [each for each in self.batches if not each.is_released]:
            reserving.release_reservation(reservation=batch.row, keep=usd(0), at=NOON)
            self.escrow += batch.free + batch.pool
            batch.free = batch.pool = 0
            batch.is_released = not [
                each for each in self.works if each.batch is batch and each.place == "unposted"
            ]
            batch.row.refresh_from_db()

    def refund(self, minor: int) -> None:
        try:
            asked = refunding.request_refund(
                refund_id=uuid7(),
                organization=self.client,
                amount=usd(minor),
                why="Not needed any more",
                by=uuid7(),
                at=NOON,
            )
        except (InsufficientBalance, NotRefundable, FundsFrozen):
            assert minor > self.wallet or self.is_contested
            return
        refunding.approve_refund(refund=asked, by=make.user(), at=NOON)
        make.drain()
        self.wallet -= minor

    def contest(self, is_won: bool) -> None:
        if self.is_contested:
            return
        self.is_contested = True
        opened = sandboxing.press(
            button="open_chargeback", object_id=self.charge, by=uuid7(), at=NOON
        )
        dispute = str(opened["id"])
        charging_back.sync_chargeback(dispute_id=dispute, at=NOON)
        assert_agrees(self)
        button = "win_chargeback" if is_won else "lose_chargeback"
        sandboxing.press(button=button, object_id=dispute, by=uuid7(), at=NOON)
        row = charging_back.sync_chargeback(dispute_id=dispute, at=NOON)
        if not is_won:
            self._lose(row.withdrawn_minor)

    def recoup(self, _: int) -> None:
        recouping.recoup_losses(at=NOON)
        self._lose(self.ours)

    def _lose(self, minor: int) -> None:
        """Wallet, then budget; the rest is ours."""
        taken = min(minor, self.wallet + self.escrow)
        from_wallet = min(taken, self.wallet)
        self.ours = minor - taken
        self.wallet, self.escrow = self.wallet - from_wallet, self.escrow - (taken - from_wallet)

    def _open(self) -> list[Batch]:
        return [each for each in self.batches if each.row.state == "open"]

    def _move(self, place: str, to: str) -> None:
        for work in self.works:
            if work.place == place:
                work.place = to

    def _net(self) -> None:
        for work in self.works:
            if work.place == "available":
                part = min(self.owed, work.left)
                work.left, self.owed = work.left - part, self.owed - part

    def _decide(self, work: Work, amount: int) -> None:
        wanted = propose_clawback(
            earning=work.row,
            amount=usd(amount),
            reason="payment_error",
            message=MESSAGE,
            evidence=["Found by hand."],
            by=make.user(),
            at=NOON,
        )
        try:
            make_clawback(clawback=wanted, by=make.user(), at=NOON)
        except NotYetPosted:
            wanted.delete()
            raise

    def sum_of(self, *places: str) -> int:
        return sum(each.left for each in self.works if each.place in places)


def assert_agrees(story: Story) -> None:
    """The books balance, and every number a person sees is the model's (invariant U)."""
    lines = trial_balance()
    assert sum(line.debits.minor for line in lines) == sum(line.credits.minor for line in lines)
    shown = expert_balance(story.expert, "USD")
    assert (shown.pending.minor, shown.available.minor, shown.owed.minor, shown.paid.minor) == (
        story.sum_of("unposted", "held"),
        story.sum_of("available"),
        story.owed,
        story.paid,
    )
    budget = project_budget(story.project, "USD")
    assert (budget.escrow.minor, budget.reserved.minor, budget.pool.minor) == (
        story.escrow,
        sum(each.free for each in story.batches),
        sum(each.pool for each in story.batches),
    )
    assert wallet(story.client, "USD") == usd(story.wallet)


@pytest.mark.slow
@pytest.mark.django_db
def test_every_story_of_money_ends_as_its_model_says(settings: Settings) -> None:
    settings.PAYOUT_RATE_PER_S, settings.PAYOUT_MINIMUM = 0, {}
    settings.JOBS_TICKS, settings.JOBS_SCHEDULE = {}, {}
    make.stocked(usd(10_000_000))
    client, expert = make.organization(), make.onboarded()
    charge = str(make.paid_funding(client, usd(PAID_IN)).charge_id)

    @SMALL
    @given(steps=st.lists(STEP, min_size=6, max_size=18))
    def stories(steps: list[tuple[str, Any]]) -> None:  # Any: a step's number or truth
        before = transaction.savepoint()
        story = Story(client, expert, charge)
        story.allocate(15_000)
        for name, value in [*OPENING, *steps]:
            getattr(story, name)(value)
            assert_agrees(story)
        story.post(0)
        connection.check_constraints()  # what would be checked at commit
        assert [each for each in check_ledger(NOON).broken if each.invariant != "L15"] == []
        transaction.savepoint_rollback(before)

    stories()
