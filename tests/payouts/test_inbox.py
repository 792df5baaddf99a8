"""The door for Stripe's messages: what is believed, what is not, what is kept."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from marketplace.kit import clock
from payouts.gateways.signature import TOLERANCE, secrets_of, sign
from payouts.models import Account, Payout, SandboxObject, StripeEvent
from payouts.services import bank_leg, inbox, sandboxing, sending
from payouts.services.inbox import LARGEST_BODY
from tests.payouts import make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db
BODY = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.created",
    "livemode": False,
    "data": {"object": {"id": "cus_1"}},
}


def post(client: Client, body: bytes, signature: str, endpoint: str = "platform") -> int:
    answer = client.post(
        f"/stripe/webhooks/{endpoint}",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )
    return int(answer.status_code)


def signed(body: dict[str, Any], endpoint: str = "platform") -> tuple[bytes, str]:
    text = json.dumps(body)
    return text.encode(), sign(endpoint=endpoint, body=text, at=clock.now())


def test_a_signed_message_is_kept_once_and_answered(client: Client) -> None:
    assert [post(client, *signed(BODY)) for _ in range(3)] == [200, 200, 200]
    make.drain()

    event = StripeEvent.objects.get()
    assert (event.state, event.reason) == ("ignored", "not used here")


def test_an_altered_body_is_refused(client: Client) -> None:
    body, signature = signed(BODY)

    assert post(client, body.replace(b"cus_1", b"cus_2"), signature) == 400
    assert not StripeEvent.objects.exists()


def test_the_secret_of_another_endpoint_is_refused(client: Client) -> None:
    body, signature = signed(BODY, "connect")

    assert post(client, body, signature, "platform") == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize("signature", ["", "nonsense", "t=x,v1=y", "v1=abc", "t=1"])
def test_an_unreadable_signature_is_refused(client: Client, signature: str) -> None:
    assert post(client, json.dumps(BODY).encode(), signature) == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize("seconds", [301, -301])
def test_a_stale_signature_is_refused(client: Client, seconds: int) -> None:
    text = json.dumps(BODY)
    with clock.at(NOON):
        old = sign(endpoint="platform", body=text, at=NOON - timedelta(seconds=seconds))
        edge = sign(endpoint="platform", body=text, at=NOON - TOLERANCE)

        assert post(client, text.encode(), old) == 400
        assert post(client, text.encode(), edge) == 200


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '"x"', "7"])
def test_an_unreadable_body_is_refused(client: Client, text: str) -> None:
    signature = sign(endpoint="platform", body=text, at=clock.now())

    assert post(client, text.encode(), signature) == 400
    assert not StripeEvent.objects.exists()


def test_a_body_that_is_not_text_is_refused(client: Client) -> None:
    assert post(client, b"\xff\xfe", "t=1,v1=abc") == 400


def test_a_body_above_one_megabyte_is_refused(client: Client) -> None:
    assert post(client, b" " * (LARGEST_BODY + 1), "t=1,v1=abc") == 413


def test_only_posts_are_answered(client: Client) -> None:
    assert client.get("/stripe/webhooks/platform").status_code == 405


def test_an_endpoint_without_a_secret_is_not_there(client: Client, settings: Settings) -> None:
    settings.PAYMENTS_MODE = "stripe"
    settings.STRIPE_WEBHOOK_SECRET = " , "

    assert post(client, json.dumps(BODY).encode(), "t=1,v1=abc") == 404


def test_two_secrets_are_good_while_they_rotate(client: Client, settings: Settings) -> None:
    settings.PAYMENTS_MODE = "stripe"
    settings.STRIPE_WEBHOOK_SECRET = "whsec_old"
    body, signature = signed(BODY)
    settings.STRIPE_WEBHOOK_SECRET = "whsec_new, whsec_old"

    assert secrets_of("platform") == ("whsec_new", "whsec_old")
    assert post(client, body, signature) == 200


def test_row_16_a_message_of_the_other_mode_is_ignored_with_the_reason(client: Client) -> None:
    post(client, *signed({**BODY, "livemode": True}))
    make.drain()

    event = StripeEvent.objects.get()
    assert (event.state, event.reason) == ("ignored", "from the other mode")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_row_13_bank_messages_in_any_order_thrice_converge(order: tuple[int, ...]) -> None:
    make.owed(5000)
    sending.send_some(run_id=make.approved_run().id, at=NOON)
    bank = SandboxObject.objects.get(type="payout")
    sandboxing.settle_bank(payout_id=bank.object_id)
    sandboxing.settle_bank(payout_id=bank.object_id)
    events = list(SandboxObject.objects.filter(type="event", body__account=bank.account))
    events += SandboxObject.objects.filter(type="event", body__type="transfer.created")

    for index in [*order, *order, *order]:
        sandboxing.deliver_event(event_id=events[index].object_id, at=NOON)
        kept = StripeEvent.objects.get(event_id=events[index].object_id)
        inbox.answer_event(event_id=kept.id, at=NOON)

    assert Payout.objects.get().state == "paid"
    assert make.transfers() == [5000]


def test_row_13_an_answer_read_too_early_does_not_undo_paid() -> None:
    make.owed(5000)
    sending.send_some(run_id=make.approved_run().id, at=NOON)
    make.drain()
    bank = SandboxObject.objects.get(type="payout")
    bank.body["status"] = "in_transit"
    bank.save(update_fields=["body"])

    bank_leg.sync_bank_payout(account_id=bank.account, payout_id=bank.object_id, at=NOON)

    assert Payout.objects.get().state == "paid"


def test_replaying_the_whole_log_changes_nothing() -> None:
    make.owed(5000)
    sending.send_some(run_id=make.approved_run().id, at=NOON)
    make.drain()
    before = list(Account.objects.order_by("id").values_list("version", flat=True))

    StripeEvent.objects.update(state="received", handled_at=None)
    for event in StripeEvent.objects.order_by("id"):
        inbox.answer_event(event_id=event.id, at=NOON)

    assert list(Account.objects.order_by("id").values_list("version", flat=True)) == before
    assert Payout.objects.get().state == "paid"
