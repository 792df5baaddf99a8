"""What can be done to the sandbox: its pages' buttons, its operator's buttons and faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import InvalidInput, NotFound
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from payouts.gateways.chosen import gateway
from payouts.gateways.sandbox import disputing, hosted
from payouts.gateways.sandbox.answers import Refusal
from payouts.gateways.sandbox.store import OURS
from payouts.gateways.signature import sign
from payouts.models import FAULTS, SandboxClock, SandboxFault, SandboxObject
from payouts.services.inbox import receive_event

JSON = dict[str, Any]  # Any: JSON as Stripe writes it
_PAYMENTS: dict[str, Callable[[str], JSON]] = {
    "pay": hosted.pay,
    "debit": hosted.debit,
    "settle": hosted.settle_debit,
    "fail": hosted.fail,
    "abandon": hosted.abandon,
}
BUTTONS: dict[str, Callable[[str], JSON]] = {
    "settle_debit": hosted.settle_debit,
    "fail_debit": hosted.fail,
    "warn_of_chargeback": disputing.warn,
    "open_chargeback": disputing.open_dispute,
    "escalate_chargeback": disputing.escalate,
    "win_chargeback": disputing.win,
    "lose_chargeback": disputing.lose,
    "fail_refund": hosted.fail_refund,
    "reverse_transfer": hosted.reverse_transfer,
    "restrict_account": hosted.restrict,
    "restore_account": hosted.restore,
    "close_account": hosted.close_account,
    "fail_bank": hosted.fail_bank,
    "change_bank": hosted.change_bank,
}
_ONBOARDINGS = {
    "complete": ("active", ""),
    "missing_document": ("restricted", "requirements_past_due"),
    "refuse": ("restricted", "rejected_other"),
}


def find_checkout(*, session_id: str) -> JSON:
    """A payment page of the sandbox. Raises NotFound, also outside the sandbox."""
    return _found(hosted.find(session_id, "checkout.session") if _is_on() else None)


def find_onboarding(*, link_id: str) -> JSON:
    """An onboarding link of the sandbox. Raises NotFound, also outside the sandbox."""
    return _found(hosted.find(link_id, "v2.core.account_link") if _is_on() else None)


def act_on_checkout(*, session_id: str, act: str) -> str:
    """Do what a client, or later its bank, does on a payment page; where the person goes next.

    Raises InvalidInput for what is none of it.
    """
    page = find_checkout(session_id=session_id)
    if act not in _PAYMENTS:
        raise InvalidInput("This page can be paid, debited, failed or abandoned.", errors=[])
    _PAYMENTS[act](session_id)
    goes_on = page["cancel_url"] if act == "abandon" else page["success_url"]
    return str(goes_on).replace("{CHECKOUT_SESSION_ID}", session_id)


def act_on_onboarding(*, link_id: str, act: str) -> str:
    """Complete, leave incomplete or refuse an onboarding; returns where the person goes next."""
    link = find_onboarding(link_id=link_id)
    if act not in _ONBOARDINGS:
        raise InvalidInput("This can be completed, left incomplete or refused.", errors=[])
    status, reason = _ONBOARDINGS[act]
    hosted.set_capability(link["account"], status, reason)
    return str(link["use_case"]["account_onboarding"]["return_url"])


@transaction.atomic
def press(*, button: str, object_id: str, by: UUID, at: datetime) -> JSON:
    """Let something happen to an object of the sandbox, as it might at any time at Stripe.

    Returns the object. Raises InvalidInput for another button, NotFound where there is nothing.
    """
    _require_sandbox()
    if button not in BUTTONS:
        raise InvalidInput(f"A button is one of {', '.join(BUTTONS)}.", errors=[])
    try:
        body = BUTTONS[button](object_id)
    except (Refusal, SandboxObject.DoesNotExist) as refusal:
        raise NotFound("There is nothing here.") from refusal
    _note("sandbox.button_pressed", by, at, {"button": button, "object": object_id})
    return body


@transaction.atomic
def move_own_money(*, amount: Money, by: UUID, at: datetime) -> JSON:
    """A top-up from the operator's own bank or, for an amount below zero, a payout to it."""
    _require_sandbox()
    _note("sandbox.own_money_moved", by, at, {"minor": amount.minor, "currency": amount.currency})
    return hosted.move_own_money(amount.minor, amount.currency.lower())


@transaction.atomic
def arm_fault(*, kind: str, path: str, times: int, by: UUID, at: datetime) -> SandboxFault:
    """Make the sandbox's next `times` requests, events or bank payouts of `path` go wrong.

    Raises InvalidInput.
    """
    _require_sandbox()
    if kind not in FAULTS or times < 1:
        raise InvalidInput(f"A fault is one of {', '.join(FAULTS)}.", errors=[])
    fault = hosted.arm(kind=kind, path=path, times=times, by=by, at=at)
    _note("sandbox.fault_armed", by, at, {"fault": kind, "path": path, "times": times})
    return fault


@transaction.atomic
def restrict_account(*, account_id: str, by: UUID, at: datetime) -> None:
    """Stop an account from receiving transfers, as Stripe might at any time."""
    press(button="restrict_account", object_id=account_id, by=by, at=at)


@transaction.atomic
def restore_account(*, account_id: str, by: UUID, at: datetime) -> None:
    """Let an account receive transfers again."""
    press(button="restore_account", object_id=account_id, by=by, at=at)


@transaction.atomic
def move_clock(*, ahead_seconds: int, settle_seconds: int, by: UUID, at: datetime) -> SandboxClock:
    """Run the sandbox's time ahead of ours; let charges settle only after a while."""
    _require_sandbox()
    row = hosted.set_clock(ahead_seconds=ahead_seconds, settle_seconds=settle_seconds)
    _note("sandbox.clock_moved", by, at, {"ahead": ahead_seconds, "settle": settle_seconds})
    return row


def settle_bank(*, payout_id: str) -> None:
    """The expert's bank takes what the sandbox sent it."""
    hosted.settle_bank(payout_id)


def fail_bank(*, payout_id: str) -> None:
    """The expert's bank sends the money back."""
    hosted.fail_bank(payout_id)


def deliver_event(*, event_id: str, at: datetime) -> None:
    """Hand an event to the inbox as Stripe would: a signed body."""
    event = _found(hosted.find(event_id, "event"))
    endpoint = event["endpoint"]
    body = json.dumps({name: value for name, value in event.items() if name not in OURS})
    signature = sign(endpoint=endpoint, body=body, at=at)
    receive_event(endpoint=endpoint, body=body.encode(), signature=signature, at=at)


def _require_sandbox() -> None:
    if not _is_on() or gateway().is_live:
        raise NotFound("There is no sandbox here: payments are real.")


def _is_on() -> bool:
    return bool(settings.PAYMENTS_MODE == "sandbox")


def _found(body: JSON | None) -> JSON:
    if body is None:
        raise NotFound("There is nothing here.")
    return body


def _note(kind: str, by: UUID, at: datetime, data: JSON) -> None:
    record(kind, at=at, object_kind="sandbox", object_id=uuid7(), actor=by, data=data)
