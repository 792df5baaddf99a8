"""The door for Stripe's messages: what is believed, what is not, what is kept."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pytest_django.fixtures import Settings

from marketplace.kit import clock
from payouts.gateways.sandbox import hosted
from payouts.gateways.signature import secrets_of, sign
from payouts.models import Account, Earning, Payee, Payout, Posting, SandboxObject, StripeEvent
from payouts.selectors.invariants import check_ledger
from payouts.services import inbox, sandboxing, sending
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


def test_only_posts_are_answered(client: Client) -> None:
    assert client.get("/stripe/webhooks/platform").status_code == 405


def test_two_secrets_are_good_while_they_rotate(client: Client, settings: Settings) -> None:
    settings.PAYMENTS_MODE = "stripe"
    settings.STRIPE_WEBHOOK_SECRET = "whsec_old"
    body, signature = signed(BODY)
    settings.STRIPE_WEBHOOK_SECRET = "whsec_new, whsec_old"

    assert secrets_of("platform") == ("whsec_new", "whsec_old")
    assert post(client, body, signature) == 200


@pytest.fixture
def bank() -> SandboxObject:
    """The bank payout of a payout that was sent."""
    make.owed(5000)
    sending.send_some(run_id=make.approved_run().id, at=NOON)
    return SandboxObject.objects.get(type="payout")


def tell(bank: SandboxObject, seen: str) -> None:
    """Stripe shows this state of a bank payout and says so."""
    bank.body["status"] = "in_transit" if seen in {"created", "updated"} else seen
    bank.save(update_fields=["body"])
    body = {
        "id": f"evt_{seen}",
        "object": "event",
        "type": f"payout.{seen}",
        "livemode": False,
        "account": bank.account,
        "data": {"object": {"id": bank.object_id}},
    }
    text, signature = signed(body, "connect")
    event = inbox.receive_event(endpoint="connect", body=text, signature=signature, at=clock.now())
    StripeEvent.objects.filter(id=event.id).update(state="received", reason="", handled_at=None)
    inbox.answer_event(event_id=event.id, at=NOON)


def test_every_order_of_what_is_seen_of_a_bank_payout_thrice_converges(
    bank: SandboxObject,
) -> None:
    before = make.clearing().version
    for order in permutations(["created", "updated", "paid", "failed"]):
        point = transaction.savepoint()
        for seen in [*order, *order, *order]:
            tell(bank, seen)
        assert (order, Payout.objects.get().state) == (order, "bank_failed")
        transaction.savepoint_rollback(point)

    assert make.clearing().version == before


def test_every_order_of_the_messages_about_a_transfer_thrice_converges() -> None:
    make.owed(5000)
    make.fault("time_out_after")
    sending.send_some(run_id=make.approved_run().id, at=NOON)
    transfer = SandboxObject.objects.get(type="transfer")
    by = make.user().id
    sandboxing.press(button="reverse_transfer", object_id=transfer.object_id, by=by, at=NOON)
    kinds = ("created", "updated", "reversed")

    for order in permutations(kinds):
        point = transaction.savepoint()
        for kind in [*order, *order, *order]:
            StripeEvent.objects.update(state="received", reason="", handled_at=None)
            event = receive("platform", f"transfer.{kind}", transfer.object_id)
            inbox.answer_event(event_id=event.id, at=NOON)
        assert (order, Payout.objects.get().state) == (order, "reversed")
        kept = Posting.objects.filter(kind__in=["transfer_made", "transfer_reversed"])
        assert kept.count() == 2
        assert Earning.objects.get(key__startswith="reversal:").payable_minor == 5000
        assert check_ledger(NOON).broken == ()
        transaction.savepoint_rollback(point)


def receive(endpoint: str, kind: str, object_id: str) -> StripeEvent:
    """A signed message about an object, as Stripe writes it for this endpoint."""
    about: dict[str, Any] = {"data": {"object": {"id": object_id}}}
    if endpoint == "thin":
        about = {"related_object": {"id": object_id, "type": "v2.core.account"}}
    body = {"id": f"evt_{kind}", "type": kind, "livemode": False, **about}
    text, signature = signed(body, endpoint)
    return inbox.receive_event(endpoint=endpoint, body=text, signature=signature, at=clock.now())


def test_a_thin_message_says_which_account_to_look_at() -> None:
    payee = Payee.objects.get(expert=make.onboarded())
    hosted.restrict(str(payee.account_id))

    event = receive("thin", "v2.core.account[requirements].updated", str(payee.account_id))
    inbox.answer_event(event_id=event.id, at=NOON)

    payee.refresh_from_db()
    event.refresh_from_db()
    assert (payee.state, event.state, event.body.get("data")) == ("restricted", "handled", None)


def test_replaying_the_whole_log_changes_nothing() -> None:
    make.owed(5000)
    sending.send_some(run_id=make.approved_run().id, at=NOON)
    make.drain()
    before = list(Account.objects.order_by("id").values_list("version", flat=True))

    StripeEvent.objects.update(state="received", reason="", handled_at=None)
    for event in StripeEvent.objects.order_by("id"):
        inbox.answer_event(event_id=event.id, at=NOON)

    assert list(Account.objects.order_by("id").values_list("version", flat=True)) == before
    assert Payout.objects.get().state == "paid"
