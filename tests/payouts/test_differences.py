"""What becomes of a difference with the provider's books, and the command that looks for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from marketplace.kit import clock
from payouts.gateways.port import GatewayError
from payouts.gateways.sandbox import store
from payouts.models import (
    BalanceTransaction,
    Break,
    Funding,
    Posting,
    Reconciliation,
    SandboxObject,
)
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    funding,
    ledger,
    proposing,
    reconciling,
    sandboxing,
)
from payouts.services.accounts import account
from payouts.services.breaking import open_break, propose_resolution
from payouts.services.looking_up import adopt_transfer
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.provider import HOUR, movement, reconcile, rewrite, sent
from tests.races.crowd import together

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """The sandbox's Stripe lives at noon too."""
    with clock.at(NOON):
        yield


# What happens to a difference -------------------------------------------------------------------
def test_difference_closes_itself_once_it_has_gone() -> None:
    sent(5000)
    line = movement("transfer")
    rewrite(line, amount=-4000, net=-4000)
    assert set(reconcile()) == {"amount_mismatch"}
    rewrite(line, amount=-5000, net=-5000)

    found = reconcile(NOON + 2 * HOUR)

    assert found == {}
    row = Break.objects.get()
    assert (row.state, row.resolved_by) == ("resolved", None)


def test_break_of_a_movement_that_another_run_matched_closes_itself() -> None:
    make.stocked(usd(100_000))
    reconcile()
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

    assert reconcile(NOON + 2 * HOUR) == {}


def test_correction_by_two_people_explains_a_movement() -> None:
    store.add_line("topup", -700, "usd", "", category="risk_reserved_funds")
    reconcile()
    costs = account("platform_expense", currency="USD")
    proposal = propose_resolution(
        row=Break.objects.get(),
        note="Stripe keeps a reserve; we write it off.",
        legs=[ledger.Leg.debit(costs, usd(700)), ledger.Leg.credit(make.clearing(), usd(700))],
        by=make.user(),
        at=NOON,
    )
    proposing.approve(proposal=proposal, by=make.user(), at=NOON)

    found = reconcile(NOON + 2 * HOUR)

    assert found == {}
    posting = BalanceTransaction.objects.get().posting
    assert posting is not None
    assert posting.kind == "correction"


def _resolve(legs: Sequence[ledger.Leg] = ()) -> None:
    row = Break.objects.get(state="open")
    proposal = propose_resolution(
        row=row, note="Stripe has explained it.", legs=legs, by=make.user(), at=NOON
    )
    proposing.approve(proposal=proposal, by=make.user(), at=NOON)


def _clearing(minor: int) -> list[ledger.Leg]:
    """Raise what the books have at the provider."""
    bank = account("platform_bank", currency="USD")
    return [ledger.Leg.debit(make.clearing(), usd(minor)), ledger.Leg.credit(bank, usd(minor))]


@pytest.mark.parametrize("is_corrected", [True, False])
def test_accepted_amount_of_a_movement_leaves_no_other_difference(*, is_corrected: bool) -> None:
    sent(5000)
    rewrite(movement("transfer"), amount=-4000, net=-4000)
    assert reconcile() == {"amount_mismatch": (-5000, -4000)}

    _resolve(_clearing(1000) if is_corrected else ())

    assert reconcile(NOON + 2 * HOUR) == {}
    assert reconcile(NOON + 3 * HOUR) == {}
    is_open = BalanceTransaction.objects.filter(category="transfer", posting=None).exists()
    assert is_open is not is_corrected
    broken = {each.invariant for each in check_ledger(NOON + 3 * HOUR).broken}
    assert "L13" not in broken


@pytest.mark.parametrize("is_corrected", [True, False])
def test_accepted_fee_of_a_movement_leaves_no_other_difference(*, is_corrected: bool) -> None:
    make.stocked(usd(100_000))
    rewrite(movement("charge"), fee=2000, net=98_000)
    assert reconcile() == {"fee_unbooked": (-2930, -2000)}

    _resolve(_clearing(930) if is_corrected else ())

    assert reconcile(NOON + 2 * HOUR) == {}
    assert reconcile(NOON + 3 * HOUR) == {}


def test_movement_that_changed_is_matched_again() -> None:
    sent(5000)
    assert reconcile() == {}
    rewrite(movement("transfer"), amount=-4999, net=-4999)

    assert reconcile(NOON + 2 * HOUR) == {"amount_mismatch": (-5000, -4999)}


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

    assert reconcile() == {}


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
    assert reconcile(NOON + 2 * HOUR) == {}
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
