"""What people do on the sandbox's own pages, and what its operator can make happen."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.answers import JSON
from payouts.gateways.sandbox.routes import with_capability
from payouts.models import SandboxClock, SandboxFault, SandboxObject

_CAPABILITY_EVENT = "v2.core.account[configuration.recipient].capability_status_updated"


@transaction.atomic
def pay(session_id: str) -> JSON:
    """The card is accepted: money arrives, less Stripe's fee of 2.9 % and 30."""
    session = store.lock(session_id, "checkout.session")
    if session.body["status"] != "open":
        return store.body_of(session)
    amount, currency = session.body["amount_total"], session.body["currency"]
    intent = _intent(session, "succeeded", amount)
    charge = store.add(
        "ch",
        "charge",
        {"amount": amount, "currency": currency, "payment_intent": intent.object_id, "paid": True},
    )
    fee = min(amount, (amount * 29 + 500) // 1000 + 30)
    line = store.add_line("charge", amount, currency, charge.object_id, fee=fee)
    store.change(charge, balance_transaction=line.object_id)
    store.change(intent, latest_charge=charge.object_id)
    store.change(session, status="complete", payment_status="paid", payment_intent=intent.object_id)
    store.emit("platform", "checkout.session.completed", session)
    return store.body_of(session)


@transaction.atomic
def fail(session_id: str) -> JSON:
    """The bank refuses the debit after the page was left."""
    session = store.lock(session_id, "checkout.session")
    if session.body["status"] == "open":
        intent = _intent(session, "requires_payment_method", 0)
        store.change(session, status="complete", payment_intent=intent.object_id)
        store.emit("platform", "checkout.session.async_payment_failed", session)
    return store.body_of(session)


@transaction.atomic
def abandon(session_id: str) -> JSON:
    """Nobody ever pays: the page expires."""
    session = store.lock(session_id, "checkout.session")
    if session.body["status"] == "open":
        store.change(session, status="expired")
        store.emit("platform", "checkout.session.expired", session)
    return store.body_of(session)


def _intent(session: SandboxObject, status: str, received: int) -> SandboxObject:
    return store.add(
        "pi",
        "payment_intent",
        {
            "amount": session.body["amount_total"],
            "amount_received": received,
            "currency": session.body["currency"],
            "status": status,
            "latest_charge": None,
            "metadata": session.body["metadata"],
        },
    )


@transaction.atomic
def set_capability(account_id: str, status: str, reason: str = "") -> JSON:
    """Let an account receive transfers, or stop it, and say so by a thin event."""
    account = store.lock(account_id, "v2.core.account")
    details = [{"code": reason, "resolution": "provide_info"}] if reason else []
    store.change(account, **with_capability(status, details))
    store.emit("thin", _CAPABILITY_EVENT, account)
    return store.body_of(account)


@transaction.atomic
def close_account(account_id: str) -> JSON:
    """The account's owner closes it."""
    account = store.lock(account_id, "v2.core.account")
    store.change(account, closed=True, **with_capability("unsupported", []))
    store.emit("thin", "v2.core.account.closed", account)
    return store.body_of(account)


@transaction.atomic
def settle_bank(payout_id: str, *, failure: str = "") -> None:
    """The expert's bank takes the money, or sends it back."""
    owner = SandboxObject.objects.get(object_id=payout_id).account
    payout = store.lock(payout_id, "payout", account=owner)
    if failure:
        store.change(payout, status="failed", failure_code=failure)
        store.emit("connect", "payout.failed", payout)
    elif payout.body["status"] == "in_transit":
        store.change(payout, status="paid")
        store.emit("connect", "payout.paid", payout)


def find(object_id: str, type_: str) -> JSON | None:
    """An object's body for a page, or None."""
    rows = SandboxObject.objects.filter(object_id=object_id, type=type_)
    row = rows.order_by("position").first()
    return None if row is None else row.body


def arm(*, kind: str, path: str, times: int, by: UUID, at: datetime) -> SandboxFault:
    """Make the next `times` requests to `path` go wrong in this way."""
    return SandboxFault.objects.create(
        kind=kind, path=path, remaining=times, armed_by=by, armed_at=at
    )


def set_clock(*, ahead_seconds: int, settle_seconds: int) -> SandboxClock:
    """Move the sandbox's time ahead of ours; keep charges pending for a while."""
    values = {"ahead_seconds": ahead_seconds, "settle_seconds": settle_seconds}
    row, _ = SandboxClock.objects.update_or_create(id=1, defaults=values)
    return row
