"""The provider's books against ours: nothing on a clean run, each kind of difference by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from payouts.gateways.port import GatewayError
from payouts.gateways.sandbox import moving, store
from payouts.models import (
    BalanceTransaction,
    Break,
    Funding,
    PayoutAttempt,
    Posting,
    Reconciliation,
    SandboxObject,
    StripeEvent,
)
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    earning,
    funding,
    ledger,
    proposing,
    reconciling,
    refunding,
    reversals,
    sandboxing,
)
from payouts.services.accounts import account
from payouts.services.breaking import open_break, propose_resolution
from payouts.services.looking_up import adopt_transfer
from payouts.services.rounds import post_earnings
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.races.crowd import together

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """The sandbox's Stripe lives at noon too."""
    with clock.at(NOON):
        yield


def _sent(pay: int = 5000) -> PayoutAttempt:
    """One expert paid through the whole chain; client and expert are the sandbox's."""
    make.owed(pay)
    payout = make.send(make.approved_run())
    return payout.attempts.get()


def _reconcile(at: datetime = NOON + HOUR) -> dict[str, tuple[int, int]]:
    """Every open break after a run: expected and found by kind."""
    reconciling.reconcile(at=at)
    rows = Break.objects.filter(state="open").order_by("id")
    return {row.kind: (row.expected_minor, row.found_minor) for row in rows}


def _movement(kind: str) -> SandboxObject:
    return SandboxObject.objects.get(type="balance_transaction", body__type=kind, account="")


def _rewrite(row: SandboxObject, **values: object) -> None:
    row.body = {**row.body, **values}
    row.save(update_fields=["body"])


# A clean run ------------------------------------------------------------------------------------
def test_whole_journey_of_money_leaves_nothing_open() -> None:
    attempt = _sent()
    make.drain()
    transfer = store.lock(str(attempt.provider_id), "transfer")
    moving.reverse(transfer, 1200, {})
    reversals.book_reversals(transfer_id=transfer.object_id, at=NOON)
    make.drain()

    found = _reconcile()

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
    _press("fail_refund", str(part.provider_id))
    for end in ("win_chargeback", "lose_chargeback"):
        paid = make.paid_funding(make.organization(), usd(8000))
        _press(end, _press("open_chargeback", str(paid.charge_id)))

    found = _reconcile()

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


def _press(button: str, object_id: str) -> str:
    body = sandboxing.press(button=button, object_id=object_id, by=uuid7(), at=NOON)
    make.drain()
    return str(body["id"])


def test_second_run_reads_three_days_back_and_changes_nothing() -> None:
    _sent()
    _reconcile()

    found = _reconcile(NOON + 2 * HOUR)

    assert found == {}
    last = Reconciliation.objects.order_by("-read_until")[0]
    assert last.read_from == NOON + HOUR - timedelta(days=3)
    assert (last.transactions, last.repaired) == (2, 0)


def test_full_run_compares_what_was_matched_before() -> None:
    _sent()
    _reconcile()
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
    _rewrite(_movement("topup"), fee=40, net=8960)

    found = _reconcile()

    assert found == {}
    assert make.balance(account("psp_fees", currency="USD")) == 40
    assert make.balance(make.clearing()) == 8960


def test_fee_known_only_from_the_movement_is_booked_once() -> None:
    store.add_line("stripe_fee", -450, "usd", "")

    found = _reconcile()
    again = _reconcile(NOON + 2 * HOUR)

    assert (found, again) == ({}, {})
    assert make.balance(account("psp_fees", currency="USD")) == 450
    assert make.balance(make.clearing()) == -450


def test_moves_of_the_operators_own_money_are_booked() -> None:
    moving.top_up(9000, "usd")
    moving.withdraw(2500, "usd")

    found = _reconcile()

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

    found = _reconcile()

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

    found = _reconcile()

    assert found == {}
    assert make.balance(make.wallet(client)) == 7000


# One difference of each kind --------------------------------------------------------------------
def test_money_that_no_posting_knows_is_missing_in_the_ledger() -> None:
    store.add_line("charge", 4000, "usd", _stranger(), fee=100)

    found = _reconcile()

    assert found == {"missing_in_ledger": (0, 3900)}


def test_what_has_just_happened_is_no_difference_yet() -> None:
    store.add_line("charge", 4000, "usd", _stranger())

    assert _reconcile(NOON + timedelta(minutes=9)) == {}
    assert _reconcile(NOON + timedelta(minutes=10)) == {"missing_in_ledger": (0, 4000)}


def test_posting_that_the_provider_does_not_know_is_missing_there_after_a_day() -> None:
    make.pay_in(make.organization(), usd(600))

    early = _reconcile(NOON + timedelta(hours=24))
    late = _reconcile(NOON + timedelta(hours=24, seconds=1))

    assert early == {"balance_mismatch": (600, 0)}
    assert late == {"missing_at_provider": (600, 0)}


def test_movement_of_another_amount_is_named() -> None:
    _sent(5000)
    _rewrite(_movement("transfer"), amount=-4000, net=-4000)

    assert _reconcile() == {"amount_mismatch": (-5000, -4000)}


def test_movement_in_another_currency_is_named() -> None:
    _sent(5000)
    _rewrite(_movement("transfer"), currency="eur")

    found = _reconcile()

    assert found["currency_mismatch"] == (0, -5000)


def test_second_movement_of_the_same_object_is_named() -> None:
    attempt = _sent(5000)
    store.add_line("transfer", -5000, "usd", str(attempt.provider_id))

    assert _reconcile() == {"duplicate_provider_object": (0, -5000)}


def test_fee_that_cannot_be_booked_is_named() -> None:
    moving.top_up(9000, "usd")
    _rewrite(_movement("topup"), fee=-50, net=9050)

    found = _reconcile()

    assert found == {"fee_unbooked": (0, 50)}


def test_fee_of_another_amount_than_the_booked_one_is_named() -> None:
    make.stocked(usd(100_000))
    _rewrite(_movement("charge"), fee=3000, net=97_000)

    assert _reconcile() == {"fee_unbooked": (-2930, -3000)}


def test_movement_that_nobody_can_book_is_named() -> None:
    store.add_line("topup", -700, "usd", "", category="risk_reserved_funds")

    assert _reconcile() == {"unknown_type": (0, -700)}


def test_balance_that_no_movement_explains_is_named() -> None:
    make.pay_in(make.organization(), usd(250))

    assert _reconcile() == {"balance_mismatch": (250, 0)}


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


def _stranger() -> str:
    """A charge of nobody's."""
    row = store.add("ch", "charge", {"amount": 4000, "currency": "usd", "payment_intent": None})
    return row.object_id


# What happens to a difference -------------------------------------------------------------------
def test_difference_closes_itself_once_it_has_gone() -> None:
    _sent(5000)
    line = _movement("transfer")
    _rewrite(line, amount=-4000, net=-4000)
    assert set(_reconcile()) == {"amount_mismatch"}
    _rewrite(line, amount=-5000, net=-5000)

    found = _reconcile(NOON + 2 * HOUR)

    assert found == {}
    row = Break.objects.get()
    assert (row.state, row.resolved_by) == ("resolved", None)


def test_break_of_a_movement_that_another_run_matched_closes_itself() -> None:
    make.stocked(usd(100_000))
    _reconcile()
    row = BalanceTransaction.objects.get()
    open_break(
        kind="missing_in_ledger",
        ref=row.id,
        currency="USD",
        expected_minor=0,
        found_minor=97_070,
        detail="Seen before the message was answered.",
        at=NOON,
    )

    assert _reconcile(NOON + 2 * HOUR) == {}


def test_correction_by_two_people_explains_a_movement() -> None:
    store.add_line("topup", -700, "usd", "", category="risk_reserved_funds")
    _reconcile()
    costs = account("platform_expense", currency="USD")
    proposal = propose_resolution(
        row=Break.objects.get(),
        note="Stripe keeps a reserve; we write it off.",
        legs=[ledger.Leg.debit(costs, usd(700)), ledger.Leg.credit(make.clearing(), usd(700))],
        by=make.user(),
        at=NOON,
    )
    proposing.approve(proposal=proposal, by=make.user(), at=NOON)

    found = _reconcile(NOON + 2 * HOUR)

    assert found == {}
    posting = BalanceTransaction.objects.get().posting
    assert posting is not None
    assert posting.kind == "correction"


def test_movement_that_changed_is_matched_again() -> None:
    _sent(5000)
    assert _reconcile() == {}
    _rewrite(_movement("transfer"), amount=-4999, net=-4999)

    assert _reconcile(NOON + 2 * HOUR) == {"amount_mismatch": (-5000, -4999)}


def test_provider_that_does_not_answer_leaves_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def silence(*_: object, **__: object) -> None:
        raise GatewayError("no answer")

    monkeypatch.setattr("payouts.gateways.stripe.StripeGateway.balance", silence)

    with pytest.raises(GatewayError):
        reconciling.reconcile(at=NOON)

    assert Reconciliation.objects.count() == 0


def test_payment_whose_row_does_not_name_its_charge_is_found_by_its_payment() -> None:
    make.stocked(usd(100_000))
    Funding.objects.update(charge_id=None)

    assert _reconcile() == {}


# The command ------------------------------------------------------------------------------------
def test_command_says_that_nothing_differs() -> None:
    make.stocked(usd(100_000))
    out = StringIO()

    call_command("reconcile", stdout=out)

    assert out.getvalue() == "Nothing differs: 1 movements are booked.\n"


def test_command_fails_while_a_break_is_open_and_names_it() -> None:
    make.pay_in(make.organization(), usd(250))
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError, match="1 open breaks"):
        call_command("reconcile", "--full", stderr=err)
    with pytest.raises(CommandError):
        call_command("reconcile", "--json", stdout=out)

    assert err.getvalue().startswith("balance_mismatch USD: ")
    assert json.loads(out.getvalue())["breaks"][0]["expected_minor"] == 250


# At the same moment -----------------------------------------------------------------------------
@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_message_that_comes_during_a_run_books_once() -> None:
    client = make.organization()
    row = make.start_funding(client, usd(7000))
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")
    make.owed(5000, stock=20_000)
    make.fault("time_out_after")
    run = make.approved_run()
    attempt = make.send(run).attempts.get()
    found = SandboxObject.objects.get(type="transfer").object_id

    ends = together(
        [
            lambda: _pinned(lambda: reconciling.reconcile(at=NOON + HOUR)),
            lambda: _pinned(
                lambda: funding.settle_checkout(session_id=str(row.session_id), at=NOON)
            ),
            lambda: _pinned(lambda: adopt_transfer(transfer_id=found, at=NOON)),
            lambda: _pinned(lambda: reconciling.reconcile_fully(at=NOON + HOUR)),
        ]
    )

    assert [end for end in ends if isinstance(end, Exception)] == []
    assert _reconcile(NOON + 2 * HOUR) == {}
    kinds = Posting.objects.filter(kind__in=["funding_paid", "fee_booked", "transfer_made"])
    assert sorted(kinds.values_list("kind", flat=True)) == [
        *["fee_booked"] * 2,
        *["funding_paid"] * 2,
        "transfer_made",
    ]
    attempt.refresh_from_db()
    assert attempt.provider_id == found
    assert make.balance(make.clearing()) == 20_000 - 610 + 7000 - 233 - 5000


def _pinned(call: Callable[[], object]) -> object:
    with clock.at(NOON):
        return call()
