"""The provider's books against ours: nothing on a clean run, each kind of difference by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from payouts.gateways.sandbox import moving, store
from payouts.models import (
    BalanceTransaction,
    Break,
    Posting,
    Reconciliation,
    SandboxObject,
    StripeEvent,
)
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    earning,
    reconciling,
    refunding,
    reversals,
    sandboxing,
)
from payouts.services.accounts import account
from payouts.services.rounds import post_earnings
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.provider import HOUR, movement, press, reconcile, rewrite, sent, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """The sandbox's Stripe lives at noon too."""
    with clock.at(NOON):
        yield


# A clean run ------------------------------------------------------------------------------------
def test_whole_journey_of_money_leaves_nothing_open() -> None:
    attempt = sent()
    make.drain()
    transfer = store.lock(str(attempt.provider_id), "transfer")
    moving.reverse(transfer, 1200, {})
    reversals.book_reversals(transfer_id=transfer.object_id, at=NOON)
    make.drain()

    found = reconcile()

    assert found == {}
    run = Reconciliation.objects.get()
    assert (run.transactions, run.repaired, run.breaks_open) == (3, 0, 0)
    assert BalanceTransaction.objects.filter(posting=None).count() == 0
    held = 100_000 - 2930 - 5000 + 1200
    assert run.balances["USD"] == {
        "provider": held,
        "transactions": held,
        "ledger": held,
        "is_still": True,
    }


def test_refunds_and_chargebacks_leave_nothing_open() -> None:
    client = make.organization()
    for amount in (10_000, 20_000):
        make.paid_funding(client, usd(amount))
    refund = refunding.request_refund(
        refund_id=uuid7(),
        organization=client,
        amount=usd(25_000),
        why="Not needed any more",
        by=uuid7(),
        at=NOON,
    )
    refunding.approve_refund(refund=refund, by=make.user(), at=NOON)
    make.drain()
    part = refund.parts.order_by("-amount_minor")[0]
    press("fail_refund", str(part.provider_id))
    for end in ("win_chargeback", "lose_chargeback"):
        paid = make.paid_funding(make.organization(), usd(8000))
        press(end, press("open_chargeback", str(paid.charge_id)))

    found = reconcile()

    assert found == {}
    assert sorted(BalanceTransaction.objects.values_list("category", flat=True)) == [
        *["charge"] * 4,
        *["dispute"] * 2,
        "dispute_reversal",
        *["refund"] * 2,
        "refund_failure",
    ]
    assert Reconciliation.objects.get().repaired == 0
    assert check_ledger(NOON + HOUR).broken == ()


def test_second_run_reads_three_days_back_and_changes_nothing() -> None:
    sent()
    reconcile()

    found = reconcile(NOON + 2 * HOUR)

    assert found == {}
    last = Reconciliation.objects.order_by("-read_until")[0]
    assert last.read_from == NOON + HOUR - timedelta(days=3)
    assert (last.transactions, last.repaired) == (2, 0)


def test_full_run_compares_what_was_matched_before() -> None:
    sent()
    reconcile()
    BalanceTransaction.objects.filter(category="transfer").update(
        posting=Posting.objects.filter(kind="funding_paid").get()
    )

    reconciling.reconcile_fully(at=NOON + 2 * HOUR)

    row = BalanceTransaction.objects.select_related("posting").get(category="transfer")
    assert row.posting is not None
    assert row.posting.kind == "transfer_made"
    assert Break.objects.count() == 0


# Repaired alone ---------------------------------------------------------------------------------
def test_fee_that_nobody_booked_is_booked() -> None:
    moving.top_up(9000, "usd")
    rewrite(movement("topup"), fee=40, net=8960)

    found = reconcile()

    assert found == {}
    assert make.balance(account("psp_fees", currency="USD")) == 40
    assert make.balance(make.clearing()) == 8960


def test_fee_known_only_from_the_movement_is_booked_once() -> None:
    store.add_line("stripe_fee", -450, "usd", "")

    found = reconcile()
    again = reconcile(NOON + 2 * HOUR)

    assert (found, again) == ({}, {})
    assert make.balance(account("psp_fees", currency="USD")) == 450
    assert make.balance(make.clearing()) == -450


def test_moves_of_the_operators_own_money_are_booked() -> None:
    moving.top_up(9000, "usd")
    moving.withdraw(2500, "usd")

    found = reconcile()

    assert found == {}
    assert Posting.objects.filter(kind="treasury_moved").count() == 2
    assert make.balance(make.clearing()) == 6500
    assert make.balance(account("platform_bank", currency="USD")) == -6500


def test_our_own_transfer_is_found_and_adopted() -> None:
    make.owed(5000)
    run = make.approved_run()
    make.fault("time_out_after")
    payout = make.send(run)
    StripeEvent.objects.all().delete()
    SandboxObject.objects.filter(type="event").delete()

    found = reconcile()

    assert found == {}
    payout.refresh_from_db()
    assert payout.state == "transferred"
    assert Posting.objects.filter(kind="transfer_made").count() == 1
    assert Reconciliation.objects.get().repaired == 1


def test_message_that_was_lost_is_fetched_and_answered() -> None:
    client = make.organization()
    row = make.start_funding(client, usd(7000))
    sandboxing.arm_fault(
        kind="lose_event", path="checkout.session.", times=1, by=make.user().id, at=NOON
    )
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")

    found = reconcile()

    assert found == {}
    assert make.balance(make.wallet(client)) == 7000


# One difference of each kind --------------------------------------------------------------------
def test_money_that_no_posting_knows_is_missing_in_the_ledger() -> None:
    store.add_line("charge", 4000, "usd", stranger(), fee=100)

    found = reconcile()

    assert found == {"missing_in_ledger": (0, 3900)}


def test_what_has_just_happened_is_no_difference_yet() -> None:
    store.add_line("charge", 4000, "usd", stranger())

    assert reconcile(NOON + timedelta(minutes=9)) == {}
    assert reconcile(NOON + timedelta(minutes=10)) == {"missing_in_ledger": (0, 4000)}


def test_posting_that_the_provider_does_not_know_is_missing_there_after_a_day() -> None:
    make.pay_in(make.organization(), usd(600))

    early = reconcile(NOON + timedelta(hours=24))
    late = reconcile(NOON + timedelta(hours=24, seconds=1))

    assert early == {"balance_mismatch": (600, 0)}
    assert late == {"missing_at_provider": (600, 0)}


def test_movement_of_another_amount_is_named() -> None:
    sent(5000)
    rewrite(movement("transfer"), amount=-4000, net=-4000)

    assert reconcile() == {"amount_mismatch": (-5000, -4000)}


def test_movement_in_another_currency_is_named() -> None:
    sent(5000)
    rewrite(movement("transfer"), currency="eur")

    found = reconcile()

    assert found["currency_mismatch"] == (0, -5000)


def test_second_movement_of_the_same_object_is_named() -> None:
    attempt = sent(5000)
    store.add_line("transfer", -5000, "usd", str(attempt.provider_id))

    assert reconcile() == {"duplicate_provider_object": (0, -5000)}


def test_fee_that_cannot_be_booked_is_named() -> None:
    moving.top_up(9000, "usd")
    rewrite(movement("topup"), fee=-50, net=9050)

    found = reconcile()

    assert found == {"fee_unbooked": (0, 50)}


def test_fee_of_another_amount_than_the_booked_one_is_named() -> None:
    make.stocked(usd(100_000))
    rewrite(movement("charge"), fee=3000, net=97_000)

    assert reconcile() == {"fee_unbooked": (-2930, -3000)}


def test_movement_that_nobody_can_book_is_named() -> None:
    store.add_line("topup", -700, "usd", "", category="risk_reserved_funds")

    assert reconcile() == {"unknown_type": (0, -700)}


def test_balance_that_no_movement_explains_is_named() -> None:
    make.pay_in(make.organization(), usd(250))

    assert reconcile() == {"balance_mismatch": (250, 0)}


def test_earning_that_nothing_funded_is_named() -> None:
    batch = make.reservation(usd(500))
    who = make.expert()
    for key in ("work:one", "work:two"):
        earning.credit(
            key=key,
            expert=who,
            pay=usd(400),
            fee=usd(0),
            reservation=batch,
            pay_channel="stripe",
            hold=timedelta(0),
            at=NOON,
        )

    post_earnings(at=NOON)

    assert Break.objects.get().kind == "earning_unfunded"
