"""What moves the platform's balance at Stripe, as the gateway reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from payouts.gateways.chosen import gateway
from payouts.gateways.port import Balance, BalanceTransaction, Dispute, Refund, Refused
from payouts.models import Funding, Payout, SandboxObject
from payouts.services import sandboxing
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def press(button: str, object_id: str) -> str:
    body = sandboxing.press(button=button, object_id=object_id, by=uuid7(), at=NOON)
    return str(body["id"])


def movements() -> list[tuple[str, str, int, int, str]]:
    """Type, category, amount, fee and the source's prefix, in the order they happened."""
    rows = gateway().list_balance_transactions().rows
    return [
        (row.kind, row.category, row.amount.minor, row.fee.minor, row.source.split("_")[0])
        for row in reversed(rows)
    ]


def paid(minor: int, act: str = "pay") -> Funding:
    """A funding of a client that chose this way to pay."""
    row = make.start_funding(make.organization(), usd(minor))
    sandboxing.act_on_checkout(session_id=str(row.session_id), act=act)
    return row


def charge_of(funding: Funding) -> str:
    return gateway().read_checkout(session_id=str(funding.session_id)).charge


def intent_of(funding: Funding) -> str:
    return gateway().read_checkout(session_id=str(funding.session_id)).payment_intent


def test_everything_that_moves_money_is_a_movement_with_its_category() -> None:
    funding = paid(100_000)
    gateway().refund(
        payment_intent=intent_of(funding), amount=usd(1000), reference=uuid7(), key="refund"
    )
    dispute = press("open_chargeback", charge_of(funding))
    press("win_chargeback", dispute)
    sandboxing.move_own_money(amount=usd(700), by=uuid7(), at=NOON)
    sandboxing.move_own_money(amount=usd(-300), by=uuid7(), at=NOON)
    client = make.stocked(usd(10_000))
    make.earned(make.onboarded(), 5000, client=client)
    payout = make.send(make.approved_run())
    press("reverse_transfer", str(payout.transfer_id))

    assert movements() == [
        ("charge", "charge", 100_000, 2930, "ch"),
        ("refund", "refund", -1000, 0, "re"),
        ("adjustment", "dispute", -99_000, 1500, "dp"),
        ("adjustment", "dispute_reversal", 99_000, 0, "dp"),
        ("topup", "topup", 700, 0, "tu"),
        ("payout", "payout", -300, 0, "po"),
        ("charge", "charge", 10_000, 320, "ch"),
        ("transfer", "transfer", -5000, 0, "tr"),
        ("transfer_refund", "transfer_reversal", 5000, 0, "trr"),
    ]
    nets = [row.net.minor for row in gateway().list_balance_transactions().rows]
    assert gateway().balance() == (Balance(usd(sum(nets)), usd(0)),)


def test_a_movement_is_read_whole() -> None:
    sandboxing.move_clock(ahead_seconds=0, settle_seconds=3600, by=uuid7(), at=NOON)
    with clock.at(NOON):
        funding = paid(10_000)
        charge = charge_of(funding)
        (row,) = gateway().list_balance_transactions().rows

        assert row == BalanceTransaction(
            transaction_id=row.transaction_id,
            kind="charge",
            category="charge",
            amount=usd(10_000),
            fee=usd(320),
            net=usd(9680),
            source=charge,
            is_available=False,
            available_at=NOON + timedelta(hours=1),
            created_at=NOON,
        )
        assert gateway().balance() == (Balance(usd(0), usd(9680)),)
    with clock.at(NOON + timedelta(hours=1)):
        (row,) = gateway().list_balance_transactions().rows
        assert row.is_available


def test_movements_are_paged_from_the_newest_and_cut_by_time() -> None:
    for minute in range(103):
        with clock.at(NOON + timedelta(minutes=minute)):
            sandboxing.move_own_money(amount=usd(minute + 1), by=uuid7(), at=NOON)

    first = gateway().list_balance_transactions()
    second = gateway().list_balance_transactions(cursor=first.cursor)
    recent = gateway().list_balance_transactions(created_after=NOON + timedelta(minutes=101))

    assert [row.amount.minor for row in first.rows] == list(range(103, 3, -1))
    assert [row.amount.minor for row in second.rows] == [3, 2, 1]
    assert (second.cursor, recent.cursor) == ("", "")
    assert [row.amount.minor for row in recent.rows] == [103, 102]


def test_a_refund_is_read_back_by_its_payment() -> None:
    funding, reference = paid(10_000), uuid7()
    intent = intent_of(funding)

    made = gateway().refund(payment_intent=intent, amount=usd(400), reference=reference, key="a")
    again = gateway().refund(payment_intent=intent, amount=usd(400), reference=reference, key="a")

    assert made == Refund(
        refund_id=made.refund_id,
        state="succeeded",
        why="",
        amount=usd(400),
        charge=charge_of(funding),
        payment_intent=intent,
        reference=str(reference),
        movement=SandboxObject.objects.get(body__source=made.refund_id).object_id,
    )
    assert again == gateway().read_refund(refund_id=made.refund_id) == made
    assert gateway().find_refunds(payment_intent=intent) == [made]


def test_no_more_is_refunded_than_was_paid() -> None:
    intent = intent_of(paid(10_000))
    paid(10_000)
    gateway().refund(payment_intent=intent, amount=usd(6000), reference=uuid7(), key="a")

    with pytest.raises(Refused, match=r"\(4001\) is greater than unrefunded amount"):
        gateway().refund(payment_intent=intent, amount=usd(4001), reference=uuid7(), key="b")

    gateway().refund(payment_intent=intent, amount=usd(4000), reference=uuid7(), key="c")
    with pytest.raises(Refused) as refused:
        gateway().refund(payment_intent=intent, amount=usd(1), reference=uuid7(), key="d")
    assert refused.value.code == "charge_already_refunded"


def test_a_refund_may_come_back() -> None:
    intent = intent_of(paid(10_000))
    made = gateway().refund(payment_intent=intent, amount=usd(400), reference=uuid7(), key="a")

    press("fail_refund", made.refund_id)

    seen = gateway().read_refund(refund_id=made.refund_id)
    assert (seen.state, seen.why) == ("failed", "expired_or_canceled_card")
    assert movements()[-1] == ("refund_failure", "refund_failure", 400, 0, "re")


def test_a_bank_debit_pays_when_the_bank_does() -> None:
    funding = paid(10_000, act="debit")
    page = gateway().read_checkout(session_id=str(funding.session_id))
    assert (page.is_open, page.is_paid, page.is_failed) == (False, False, False)
    assert movements() == []

    press("settle_debit", str(funding.session_id))
    press("settle_debit", str(funding.session_id))

    page = gateway().read_checkout(session_id=str(funding.session_id))
    assert (page.is_paid, page.received, page.fee) == (True, usd(10_000), usd(80))
    assert movements() == [("payment", "charge", 10_000, 80, "py")]


def test_a_bank_debit_may_be_refused_later() -> None:
    funding = paid(10_000, act="debit")

    press("fail_debit", str(funding.session_id))
    press("settle_debit", str(funding.session_id))

    page = gateway().read_checkout(session_id=str(funding.session_id))
    assert (page.is_paid, page.is_failed, movements()) == (False, True, [])


def test_a_dispute_says_what_was_taken_and_until_when() -> None:
    funding = paid(10_000)
    with clock.at(NOON):
        dispute_id = press("open_chargeback", charge_of(funding))
        seen = gateway().read_dispute(dispute_id=dispute_id)

    assert seen == Dispute(
        dispute_id=dispute_id,
        state="needs_response",
        reason="fraudulent",
        amount=usd(10_000),
        charge=charge_of(funding),
        payment_intent=intent_of(funding),
        evidence_due_at=NOON + timedelta(days=7),
        created_at=NOON,
        movements=seen.movements,
    )
    assert [(row.amount, row.fee) for row in seen.movements] == [(usd(-10_000), usd(1500))]


@pytest.mark.parametrize(
    ("buttons", "state", "moved"),
    [
        (["warn_of_chargeback"], "warning_needs_response", []),
        (["warn_of_chargeback", "lose_chargeback"], "warning_closed", []),
        (["warn_of_chargeback", "escalate_chargeback"], "needs_response", [-10_000]),
        (["open_chargeback", "lose_chargeback", "win_chargeback"], "lost", [-10_000]),
        (["open_chargeback", "win_chargeback", "lose_chargeback"], "won", [-10_000, 10_000]),
    ],
)
def test_a_dispute_ends_once(buttons: list[str], state: str, moved: list[int]) -> None:
    dispute_id = press(buttons[0], charge_of(paid(10_000)))

    for button in buttons[1:]:
        press(button, dispute_id)

    seen = gateway().read_dispute(dispute_id=dispute_id)
    assert (seen.state, [row.amount.minor for row in seen.movements]) == (state, moved)


def test_an_event_that_is_lost_is_found_among_the_missed_ones() -> None:
    sandboxing.arm_fault(kind="lose_event", path="checkout.session", times=1, by=uuid7(), at=NOON)
    funding = paid(10_000)
    make.drain()
    funding.refresh_from_db()
    assert funding.state == "paying"

    (body,) = gateway().list_missed_events().bodies

    assert (body["type"], body["data"]["object"]["id"]) == (
        "checkout.session.completed",
        funding.session_id,
    )
    assert {"endpoint", "is_lost"}.isdisjoint(body)


def test_a_transfer_arrives_in_the_currency_of_the_receivers_bank() -> None:
    client = make.stocked(usd(100_000))
    make.earned(make.onboarded("DE"), 5500, client=client)
    payout = make.send(make.approved_run())
    transfer = gateway().read_transfer(transfer_id=str(payout.transfer_id))

    arrived = gateway().read_arrival(account_id=payout.destination, payment_id=transfer.arrival)

    assert (transfer.amount, arrived) == (usd(5500), Money(5000, "EUR"))


def test_what_came_back_of_a_transfer_is_read_with_it() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())

    press("reverse_transfer", str(payout.transfer_id))

    (back,) = gateway().read_transfer(transfer_id=str(payout.transfer_id)).reversals
    assert (back.amount, back.reversal_id[:4]) == (usd(5000), "trr_")


def test_a_bank_that_refused_is_paid_again_and_carries_the_same_transfer() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())
    first = SandboxObject.objects.get(type="payout")

    press("fail_bank", first.object_id)
    again = press("change_bank", first.object_id)

    seen = gateway().read_bank_payout(account_id=payout.destination, payout_id=again)
    assert (seen.state, seen.transfers) == ("in_transit", (payout.transfer_id,))
    assert Payout.objects.count() == 1
