"""PAYOUT_MODE=transfer_and_payout: what leaves the beaten track finds its way back to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from marketplace.kit import clock
from marketplace.kit.money import Money
from payouts.gateways.chosen import gateway
from payouts.gateways.port import BankPayout, GatewayError, Refused
from payouts.gateways.sandbox import answers, banking, store, transport
from payouts.gateways.sandbox.moving import pay_bank
from payouts.gateways.stripe import StripeGateway
from payouts.models import Break, Payout, SandboxObject
from payouts.selectors.invariants import check_ledger
from payouts.services import bank_leg, bank_outcomes, bank_paying, bank_retrying, proposing
from tests.payouts import banks, make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def we_pay(settings: Settings) -> None:
    settings.PAYOUT_MODE = "transfer_and_payout"


def returned() -> Payout:
    """A payout that the bank sent back after it was paid."""
    payout = banks.paid(banks.transferred())
    make.drain()
    banks.press("fail_bank", str(banks.last_try(payout).provider_id))
    make.drain()
    payout.refresh_from_db()
    return payout


def declared_not_made(payout: Payout) -> None:
    """Two people say so a day later, and the job looks once more."""
    later = NOON + 25 * HOUR
    row = bank_retrying.propose_not_paid(
        attempt=banks.last_try(payout), why="looked at the dashboard", by=make.user(), at=later
    )
    proposing.approve(proposal=row, by=make.user(), at=later)
    bank_retrying.confirm_not_paid(proposal_id=row.id, at=later)
    payout.refresh_from_db()


def test_a_gone_account_keeps_no_other_bank_from_its_money(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = banks.transferred(), banks.transferred()
    gone = answers.Refusal(403, "account_invalid", "The key has no access to this account.")
    monkeypatch.setitem(transport._NOT_KEPT, "forbidden", gone)
    banks.fault("forbidden")

    banks.paid(first)

    assert (first.state, first.why) == ("bank_failed", "account_invalid")
    assert banks.tries(second) == ["succeeded"]


def test_a_pause_in_the_middle_of_a_tick_stops_the_rest(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout, _ = banks.transferred(), banks.transferred()
    deliver, claim = bank_paying.deliver, bank_paying.claim

    def pause_after(**known: object) -> None:
        deliver(**known)  # type: ignore[arg-type]
        settings.PAYMENTS_PAUSED = True

    monkeypatch.setattr(bank_paying, "deliver", pause_after)
    banks.paid(payout)

    other = Payout.objects.get(state="transferred")
    bank_paying.pay_bank(payout_id=other.id, at=NOON)
    assert (banks.left(), claim(payout_id=other.id, at=NOON)) == ([5000], None)
    settings.PAYMENTS_PAUSED = False
    banks.paid(other, NOON + HOUR)
    assert banks.left() == [5000, 5000]


def test_two_people_take_over_a_bank_payout_of_another_amount(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = StripeGateway.find_bank_payouts

    def found(self: StripeGateway, **known: object) -> list[BankPayout]:
        less = Money(4999, "USD")
        return [replace(each, amount=less) for each in find(self, **known)]  # type: ignore[arg-type]

    monkeypatch.setattr(StripeGateway, "find_bank_payouts", found)
    banks.fault("time_out_after")
    payout = banks.paid(banks.transferred())
    attempt = banks.last_try(payout)
    (seen,) = gateway().find_bank_payouts(account_id=payout.destination, created_after=NOON - HOUR)
    bank_outcomes.succeed(attempt_id=attempt.id, seen=seen, at=NOON)
    assert banks.last_try(payout).is_frozen

    declared_not_made(payout)
    bank_outcomes.succeed(attempt_id=attempt.id, seen=replace(seen, state="paid"), at=NOON)

    payout.refresh_from_db()
    row = Break.objects.get()
    assert (payout.state, banks.tries(payout), row.ref) == ("paid", ["succeeded"], seen.payout_id)
    assert (row.kind, row.expected_minor, row.found_minor) == ("amount_mismatch", -5000, -4999)


def test_an_automatic_payout_that_carries_one_by_hand_is_followed(settings: Settings) -> None:
    payout = returned()
    settings.PAYOUT_MODE = "transfer"
    banks.paid(payout, NOON + HOUR)
    failed = SandboxObject.objects.get(object_id=banks.last_try(payout).provider_id)
    line = store.lock(
        failed.body["failure_balance_transaction"], "balance_transaction", account=failed.account
    )
    line.group = store.new_id("po")
    line.save(update_fields=["group"])
    again = pay_bank(5000, "usd", failed.account, line.group)

    bank_leg.sync_bank_payout(account_id=failed.account, payout_id=again.object_id, at=NOON)

    payout.refresh_from_db()
    assert (payout.state, payout.bank_payout_id) == ("bank_pending", again.object_id)
    assert check_ledger(NOON).broken == ()


def test_what_a_bank_account_had_refused_is_not_tried_at_its_every_message() -> None:
    make.fault_at("restricted_account", "/v1/payouts")
    payout = banks.paid(banks.transferred())
    bank = banking.bank_of(store.get(payout.destination, "v2.core.account"))

    for hours in range(3):
        store.emit("connect", "account.external_account.updated", bank)
        make.drain()
        banks.paid(payout, NOON + hours * HOUR)

    assert (payout.state, banks.tries(payout)) == ("bank_failed", ["rejected"])


@pytest.mark.parametrize("answer", ["bank_sends_back", "refused"])
def test_a_new_bank_account_told_before_the_failure_is_paid(answer: str) -> None:
    payout = banks.transferred()
    if answer == "refused":
        banks.fault("error_before")
    banks.paid(payout)
    first = banks.last_try(payout)
    new = banking.add_bank(store.get(payout.destination, "v2.core.account"))
    store.emit("connect", "account.external_account.created", new)
    make.drain()
    if answer == "refused":
        bank_outcomes.refuse(
            attempt_id=first.id, refusal=Refused("closed", code="account_closed"), at=NOON
        )
    else:
        banks.press("fail_bank", str(first.provider_id))
        make.drain()

    for hours in (1, 2, 3):
        banks.paid(payout, clock.now() + hours * HOUR)

    assert banks.tries(payout)[1:] == ["succeeded"]
    assert banks.last_try(payout).bank_account == new.object_id


def test_an_arrival_that_stripe_does_not_tell_waits_for_a_person_or_another_bank(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payout = banks.transferred()

    def refuse(_self: StripeGateway, **_known: object) -> Money:
        raise Refused("No such account", code="account_invalid")

    with monkeypatch.context() as gone:
        gone.setattr(StripeGateway, "read_arrival", refuse)
        banks.paid(payout)
        banks.paid(payout, NOON + HOUR)
    assert (payout.state, payout.why) == ("bank_failed", "account_invalid")
    new = banking.add_bank(store.get(payout.destination, "v2.core.account"))
    store.emit("connect", "account.external_account.created", new)
    make.drain()
    banks.paid(payout, clock.now() + HOUR)

    assert banks.tries(payout) == ["succeeded"]


def test_a_try_that_turned_up_leaves_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    banks.fault("time_out_after")
    payout = banks.paid(banks.transferred())
    first = banks.last_try(payout)
    not_sent = Refused("said so", code=bank_outcomes.NOT_SENT)
    bank_outcomes.refuse(attempt_id=first.id, refusal=not_sent, at=NOON)
    banks.paid(payout, NOON + HOUR)
    assert banks.tries(payout) == ["rejected", "rejected"]  # the second found too little
    bank_paying.look_up(attempt=first, at=NOON + HOUR)

    def no_call(_self: StripeGateway, **_known: object) -> None:
        raise GatewayError("nothing is to be asked")

    monkeypatch.setattr(StripeGateway, "read_transfer", no_call)
    for hours in (2, 3, 12):
        banks.paid(payout, NOON + hours * HOUR)

    assert (payout.state, banks.tries(payout)) == ("bank_pending", ["succeeded", "rejected"])


def test_paid_by_a_returned_try_is_named() -> None:
    returned()
    assert check_ledger(NOON).broken == ()

    with transaction.atomic():
        Payout.objects.update(state="paid")
        found = {broken.invariant for broken in check_ledger(NOON).broken}
        transaction.set_rollback(True)

    assert found == {"L7"}
