"""Clients' money: payment pages, charges, refunds."""

from __future__ import annotations

from django.conf import settings

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.answers import JSON, Refusal, Request, check
from payouts.models import SandboxObject

_PRICE = {"currency!": str, "unit_amount!": int, "product_data!": {"name!": str}}
_CHECKOUT = {
    "mode!": str,
    "client_reference_id": str,
    "line_items!": [{"quantity!": int, "price_data!": _PRICE}],
    "metadata": dict,
    "payment_intent_data": {"metadata": dict},
    "success_url!": str,
    "cancel_url": str,
}
_REFUND = {
    "payment_intent": str,
    "charge": str,
    "amount": int,
    "reason": str,
    "metadata": dict,
}


def create_checkout(request: Request, _: str) -> JSON:
    asked = check(request.params, _CHECKOUT)
    line = asked["line_items"][0]
    total = line["quantity"] * line["price_data"]["unit_amount"]
    if total <= 0:
        raise Refusal(400, "parameter_invalid_integer", "Amount must be positive.")
    row = store.add(
        "cs_test",
        "checkout.session",
        {
            "mode": asked["mode"],
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "amount_total": total,
            "currency": line["price_data"]["currency"],
            "client_reference_id": asked.get("client_reference_id"),
            "metadata": asked.get("metadata", {}),
            "success_url": asked["success_url"],
            "cancel_url": asked.get("cancel_url"),
        },
    )
    store.change(row, url=f"{settings.SITE_URL}/sandbox/checkout/{row.object_id}")
    return store.body_of(row)


def expire_checkout(_: Request, session_id: str) -> JSON:
    row = store.lock(session_id, "checkout.session")
    if row.body["status"] != "open":
        said = f"This Session cannot be expired: its status is {row.body['status']}."
        raise Refusal(400, "", said)
    store.change(row, status="expired", url=None)
    store.emit("platform", "checkout.session.expired", row)
    return store.body_of(row)


def create_refund(request: Request, _: str) -> JSON:
    asked = check(request.params, _REFUND)
    charge = _refundable(asked)
    left = charge.body["amount"] - charge.body["amount_refunded"]
    amount, currency = asked.get("amount", left), charge.body["currency"]
    if left == 0:
        raise Refusal(400, "charge_already_refunded", "The charge has already been refunded.")
    if not 0 < amount <= left:
        raise Refusal(
            400,
            "parameter_invalid_integer",
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
        )
    store.lock_balance()
    if store.available(currency) < amount:
        raise Refusal(400, "balance_insufficient", "You have insufficient available funds.")
    is_card = charge.object_id.startswith("ch_")
    row = store.add(
        "re" if is_card else "pyr",
        "refund",
        {
            "amount": amount,
            "currency": currency,
            "charge": charge.object_id,
            "payment_intent": charge.body["payment_intent"],
            "metadata": asked.get("metadata", {}),
            "reason": asked.get("reason"),
            "status": "succeeded",
            "failure_reason": None,
        },
        group=charge.body["payment_intent"],
    )
    kind = "refund" if is_card else "payment_refund"
    line = store.add_line(kind, -amount, currency, row.object_id)
    store.change(row, balance_transaction=line.object_id)
    store.change(charge, amount_refunded=charge.body["amount_refunded"] + amount)
    store.emit("platform", "refund.created", row)
    store.emit("platform", "charge.refunded", charge)
    return store.body_of(row)


def _refundable(asked: JSON) -> SandboxObject:
    if "charge" in asked:
        return store.lock(asked["charge"], "charge")
    if "payment_intent" not in asked:
        raise Refusal(400, "parameter_missing", "Must provide charge or payment_intent.")
    intent = store.get(asked["payment_intent"], "payment_intent")
    if intent.body["status"] != "succeeded":
        raise Refusal(
            400, "payment_intent_unexpected_state", "This payment has no successful charge."
        )
    return store.lock(intent.body["latest_charge"], "charge")


def charge(session: SandboxObject, prefix: str) -> SandboxObject:
    """The payment of a page arrives, less Stripe's fee: card 2.9 % + 30, bank debit 0.8 %."""
    amount, currency = session.body["amount_total"], session.body["currency"]
    intent = store.lock(session.body["payment_intent"], "payment_intent")
    row = store.add(
        prefix,
        "charge",
        {
            "amount": amount,
            "amount_refunded": 0,
            "currency": currency,
            "payment_intent": intent.object_id,
            "paid": True,
            "disputed": False,
        },
    )
    is_card = prefix == "ch"
    wanted = (amount * 29 + 500) // 1000 + 30 if is_card else (amount * 8 + 500) // 1000
    kind = "charge" if is_card else "payment"
    line = store.add_line(kind, amount, currency, row.object_id, fee=min(amount, wanted))
    store.change(row, balance_transaction=line.object_id)
    store.change(intent, status="succeeded", amount_received=amount, latest_charge=row.object_id)
    return row


def intend(session: SandboxObject, status: str) -> SandboxObject:
    """The payment intent that a page gets once somebody has chosen how to pay."""
    intent = store.add(
        "pi",
        "payment_intent",
        {
            "amount": session.body["amount_total"],
            "amount_received": 0,
            "currency": session.body["currency"],
            "status": status,
            "latest_charge": None,
            "metadata": session.body["metadata"],
        },
    )
    store.change(session, payment_intent=intent.object_id)
    return intent
