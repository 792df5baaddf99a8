"""What people do on the sandbox's own pages, and what its operator can make happen."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.accounts import with_capability
from payouts.gateways.sandbox.answers import JSON
from payouts.gateways.sandbox.banking import add_bank
from payouts.gateways.sandbox.moving import pay_bank, reverse, top_up, withdraw
from payouts.gateways.sandbox.paying import charge, intend
from payouts.models import SandboxClock, SandboxFault, SandboxObject

_CAPABILITY_EVENT = "v2.core.account[configuration.recipient].capability_status_updated"


@transaction.atomic
def pay(session_id: str) -> JSON:
    """The card is accepted: money arrives, less Stripe's fee."""
    session = store.lock(session_id, "checkout.session")
    if session.body["status"] == "open":
        intend(session, "processing")
        charge(session, "ch")
        store.change(session, status="complete", payment_status="paid")
        store.emit("platform", "checkout.session.completed", session)
    return store.body_of(session)


@transaction.atomic
def debit(session_id: str) -> JSON:
    """A bank debit: the page is left at once, the bank answers when it is told to."""
    session = store.lock(session_id, "checkout.session")
    if session.body["status"] == "open":
        intend(session, "processing")
        store.change(session, status="complete")
        store.emit("platform", "checkout.session.completed", session)
    return store.body_of(session)


@transaction.atomic
def settle_debit(session_id: str) -> JSON:
    """The bank pays a debit that waits for it."""
    session = store.lock(session_id, "checkout.session")
    if is_debit_open(session.body):
        charge(session, "py")
        store.change(session, payment_status="paid")
        store.emit("platform", "checkout.session.async_payment_succeeded", session)
    return store.body_of(session)


@transaction.atomic
def fail(session_id: str) -> JSON:
    """The bank refuses a debit, one that waits for it or a new one."""
    session = store.lock(session_id, "checkout.session")
    if session.body["status"] == "open":
        intend(session, "processing")
        store.change(session, status="complete")
    if is_debit_open(session.body):
        intent = store.lock(session.body["payment_intent"], "payment_intent")
        store.change(
            intent,
            status="requires_payment_method",
            last_payment_error={
                "code": "insufficient_funds",
                "message": "The customer's account has insufficient funds to cover this payment.",
            },
        )
        store.emit("platform", "checkout.session.async_payment_failed", session)
    return store.body_of(session)


def is_debit_open(session: JSON) -> bool:
    """Whether a page waits for the bank of the payer."""
    if session["status"] != "complete" or session["payment_status"] != "unpaid":
        return False
    intent = SandboxObject.objects.get(object_id=session["payment_intent"])
    return bool(intent.body["status"] == "processing")


@transaction.atomic
def abandon(session_id: str) -> JSON:
    """Nobody ever pays: the page expires."""
    session = store.lock(session_id, "checkout.session")
    if session.body["status"] == "open":
        store.change(session, status="expired")
        store.emit("platform", "checkout.session.expired", session)
    return store.body_of(session)


@transaction.atomic
def fail_refund(refund_id: str) -> JSON:
    """The payer's bank sends a refund back to the platform."""
    refund = store.lock(refund_id, "refund")
    if refund.body["status"] == "succeeded":
        amount, currency = refund.body["amount"], refund.body["currency"]
        line = store.add_line("refund_failure", amount, currency, refund_id)
        store.change(
            refund,
            status="failed",
            failure_reason="expired_or_canceled_card",
            failure_balance_transaction=line.object_id,
        )
        paid = store.lock(refund.body["charge"], "charge")
        store.change(paid, amount_refunded=paid.body["amount_refunded"] - amount)
        store.emit("platform", "refund.failed", refund)
    return store.body_of(refund)


@transaction.atomic
def reverse_transfer(transfer_id: str) -> JSON:
    """The operator takes back by hand what is left of a transfer."""
    return store.body_of(reverse(store.lock(transfer_id, "transfer"), None, {}))


@transaction.atomic
def move_own_money(amount: int, currency: str) -> JSON:
    """A top-up from the operator's bank, or, below zero, a payout to it."""
    if amount > 0:
        return store.body_of(top_up(amount, currency))
    return store.body_of(withdraw(-amount, currency))


@transaction.atomic
def set_capability(account_id: str, status: str, reason: str = "") -> JSON:
    """Let an account receive transfers, or stop it, and say so by a thin event."""
    account = store.lock(account_id, "v2.core.account")
    details = [{"code": reason, "resolution": "provide_info"}] if reason else []
    store.change(account, **with_capability(status, details))
    store.emit("thin", _CAPABILITY_EVENT, account)
    return store.body_of(account)


def restrict(account_id: str) -> JSON:
    """Something is missing again: the account may not receive."""
    return set_capability(account_id, "restricted", "requirements_past_due")


def restore(account_id: str) -> JSON:
    """Nothing is missing any more."""
    return set_capability(account_id, "active")


@transaction.atomic
def close_account(account_id: str) -> JSON:
    """The account's owner closes it."""
    account = store.lock(account_id, "v2.core.account")
    store.change(account, closed=True, **with_capability("unsupported", []))
    store.emit("thin", "v2.core.account.closed", account)
    return store.body_of(account)


@transaction.atomic
def settle_bank(payout_id: str) -> None:
    """A bank takes the money; an armed `bank_refuses` of its account has it sent back."""
    payout = _payout(payout_id)
    if payout.body["status"] != "in_transit":
        return
    refused, _ = store.take_fault(["bank_refuses"], payout.account)
    if refused:
        _send_back(payout)
    else:
        store.change(payout, status="paid")
        store.emit(_endpoint(payout), "payout.paid", payout)


@transaction.atomic
def fail_bank(payout_id: str) -> JSON:
    """The bank sends the money back, also after it has taken it."""
    payout = _payout(payout_id)
    if payout.body["status"] in {"in_transit", "paid"}:
        _send_back(payout)
    return store.body_of(payout)


@transaction.atomic
def change_bank(payout_id: str) -> JSON:
    """The owner gives another bank account: what came back is sent again, by whoever sent it."""
    failed = _payout(payout_id)
    if failed.account and not failed.body["automatic"]:
        bank = add_bank(store.get(failed.account, "v2.core.account"))
        store.emit("connect", "account.external_account.created", bank)
        return store.body_of(failed)
    if failed.body["status"] != "failed" or failed.body.get("sent_again"):
        return store.body_of(failed)
    store.change(failed, sent_again=True)
    line = store.lock(
        failed.body["failure_balance_transaction"], "balance_transaction", account=failed.account
    )
    line.group = store.new_id("po")
    line.save(update_fields=["group"])
    again = pay_bank(failed.body["amount"], failed.body["currency"], failed.account, line.group)
    return store.body_of(again)


def _send_back(payout: SandboxObject) -> None:
    amount, currency = payout.body["amount"], payout.body["currency"]
    line = store.add_line(
        "payout_failure", amount, currency, payout.object_id, account=payout.account
    )
    store.change(
        payout,
        status="failed",
        failure_code="account_closed",
        failure_balance_transaction=line.object_id,
    )
    store.emit(_endpoint(payout), "payout.failed", payout)


def _payout(payout_id: str) -> SandboxObject:
    owner = SandboxObject.objects.get(object_id=payout_id).account
    return store.lock(payout_id, "payout", account=owner)


def _endpoint(payout: SandboxObject) -> str:
    return "connect" if payout.account else "platform"


def find(object_id: str, type_: str) -> JSON | None:
    """An object's body for a page, with what only we know of it, or None."""
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
