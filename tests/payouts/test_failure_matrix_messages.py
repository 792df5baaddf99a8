"""The failure matrix of docs/concepts/money.md: Stripe's messages, and what they tell of."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from marketplace.events.models import Event
from marketplace.jobs.models import Job
from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from payouts.gateways.chosen import gateway
from payouts.gateways.signature import TOLERANCE, sign
from payouts.models import Funding, Payout, Posting, SandboxObject, StripeEvent
from payouts.selectors.budgets import wallet
from payouts.services import bank_leg, inbox, looking_up, sandboxing, sending
from payouts.services.inbox import LARGEST_BODY, NotKnownYet, NotParked
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
BODY: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.created",
    "livemode": False,
    "data": {"object": {"id": "cus_1"}},
}
TEXT = json.dumps(BODY)


def post(client: Client, body: bytes, signature: str, endpoint: str = "platform") -> int:
    answer = client.post(
        f"/stripe/webhooks/{endpoint}",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )
    return int(answer.status_code)


def send(client: Client, body: dict[str, Any], endpoint: str = "platform") -> int:
    """Post a message with the endpoint's own signature."""
    text = json.dumps(body)
    signature = sign(endpoint=endpoint, body=text, at=clock.now())
    return post(client, text.encode(), signature, endpoint)


def press(button: str, object_id: str) -> None:
    sandboxing.press(button=button, object_id=object_id, by=uuid7(), at=NOON)


def bank() -> SandboxObject:
    return SandboxObject.objects.filter(type="payout").latest("position")


def test_row_12_a_message_told_again_under_another_id_has_one_effect(client: Client) -> None:
    owner = make.organization()
    make.paid_funding(owner, usd(5000))
    told = SandboxObject.objects.get(type="event").body
    named = {name: value for name, value in told.items() if name not in {"endpoint", "is_lost"}}

    answers = [send(client, {**named, "id": each}) for each in (told["id"], "evt_b", "evt_c")]
    make.drain()

    assert answers == [200, 200, 200]
    assert wallet(owner, "USD") == usd(5000)
    assert Posting.objects.filter(kind="funding_paid").count() == 1
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"handled"}


def test_row_12_a_transfer_told_twice_is_recorded_once() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())

    found = {
        looking_up.adopt_transfer(transfer_id=str(payout.transfer_id), at=NOON) for _ in range(2)
    }

    assert found == {payout.attempts.get()}
    assert Posting.objects.filter(kind="transfer_made").count() == 1


def test_row_13_an_answer_read_too_early_does_not_undo_paid() -> None:
    make.owed(5000)
    make.send(make.approved_run())
    make.drain()
    row = bank()
    row.body["status"] = "in_transit"
    row.save(update_fields=["body"])

    bank_leg.sync_bank_payout(account_id=row.account, payout_id=row.object_id, at=NOON)

    assert Payout.objects.get().state == "paid"


def test_row_13_a_bank_message_may_be_the_first_to_tell_of_a_transfer() -> None:
    make.owed(5000)
    make.fault("time_out_after")
    payout = make.send(make.approved_run())
    assert payout.state == "unknown"
    row = bank()

    bank_leg.sync_bank_payout(account_id=row.account, payout_id=row.object_id, at=NOON)

    payout.refresh_from_db()
    assert (payout.state, payout.attempts.get().state) == ("bank_pending", "succeeded")


@pytest.fixture
def early() -> tuple[Funding, StripeEvent, str]:
    """A message about a payment page whose row is not written yet."""
    row = make.start_funding(make.organization(), usd(5000))
    session = str(row.session_id)
    Funding.objects.filter(id=row.id).update(session_id="cs_not_yet")
    sandboxing.act_on_checkout(session_id=session, act="pay")
    make.drain()
    return row, StripeEvent.objects.get(), session


def test_row_14_a_message_about_an_unknown_object_comes_back_later_and_later(
    early: tuple[Funding, StripeEvent, str],
) -> None:
    _, event, _ = early
    job = Job.objects.get(kind="payouts.answer_event")
    assert (event.state, job.state) == ("received", "ready")
    assert timedelta(seconds=20) < job.run_at - clock.now() <= timedelta(seconds=30)

    pauses, at = [], event.received_at
    while at - event.received_at < inbox.PATIENCE:
        with pytest.raises(NotKnownYet) as unknown:
            inbox.answer_event(event_id=event.id, at=at)
        pauses.append((unknown.value.again_at - at) // timedelta(seconds=1))
        at = unknown.value.again_at

    assert pauses[:8] == [30, 30, 60, 120, 240, 480, 960, 1920]
    assert set(pauses[8:]) == {3600}
    assert len(pauses) == 31


def test_row_14_after_a_day_it_is_parked_and_a_person_may_try_again(
    early: tuple[Funding, StripeEvent, str],
) -> None:
    row, event, session = early
    with pytest.raises(NotParked):
        inbox.retry_event(event=event, by=uuid7(), at=NOON)
    inbox.answer_event(event_id=event.id, at=event.received_at + inbox.PATIENCE)
    event.refresh_from_db()
    assert (event.state, event.reason) == ("parked", "This payment is not ours, or not yet.")
    Funding.objects.filter(id=row.id).update(session_id=session)

    inbox.retry_event(event=event, by=uuid7(), at=clock.now())
    make.drain()

    event.refresh_from_db()
    assert (event.state, wallet(row.organization, "USD")) == ("handled", usd(5000))
    assert Event.objects.filter(kind="stripe_event.retried").count() == 1


def test_row_14_what_stripe_does_not_know_is_parked_too(client: Client) -> None:
    body = {**BODY, "type": "transfer.created", "data": {"object": {"id": "tr_gone"}}}
    send(client, body)
    make.drain()
    event = StripeEvent.objects.get()
    assert event.state == "received"

    inbox.answer_event(event_id=event.id, at=event.received_at + inbox.PATIENCE)

    event.refresh_from_db()
    assert (event.state, event.reason) == ("parked", "No such transfer: 'tr_gone'")


Given = Callable[[Settings], tuple[bytes, str]]


def _signed(text: str, *, endpoint: str = "platform", age: timedelta = timedelta(0)) -> Given:
    def given(_: Settings) -> tuple[bytes, str]:
        return text.encode(), sign(endpoint=endpoint, body=text, at=clock.now() - age)

    return given


def _altered(_: Settings) -> tuple[bytes, str]:
    signature = sign(endpoint="platform", body=TEXT, at=clock.now())
    return TEXT.replace("cus_1", "cus_2").encode(), signature


def _with(signature: str, body: bytes = TEXT.encode()) -> Given:
    return lambda _settings: (body, signature)


def _without_a_secret(settings: Settings) -> tuple[bytes, str]:
    found = _signed(TEXT)(settings)
    settings.PAYMENTS_MODE, settings.STRIPE_WEBHOOK_SECRET = "stripe", " , "
    return found


def _secret_that_rotated_out(settings: Settings) -> tuple[bytes, str]:
    settings.PAYMENTS_MODE, settings.STRIPE_WEBHOOK_SECRET = "stripe", "whsec_oldest"
    found = _signed(TEXT)(settings)
    settings.STRIPE_WEBHOOK_SECRET = "whsec_new,whsec_old"
    return found


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (_with(""), 400),
        (_with("nonsense"), 400),
        (_with("t=x,v1=y"), 400),
        (_with("v1=abc"), 400),
        (_with("t=1"), 400),
        (_signed(TEXT, age=TOLERANCE + timedelta(seconds=1)), 400),
        (_signed(TEXT, age=-TOLERANCE - timedelta(seconds=1)), 400),
        (_signed(TEXT, endpoint="connect"), 400),
        (_signed(TEXT, endpoint="thin"), 400),
        (_altered, 400),
        (_secret_that_rotated_out, 400),
        (_without_a_secret, 404),
        (_signed(""), 400),
        (_signed("not json"), 400),
        (_signed("[]"), 400),
        (_signed("{}"), 400),
        (_signed('"x"'), 400),
        (_signed("7"), 400),
        (_with("t=1,v1=abc", b"\xff\xfe"), 400),
        (_with("t=1,v1=abc", b" " * (LARGEST_BODY + 1)), 413),
    ],
)
def test_row_15_what_cannot_be_believed_is_refused_and_not_kept(
    client: Client, settings: Settings, given: Given, status: int
) -> None:
    with clock.at(NOON):
        body, signature = given(settings)

        assert post(client, body, signature) == status

    assert not StripeEvent.objects.exists()
    assert not Job.objects.filter(kind="payouts.answer_event").exists()


def test_row_15_a_message_at_the_edge_of_the_tolerance_is_believed(
    client: Client, settings: Settings
) -> None:
    with clock.at(NOON):
        for age in (TOLERANCE, -TOLERANCE):
            assert post(client, *_signed(TEXT, age=age)(settings)) == 200


def test_row_16_a_message_of_the_other_mode_is_ignored_with_the_reason(client: Client) -> None:
    send(client, {**BODY, "livemode": True})
    make.drain()

    event = StripeEvent.objects.get()
    assert (event.state, event.reason) == ("ignored", "from the other mode")


def test_row_16_a_message_of_an_unknown_account_is_ignored_with_the_reason(
    client: Client,
) -> None:
    send(client, {**BODY, "type": "payout.paid", "account": "acct_stranger"}, "connect")
    make.drain()

    event = StripeEvent.objects.get()
    assert (event.state, event.reason) == ("ignored", "from an account that is not ours")


def test_row_17_a_bank_may_send_the_money_back_after_paid_and_take_it_later() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())
    make.drain()
    booked, first = make.clearing().version, bank()

    press("fail_bank", first.object_id)
    make.drain()
    payout.refresh_from_db()
    assert (payout.state, payout.why) == ("bank_failed", "account_closed")
    assert Event.objects.filter(kind="payout.bank_failed", expert=payout.expert_id).count() == 1

    press("change_bank", first.object_id)
    make.drain()
    payout.refresh_from_db()
    assert (payout.state, payout.bank_payout_id) == ("paid", bank().object_id)

    # A late word about the first try says nothing about the second.
    bank_leg.sync_bank_payout(account_id=first.account, payout_id=first.object_id, at=NOON)
    payout.refresh_from_db()
    assert (payout.state, make.clearing().version) == ("paid", booked)


def test_row_17_a_bank_may_refuse_at_once() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())
    sandboxing.arm_fault(kind="bank_refuses", path=payout.destination, times=1, by=uuid7(), at=NOON)

    make.drain()

    payout.refresh_from_db()
    assert (payout.state, payout.why) == ("bank_failed", "account_closed")


def test_row_17_the_second_try_may_be_heard_of_before_the_first_has_failed() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())
    make.drain()
    first = bank()
    sandboxing.arm_fault(kind="lose_event", path="payout.failed", times=1, by=uuid7(), at=NOON)

    press("fail_bank", first.object_id)
    press("change_bank", first.object_id)
    make.drain()

    payout.refresh_from_db()
    assert (payout.state, payout.bank_payout_id) == ("paid", bank().object_id)


def test_row_23_what_arrives_in_another_currency_is_kept_for_information() -> None:
    client = make.stocked(usd(100_000))
    make.earned(make.onboarded("DE"), 5500, client=client)
    payout = make.send(make.approved_run())

    make.drain()

    payout.refresh_from_db()
    assert (payout.amount_minor, payout.currency) == (5500, "USD")
    assert (payout.arrived_minor, payout.arrived_currency) == (5000, "EUR")
    assert set(Posting.objects.values_list("currency", flat=True)) == {"USD"}


def test_row_23_the_same_currency_needs_no_second_amount() -> None:
    make.owed(5000)
    payout = make.send(make.approved_run())

    make.drain()

    payout.refresh_from_db()
    assert (payout.state, payout.arrived_minor) == ("paid", None)


@pytest.mark.parametrize(
    ("acts", "state", "credited"),
    [
        (["debit"], "paying", 0),
        (["debit", "settle"], "paid", 5000),
        (["debit", "fail"], "failed", 0),
        (["debit", "fail", "settle"], "failed", 0),
        (["debit", "settle", "fail"], "paid", 5000),
        (["abandon", "debit", "settle"], "expired", 0),
    ],
)
def test_row_24_a_page_is_credited_only_once_it_is_paid(
    acts: list[str], state: str, credited: int
) -> None:
    owner = make.organization()
    row = make.start_funding(owner, usd(5000))

    for act in acts:
        sandboxing.act_on_checkout(session_id=str(row.session_id), act=act)
        make.drain()
        make.drain()

    row.refresh_from_db()
    assert (row.state, wallet(owner, "USD")) == (state, usd(credited))
    assert Posting.objects.filter(kind="funding_paid").count() == (credited > 0)


def test_a_lost_message_is_made_up_for_by_the_missed_ones(client: Client) -> None:
    owner = make.organization()
    sandboxing.arm_fault(kind="lose_event", path="checkout.session", times=1, by=uuid7(), at=NOON)
    make.paid_funding(owner, usd(5000))
    assert wallet(owner, "USD") == usd(0)

    for body in gateway().list_missed_events().bodies:
        send(client, body)
    make.drain()

    assert wallet(owner, "USD") == usd(5000)


@pytest.mark.parametrize("fault", ["duplicate_event", "delay_event", "reorder_events"])
def test_messages_that_come_twice_late_or_in_another_order_end_the_same(fault: str) -> None:
    sandboxing.arm_fault(kind=fault, path="", times=20, by=uuid7(), at=NOON)
    make.owed(5000)
    sending.send_some(run_id=make.approved_run().id, at=NOON)

    for _ in range(4):
        Job.objects.filter(state="ready").update(run_at=NOON)
        make.drain()

    assert Payout.objects.get().state == "paid"
    assert make.transfers() == [5000]
    assert not StripeEvent.objects.exclude(state="handled").exists()
