"""Row 20: free money goes back through the payments it came from, once, whatever happens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.kit.states import IllegalTransition
from marketplace.organizations.models import Organization
from payouts.gateways.port import Refused
from payouts.models import Chargeback, PauseTurn, Refund, RefundPart, SandboxObject
from payouts.selectors.budgets import wallet
from payouts.selectors.invariants import check_ledger
from payouts.selectors.refunds import most_refundable
from payouts.services import budgeting, giving_back, refunding, returning, sandboxing
from payouts.services.accounts import account
from payouts.services.ledger import InsufficientBalance
from payouts.services.proposing import SamePerson
from payouts.services.refunding import NotRefundable, RefundKeyReused
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def paid(*amounts: int) -> Organization:
    """A client with these card payments, the last one the newest."""
    client = make.organization()
    for amount in amounts:
        make.paid_funding(client, usd(amount))
    return client


def ask(client: Organization, amount: int, *, refund_id: UUID | None = None) -> Refund:
    return refunding.request_refund(
        refund_id=refund_id or uuid7(),
        organization=client,
        amount=usd(amount),
        why="Not needed any more",
        by=uuid7(),
        at=NOON,
    )


def approved(client: Organization, amount: int) -> Refund:
    """Approved by a second person; its job has not run."""
    return refunding.approve_refund(refund=ask(client, amount), by=make.user(), at=NOON)


def fault(kind: str) -> None:
    sandboxing.arm_fault(kind=kind, path="/v1/refunds", times=1, by=uuid7(), at=NOON)


def given_back() -> list[int]:
    """What the sandbox's Stripe really gave back, in order."""
    rows = SandboxObject.objects.filter(type="refund").order_by("position")
    return [row.body["amount"] for row in rows]


def moving(client: Organization) -> int:
    return make.balance(account("refund_in_transit", currency="USD", organization=client))


def states(refund: Refund) -> tuple[str, list[str]]:
    refund.refresh_from_db()
    return refund.state, list(refund.parts.order_by("id").values_list("state", flat=True))


def test_more_than_the_free_amount_is_refused_with_both_amounts() -> None:
    client = paid(10_000)
    budgeting.allocate(
        organization=client, subject_id=uuid7(), amount=usd(4000), by=uuid7(), key="a", at=NOON
    )

    with pytest.raises(InsufficientBalance) as refused:
        ask(client, 6001)

    assert refused.value.message == "This needs 60.01 USD, but there is 60.00 USD in the wallet."
    assert (Refund.objects.count(), wallet(client, "USD")) == (0, usd(6000))


def test_a_refund_is_set_aside_and_sent_when_finance_has_approved() -> None:
    client = paid(10_000)

    refund = ask(client, 3000)
    before = refund.state, given_back(), wallet(client, "USD"), moving(client)
    refunding.approve_refund(refund=refund, by=make.user(), at=NOON)
    make.drain()

    assert before == ("requested", [], usd(7000), 3000)
    assert states(refund) == ("paid", ["succeeded"])
    assert (given_back(), moving(client)) == ([3000], 0)
    assert make.balance(make.clearing()) == 10_000 - 320 - 3000
    assert check_ledger(NOON).broken == ()


def test_nobody_approves_what_they_asked_for() -> None:
    asker = make.user()
    refund = ask(paid(10_000), 3000)
    Refund.objects.update(asked_by=asker.pk)

    with pytest.raises(SamePerson):
        refunding.approve_refund(refund=refund, by=asker, at=NOON)
    with pytest.raises(IntegrityError, match="refund_checker_is_not_maker"), transaction.atomic():
        Refund.objects.update(approved_by=asker.pk)


def test_it_is_split_over_the_payments_the_newest_first() -> None:
    client = paid(5000, 2000, 3000)

    refund = ask(client, 6000)
    second = ask(client, 2500)

    shares = list(refund.parts.order_by("id").values_list("amount_minor", flat=True))
    assert shares == [3000, 2000, 1000]
    assert list(second.parts.values_list("amount_minor", flat=True)) == [2500]
    assert most_refundable(client, "USD", at=NOON) == usd(1500)


def test_each_part_has_its_own_key_and_both_really_leave() -> None:
    client = paid(5000, 2000)

    refund = approved(client, 6000)
    make.drain()

    assert states(refund) == ("paid", ["succeeded", "succeeded"])
    assert given_back() == [2000, 4000]
    assert RefundPart.objects.values("key").distinct().count() == 2


def test_money_that_came_by_wire_does_not_go_back_by_card() -> None:
    client = paid(1000)
    make.pay_in(client, usd(9000))

    with pytest.raises(NotRefundable) as refused:
        ask(client, 1001)

    assert refused.value.message.startswith("Only 10.00 USD can go back by card or bank debit.")
    assert wallet(client, "USD") == usd(10_000)


def test_small_refunds_go_alone_until_the_day_has_had_its_share(settings: Settings) -> None:
    settings.REFUND_AUTO_MINOR = 1000
    client = paid(10_000)

    first, second, third = ask(client, 600), ask(client, 401), ask(client, 400)
    make.drain()

    assert [states(each)[0] for each in (first, second, third)] == ["paid", "requested", "paid"]
    assert given_back() == [600, 400]


def test_asked_twice_with_one_id_it_is_one_refund() -> None:
    client, key = paid(10_000), uuid7()

    first, again = ask(client, 3000, refund_id=key), ask(client, 3000, refund_id=key)

    assert (first, wallet(client, "USD")) == (again, usd(7000))
    with pytest.raises(RefundKeyReused):
        ask(client, 3001, refund_id=key)


@pytest.mark.parametrize("act", ["refuse", "withdraw"])
def test_what_is_not_sent_is_free_again(act: str) -> None:
    client = paid(10_000)
    refund = ask(client, 3000)

    if act == "refuse":
        refunding.refuse_refund(refund=refund, answer="Please call us", by=make.user(), at=NOON)
    else:
        refunding.withdraw_refund(refund=refund, by=uuid7(), at=NOON)

    assert (states(refund), wallet(client, "USD")) == (("refused", ["failed"]), usd(10_000))
    with pytest.raises(IllegalTransition):
        refunding.approve_refund(refund=refund, by=make.user(), at=NOON)
    assert check_ledger(NOON).broken == ()


@pytest.mark.parametrize("kind", ["time_out_after", "error_after"])
def test_an_unknown_answer_is_repeated_with_the_same_key(kind: str) -> None:
    client = paid(10_000)
    refund = approved(client, 3000)
    fault(kind)

    returning.send_refund(refund_id=refund.id, at=NOON)
    unknown = states(refund), moving(client)
    for hours in range(1, 4):
        returning.sweep_refunds(at=NOON + hours * HOUR)

    assert unknown == (("unknown", ["unknown"]), 3000)
    assert (states(refund), given_back()) == (("paid", ["succeeded"]), [3000])
    assert (moving(client), wallet(client, "USD")) == (0, usd(7000))
    assert check_ledger(NOON).broken == ()


def test_after_twenty_hours_it_is_only_looked_up() -> None:
    client = paid(10_000)
    refund = approved(client, 3000)
    fault("time_out_after")
    returning.send_refund(refund_id=refund.id, at=NOON)
    key = RefundPart.objects.get().key
    RefundPart.objects.update(key="another key would pay twice")

    returning.sweep_refunds(at=NOON + 21 * HOUR)

    RefundPart.objects.update(key=key)
    assert (states(refund), given_back()) == (("paid", ["succeeded"]), [3000])


def test_a_refusal_gives_that_part_back_to_the_wallet() -> None:
    client = paid(5000, 2000)
    refund = approved(client, 6000)
    first = refund.parts.order_by("id")[0]
    charge = SandboxObject.objects.get(object_id=first.funding.charge_id)
    charge.body["amount_refunded"] = 2000
    charge.save(update_fields=["body"])

    make.drain()

    assert states(refund) == ("paid", ["failed", "succeeded"])
    assert (given_back(), wallet(client, "USD")) == ([4000], usd(3000))
    assert moving(client) == 0


def test_too_little_money_at_stripe_waits_and_goes_with_a_new_key() -> None:
    client = paid(10_000)
    sandboxing.move_own_money(amount=usd(-9000), by=uuid7(), at=NOON)
    refund = approved(client, 3000)
    first = RefundPart.objects.get().key

    returning.send_refund(refund_id=refund.id, at=NOON)
    waiting = states(refund), moving(client)
    sandboxing.move_own_money(amount=usd(9000), by=uuid7(), at=NOON)
    returning.sweep_refunds(at=NOON + HOUR)

    assert waiting == (("sending", ["sending"]), 3000)
    assert (states(refund), given_back()) == (("paid", ["succeeded"]), [3000])
    assert RefundPart.objects.get().key != first


def test_a_refund_that_the_bank_sends_back_is_in_the_wallet_again() -> None:
    client = paid(10_000)
    refund = approved(client, 3000)
    make.drain()

    part = RefundPart.objects.get()
    sandboxing.press(button="fail_refund", object_id=str(part.provider_id), by=uuid7(), at=NOON)
    make.drain()
    returning.sync_refund(refund_id=str(part.provider_id), at=NOON)

    assert (states(refund), wallet(client, "USD")) == (("failed", ["failed"]), usd(10_000))
    assert make.balance(make.clearing()) == 10_000 - 320
    assert ask(client, 10_000).state == "requested"
    assert check_ledger(NOON).broken == ()


def test_nothing_is_sent_while_payments_are_paused() -> None:
    client = paid(10_000)
    PauseTurn.objects.create(is_paused=True, why="An incident", by=make.user(), at=NOON)
    refund = approved(client, 3000)

    make.drain()
    paused = given_back(), states(refund)
    PauseTurn.objects.create(is_paused=False, why="It is over", by=make.user(), at=NOON)
    returning.sweep_refunds(at=NOON)

    assert paused == ([], ("approved", ["created"]))
    assert given_back() == [3000]


def test_a_refund_waits_while_a_chargeback_that_came_later_is_open() -> None:
    client = paid(10_000, 5000)
    refund = ask(client, 5000)
    older = SandboxObject.objects.filter(type="charge").order_by("position")[0]
    sandboxing.press(button="open_chargeback", object_id=older.object_id, by=uuid7(), at=NOON)
    make.drain()
    sandboxing.move_own_money(amount=usd(50_000), by=uuid7(), at=NOON)
    left = wallet(client, "USD")
    Chargeback.objects.update(amount_minor=10_001)  # more than the wallet has left

    refunding.approve_refund(refund=refund, by=make.user(), at=NOON)
    returning.send_refund(refund_id=refund.id, at=NOON)
    held = states(refund), given_back()
    Chargeback.objects.update(amount_minor=10_000)
    returning.sweep_refunds(at=NOON + 2 * HOUR)

    assert left == usd(10_000)
    assert held == (("approved", ["created"]), [])
    assert (states(refund), given_back()) == (("paid", ["succeeded"]), [5000])


def test_a_contested_payment_is_not_given_back_by_hand_too() -> None:
    client = paid(10_000)
    make.pay_in(client, usd(50_000))
    charge = SandboxObject.objects.get(type="charge")
    sandboxing.press(button="open_chargeback", object_id=charge.object_id, by=uuid7(), at=NOON)
    make.drain()

    with pytest.raises(NotRefundable):
        ask(client, 1)


def test_a_lost_job_is_made_good_by_the_sweep() -> None:
    client = paid(10_000)
    refund = approved(client, 3000)

    returning.sweep_refunds(at=NOON)
    make.drain()

    assert (states(refund)[0], given_back()) == ("paid", [3000])


@pytest.mark.parametrize("minor", [0, -1, 2**53])
def test_an_amount_that_cannot_be_is_refused(minor: int) -> None:
    with pytest.raises(InvalidInput):
        ask(paid(), minor)


@pytest.mark.parametrize("minor", [1.5, True, "100"])
def test_an_amount_that_is_no_whole_number_never_begins(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "USD")  # type: ignore[arg-type]  # what a caller might try


def test_another_currency_than_was_paid_in_has_nothing_to_give() -> None:
    client = paid(10_000)

    with pytest.raises(InsufficientBalance):
        refunding.request_refund(
            refund_id=uuid7(),
            organization=client,
            amount=Money(100, "EUR"),
            why="",
            by=uuid7(),
            at=NOON,
        )


def test_a_refund_that_is_not_what_was_asked_for_waits_for_a_person() -> None:
    client = paid(10_000)
    refund = approved(client, 3000)
    fault("time_out_after")
    returning.send_refund(refund_id=refund.id, at=NOON)
    row = SandboxObject.objects.get(type="refund")
    row.body["amount"] = 2999
    row.save(update_fields=["body"])

    returning.look_up_refund(part=refund.parts.get(), at=NOON)

    part = refund.parts.get()
    assert (part.state, part.next_try_at, moving(client)) == ("unknown", None, 3000)
    assert part.error_message.startswith("Stripe has 29.99 USD")


def test_the_refusal_of_a_part_is_final() -> None:
    client = paid(10_000)
    refund = approved(client, 3000)
    part = refund.parts.get()

    for _ in range(2):
        giving_back.refuse_part(part_id=part.id, refusal=Refused("No", code="no"), at=NOON)

    assert (states(refund)[0], wallet(client, "USD")) == ("failed", usd(10_000))
