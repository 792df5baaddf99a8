"""Row 19: what a lost chargeback cost us comes out of the client's next free money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from marketplace.kit.ids import uuid7
from payouts.gateways.port import BalanceTransaction
from payouts.gateways.stripe import StripeGateway
from payouts.models import Chargeback, Posting, Reservation
from payouts.selectors.budgets import project_budget, wallet
from payouts.selectors.freezing import frozen
from payouts.selectors.invariants import check_ledger
from payouts.services import budgeting, charging_back, recouping, reserving
from payouts.services.accounts import account
from payouts.services.freezing import FundsFrozen
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.test_row_19_chargebacks import allocate, held, paid, press, reserve

pytestmark = pytest.mark.django_db
Sync = Callable[[str, tuple[BalanceTransaction, ...]], Chargeback]


def loss() -> int:
    return make.balance(account("chargeback_loss", currency="USD"))


def lost_at_work() -> Reservation:
    """A batch of 100.00 out of a card payment that a bank has taken back for good."""
    client, charge = paid(10_000)
    project = uuid7()
    budgeting.allocate(
        organization=client, subject_id=project, amount=usd(10_000), by=project, key="a", at=NOON
    )
    batch = reserve(client, project, 10_000)
    press("lose_chargeback", press("open_chargeback", charge))
    return batch


def test_what_comes_back_from_the_batch_of_a_lost_payment_makes_good_for_it() -> None:
    batch = lost_at_work()

    reserving.release_reservation(reservation=batch, keep=usd(0), at=NOON)
    with pytest.raises(FundsFrozen):
        reserve(batch.organization, batch.subject_id, 1)
    taken = recouping.recoup_losses(at=NOON), recouping.recoup_losses(at=NOON)

    assert (taken, loss(), make.balance(batch.escrow)) == ((1, 0), 0, 0)
    assert Chargeback.objects.get().lost_to_us_minor == 0
    assert project_budget(batch.subject_id, "USD").allocated == usd(0)
    assert check_ledger(NOON).broken == ()


def test_new_money_makes_good_for_a_loss_and_the_rest_is_free() -> None:
    batch = lost_at_work()
    client = batch.organization
    make.paid_funding(client, usd(4000))

    with pytest.raises(FundsFrozen):
        allocate(client, 1)
    recouping.recoup_losses(at=NOON)
    partly = wallet(client, "USD"), frozen(client, "USD", at=NOON), loss()
    make.paid_funding(client, usd(9000))
    recouping.recoup_losses(at=NOON)

    assert partly == (usd(0), usd(6000), 6000)
    assert (wallet(client, "USD"), frozen(client, "USD", at=NOON), loss()) == (usd(3000), usd(0), 0)
    allocate(client, 3000)
    assert make.balance(batch.reserved) == 10_000
    assert check_ledger(NOON).broken == ()


@pytest.fixture
def sync(monkeypatch: pytest.MonkeyPatch) -> Sync:
    """Look at the only dispute as if Stripe said this of it."""
    read = StripeGateway.read_dispute

    def look(state: str, movements: tuple[BalanceTransaction, ...]) -> Chargeback:
        def say(self: StripeGateway, *, dispute_id: str) -> object:
            return replace(read(self, dispute_id=dispute_id), state=state, movements=movements)

        row = Chargeback.objects.get()
        with monkeypatch.context() as patch:
            patch.setattr(StripeGateway, "read_dispute", say)
            return charging_back.sync_chargeback(dispute_id=row.dispute_id, at=NOON)

    return look


def movement(transaction_id: str, minor: int) -> BalanceTransaction:
    return BalanceTransaction(
        transaction_id=transaction_id,
        kind="adjustment",
        category="dispute" if minor < 0 else "dispute_reversal",
        amount=usd(minor),
        fee=usd(0),
        net=usd(minor),
        source="",
        is_available=True,
        available_at=NOON,
        created_at=NOON,
    )


def test_a_warning_that_ended_and_became_a_chargeback_after_all_freezes_again(sync: Sync) -> None:
    client, charge = paid(10_000)
    press("lose_chargeback", press("warn_of_chargeback", charge))
    taken = (movement("txn_taken", -10_000),)

    states = [Chargeback.objects.get().state, sync("needs_response", taken).state]
    frozen_again = frozen(client, "USD", at=NOON), held()
    states.append(sync("lost", taken).state)

    assert states == ["closed", "open", "lost"]
    assert frozen_again == (usd(10_000), 10_000)
    assert (held(), wallet(client, "USD"), loss()) == (0, usd(0), 0)
    assert check_ledger(NOON).broken == ()


def test_a_won_payment_that_the_network_takes_again_is_held_again(sync: Sync) -> None:
    client, charge = paid(10_000)
    press("win_chargeback", press("open_chargeback", charge))

    row = sync("needs_response", (movement("txn_taken", -10_000),))

    assert (row.state, row.closed_at, held()) == ("open", None, 10_000)
    assert frozen(client, "USD", at=NOON) == usd(10_000)


def test_a_lost_payment_that_was_given_back_and_taken_again_is_lost_again(sync: Sync) -> None:
    client, charge = paid(10_000)
    press("lose_chargeback", press("open_chargeback", charge))
    moved = (movement("txn_back", 10_000), movement("txn_again", -10_000))

    sync("lost", moved[:1])
    back = wallet(client, "USD"), held()
    for _ in range(2):
        sync("lost", moved)

    assert back == (usd(10_000), 0)
    assert (wallet(client, "USD"), held(), loss()) == (usd(0), 0, 0)
    assert Posting.objects.filter(kind="chargeback_lost").count() == 2
    broken = {each.invariant for each in check_ledger(NOON).broken}
    assert "L6" not in broken
