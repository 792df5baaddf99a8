"""Stripe's messages: kept once, then answered by looking at Stripe (MONEY 8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.errors import DomainError
from payouts.gateways.chosen import gateway
from payouts.gateways.port import Refused
from payouts.gateways.signature import BadSignature, secrets_of, verify
from payouts.models import Payee, StripeEvent
from payouts.services.bank_leg import sync_bank_payout
from payouts.services.bank_retrying import retry_with_new_bank
from payouts.services.charging_back import sync_chargeback
from payouts.services.funding import FundingUnknown, settle_charge, settle_checkout
from payouts.services.looking_up import adopt_transfer
from payouts.services.onboarding import PayeeUnknown, sync_payee
from payouts.services.returning import sync_refund
from payouts.services.reversals import book_reversals

LARGEST_BODY = 1024 * 1024
PATIENCE = timedelta(hours=24)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
Body = dict[str, Any]  # Any: JSON as Stripe writes it


class EndpointOff(DomainError):
    """No secret is set for this endpoint, so nobody can be believed on it."""

    code = "not_found"
    status = 404


class SignatureRefused(DomainError):
    """The message is not from Stripe, too old, or not readable."""

    code = "signature_refused"
    status = 400


class NotKnownYet(DomainError):
    """The message is about a row that is not written yet; the job comes back `again_at`."""

    code = "not_known_yet"
    status = 409

    def __init__(self, message: str, *, again_at: datetime) -> None:
        super().__init__(message)
        self.again_at = again_at


class NotParked(DomainError):
    """Only a message that nothing could be done with is tried again by hand."""

    code = "not_parked"
    status = 409


def receive_event(*, endpoint: str, body: bytes, signature: str, at: datetime) -> StripeEvent:
    """Keep a signed message, once per account and event id, and have a job answer it.

    Raises EndpointOff, SignatureRefused; then nothing is kept.
    """
    if not secrets_of(endpoint):
        raise EndpointOff("There is nothing here.")
    try:
        verify(endpoint=endpoint, body=body, signature=signature, at=at)
        event = _read(endpoint, json.loads(body), at)
    except (BadSignature, ValueError, KeyError, TypeError) as error:
        raise SignatureRefused("The message was not accepted.") from error
    return _keep(event)


def keep_missed_event(*, body: Body, at: datetime) -> StripeEvent:
    """Keep a message that we fetched from the provider ourselves, because it never arrived."""
    return _keep(_read("platform", body, at))


def answer_event(*, event_id: UUID, at: datetime) -> StripeEvent:
    """Look at the object of a message and apply what Stripe sees now. A sequence; repeat freely.

    Raises NotKnownYet while its row may still be written; after 24 h the message is parked.
    """
    event = StripeEvent.objects.get(id=event_id)
    if event.state not in {"received", "parked"}:
        return event
    if event.livemode != gateway().is_live:
        return _rest(event, "ignored", "from the other mode", at)
    if event.account and not Payee.objects.filter(account_id=event.account).exists():
        return _rest(event, "ignored", "from an account that is not ours", at)
    try:
        is_used = _apply(event, at)
    except (FundingUnknown, PayeeUnknown, Refused) as unknown:
        if at - event.received_at < PATIENCE:
            # As long again as it has waited: half a minute, then 1, 2, 4 … up to an hour.
            pause = min(max(at - event.received_at, FIRST_PAUSE), LONGEST_PAUSE)
            raise NotKnownYet(
                f"{event.kind} is about something we do not have yet.", again_at=at + pause
            ) from unknown
        return _rest(event, "parked", unknown.message, at)
    if is_used:
        return _rest(event, "handled", "", at)
    return _rest(event, "ignored", "not used here", at)


@transaction.atomic
def retry_event(*, event: StripeEvent, by: UUID, at: datetime) -> StripeEvent:
    """Have a parked message answered once more. Raises NotParked."""
    row = StripeEvent.objects.select_for_update().get(id=event.id)
    if row.state != "parked":
        raise NotParked(f"This message is {row.state}.", state=row.state)
    record(
        "stripe_event.retried",
        at=at,
        object_kind="stripe_event",
        object_id=row.id,
        actor=by,
        data={"kind": row.kind},
    )
    enqueue(
        "payouts.answer_event",
        key=f"payouts.answer_event:{row.id}:{at.timestamp()}",
        event_id=str(row.id),
    )
    return row


@transaction.atomic
def _keep(event: StripeEvent) -> StripeEvent:
    StripeEvent.objects.bulk_create([event], ignore_conflicts=True)
    kept = StripeEvent.objects.get(account=event.account, event_id=event.event_id)
    enqueue("payouts.answer_event", key=f"payouts.answer_event:{kept.id}", event_id=str(kept.id))
    return kept


def _read(endpoint: str, body: Body, at: datetime) -> StripeEvent:
    thing = (body.get("related_object") or {}) if endpoint == "thin" else body["data"]["object"]
    return StripeEvent(
        endpoint=endpoint,
        account=body.get("account") or "",
        event_id=str(body["id"]),
        kind=str(body["type"])[:120],
        object_id=str(thing.get("id", "")),
        livemode=bool(body["livemode"]),
        body=body,
        received_at=at,
    )


def _apply(event: StripeEvent, at: datetime) -> bool:
    """Call the one verb that looks at this object; false where the message is of no use."""
    for endpoint, kinds, look in _LOOKS:
        if event.endpoint == endpoint and event.kind.startswith(kinds):
            return bool(look(event, at))
    return False


# By endpoint and how the kind begins. Each looks at the object itself and says whether it is ours.
_LOOKS: tuple[tuple[str, tuple[str, ...], Callable[[StripeEvent, datetime], object]], ...] = (
    (
        "platform",
        ("checkout.session.",),
        lambda event, at: settle_checkout(session_id=event.object_id, at=at),
    ),
    (
        "platform",
        ("charge.succeeded", "charge.updated"),
        lambda event, at: settle_charge(charge_id=event.object_id, at=at),
    ),
    (
        "platform",
        ("charge.dispute.",),
        lambda event, at: sync_chargeback(dispute_id=event.object_id, at=at),
    ),
    (
        "platform",
        ("refund.", "charge.refund."),
        lambda event, at: sync_refund(refund_id=event.object_id, at=at),
    ),
    (
        "platform",
        ("transfer.created", "transfer.updated"),
        lambda event, at: adopt_transfer(transfer_id=event.object_id, at=at),
    ),
    (
        "platform",
        ("transfer.reversed",),
        lambda event, at: book_reversals(transfer_id=event.object_id, at=at),
    ),
    (
        "thin",
        ("v2.core.account",),
        lambda event, at: sync_payee(account_id=event.object_id, at=at),
    ),
    (
        "connect",
        ("payout.",),
        lambda event, at: sync_bank_payout(
            account_id=event.account, payout_id=event.object_id, at=at
        ),
    ),
    (
        "connect",
        ("account.external_account.created", "account.external_account.updated"),
        lambda event, at: retry_with_new_bank(
            account_id=event.account, bank_account_id=event.object_id, at=at
        ),
    ),
)


@transaction.atomic(durable=True)
def _rest(event: StripeEvent, state: str, reason: str, at: datetime) -> StripeEvent:
    row = StripeEvent.objects.select_for_update().get(id=event.id)
    if row.state in {"received", "parked"} and row.state != state:
        row.state, row.reason, row.handled_at = state, reason[:200], at
        row.save(update_fields=["state", "reason", "handled_at"])
    return row
