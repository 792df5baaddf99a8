"""Stripe's JSON, read into the port's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from marketplace.kit.money import Money
from payouts.gateways.port import (
    BalanceTransaction,
    BankAccount,
    BankPayout,
    Checkout,
    Dispute,
    Recipient,
    Refund,
    Reversal,
    Transfer,
)

Body = Mapping[str, Any]  # Any: JSON as Stripe writes it


def money(minor: int, currency: str) -> Money:
    """An amount with Stripe's lower-case currency."""
    return Money(minor, currency.upper())


def id_of(value: Any) -> str:  # Any: an id, an expanded object or nothing
    """The id of a field that Stripe may have expanded."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return value or ""


def checkout(body: Body) -> Checkout:
    """A payment page with its payment."""
    intent = body.get("payment_intent")
    payment: Body = intent if isinstance(intent, dict) else {}
    is_paid = body.get("payment_status") == "paid"
    received = payment.get("amount_received") or body["amount_total"]
    is_stuck = payment.get("status") in {"requires_payment_method", "canceled"}
    fee, fee_id = _fee(payment)
    return Checkout(
        session_id=body["id"],
        url=body.get("url") or "",
        is_open=body["status"] == "open",
        is_paid=is_paid,
        is_failed=body["status"] == "complete" and not is_paid and is_stuck,
        is_expired=body["status"] == "expired",
        payment_intent=id_of(intent),
        received=money(received, body["currency"]) if is_paid else None,
        fee=fee,
        fee_id=fee_id,
        charge=id_of(payment.get("latest_charge")),
        why=_why(payment),
    )


def _why(payment: Body) -> str:
    """The decline code of a card, which is more exact, else the code of the error."""
    error: Body = payment.get("last_payment_error") or {}
    return str(error.get("decline_code") or error.get("code") or "")


def _fee(payment: Body) -> tuple[Money | None, str]:
    charge = payment.get("latest_charge")
    line = charge.get("balance_transaction") if isinstance(charge, dict) else None
    if not isinstance(line, dict):
        return None, ""
    return money(line["fee"], line["currency"]), line["id"]


def recipient(body: Body) -> Recipient:
    """A connected account and whether it may receive."""
    configuration = (body.get("configuration") or {}).get("recipient") or {}
    balance = (configuration.get("capabilities") or {}).get("stripe_balance") or {}
    capability = balance.get("stripe_transfers") or {}
    details = capability.get("status_details") or []
    return Recipient(
        account_id=body["id"],
        can_receive=capability.get("status") == "active",
        is_closed=bool(body.get("closed")),
        why=details[0]["code"] if details else "",
    )


def transfer(body: Body) -> Transfer:
    """A transfer with what came back of it."""
    currency = body["currency"]
    back = (body.get("reversals") or {}).get("data", [])
    return Transfer(
        transfer_id=body["id"],
        amount=money(body["amount"], currency),
        destination=id_of(body["destination"]),
        group=body.get("transfer_group") or "",
        attempt=(body.get("metadata") or {}).get("attempt", ""),
        arrival=id_of(body.get("destination_payment")),
        movement=id_of(body.get("balance_transaction")),
        reversals=tuple(Reversal(row["id"], money(row["amount"], currency)) for row in back),
    )


def balance_transaction(body: Body) -> BalanceTransaction:
    """A movement of the balance."""
    currency = body["currency"]
    return BalanceTransaction(
        transaction_id=body["id"],
        kind=body["type"],
        category=body["reporting_category"],
        amount=money(body["amount"], currency),
        fee=money(body["fee"], currency),
        net=money(body["net"], currency),
        source=id_of(body.get("source")),
        is_available=body["status"] == "available",
        available_at=instant(body["available_on"]),
        created_at=instant(body["created"]),
    )


def bank_payout(body: Body, sources: Sequence[Body] = ()) -> BankPayout:
    """A payout to a bank, with the payments and returned payouts that are known to be in it."""
    metadata = body.get("metadata") or {}
    return BankPayout(
        payout_id=body["id"],
        state=body["status"],
        why=body.get("failure_code") or "",
        amount=money(body["amount"], body["currency"]),
        transfers=tuple(each["source_transfer"] for each in sources if "source_transfer" in each),
        returned=tuple(each["id"] for each in sources if each["object"] == "payout"),
        payout=metadata.get("payout", ""),
        attempt=metadata.get("attempt", ""),
        bank_account=id_of(body.get("destination")),
    )


def bank_account(body: Body) -> BankAccount:
    """A bank account of a connected account."""
    return BankAccount(
        bank_account_id=body["id"],
        currency=str(body["currency"]).upper(),
        is_usable=body.get("status") not in {"errored", "verification_failed"},
    )


def refund(body: Body) -> Refund:
    """A refund as it is now."""
    return Refund(
        refund_id=body["id"],
        state=body.get("status") or "",
        why=body.get("failure_reason") or "",
        amount=money(body["amount"], body["currency"]),
        charge=id_of(body.get("charge")),
        payment_intent=id_of(body.get("payment_intent")),
        reference=(body.get("metadata") or {}).get("refund", ""),
        movement=id_of(body.get("balance_transaction")),
    )


def dispute(body: Body) -> Dispute:
    """A contested payment with the movements so far."""
    due = (body.get("evidence_details") or {}).get("due_by")
    movements = body.get("balance_transactions") or []
    return Dispute(
        dispute_id=body["id"],
        state=body["status"],
        reason=body["reason"],
        amount=money(body["amount"], body["currency"]),
        charge=id_of(body["charge"]),
        payment_intent=id_of(body.get("payment_intent")),
        evidence_due_at=instant(due) if due else None,
        created_at=instant(body["created"]),
        movements=tuple(balance_transaction(row) for row in movements),
    )


def instant(seconds: int) -> datetime:
    """Stripe's way to write an instant."""
    return datetime.fromtimestamp(seconds, UTC)
