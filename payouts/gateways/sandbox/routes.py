"""The part of Stripe's API that the product uses."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.db.models import QuerySet

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.answers import JSON, Refusal, Request, check
from payouts.models import SandboxObject

Route = Callable[[Request, str], JSON]
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
_TRANSFER = {
    "amount!": int,
    "currency!": str,
    "destination!": str,
    "transfer_group": str,
    "metadata": dict,
}
_ACCOUNT = {
    "contact_email!": str,
    "display_name": str,
    "dashboard": str,
    "identity!": {"country!": str},
    "configuration!": {"recipient!": dict},
    "defaults": dict,
    "metadata": dict,
    "include": [str],
}
_ONBOARDING = {"configurations!": [str], "refresh_url!": str, "return_url": str}
_LINK = {"account!": str, "use_case!": {"type!": str, "account_onboarding!": _ONBOARDING}}


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


def create_transfer(request: Request, _: str) -> JSON:
    asked = check(request.params, _TRANSFER)
    account = _destination(asked["destination"])
    store.lock_balance()
    free = {currency: available for currency, available, _ in store.balances()}
    if asked["amount"] <= 0:
        raise Refusal(400, "parameter_invalid_integer", "Amount must be positive.")
    if free.get(asked["currency"], 0) < asked["amount"]:
        raise Refusal(400, "balance_insufficient", "You have insufficient available funds.")
    group = asked.get("transfer_group", "")
    row = store.add(
        "tr",
        "transfer",
        {
            "amount": asked["amount"],
            "amount_reversed": 0,
            "currency": asked["currency"],
            "destination": asked["destination"],
            "transfer_group": group or None,
            "metadata": asked.get("metadata", {}),
            "reversed": False,
        },
        group=group,
    )
    line = store.add_line("transfer", -asked["amount"], asked["currency"], row.object_id)
    payment = _receive(account, row)
    store.change(row, balance_transaction=line.object_id, destination_payment=payment)
    store.emit("platform", "transfer.created", row)
    return store.body_of(row)


def _destination(account_id: str) -> SandboxObject:
    rows = SandboxObject.objects.filter(object_id=account_id, type="v2.core.account")
    account = rows.order_by("position").first()
    if account is None:
        raise Refusal(400, "resource_missing", f"No such destination: '{account_id}'")
    if account.body["closed"]:
        raise Refusal(400, "account_invalid", "The destination account is closed.")
    if capability(account)["status"] != "active":
        raise Refusal(
            400,
            "insufficient_capabilities_for_transfer",
            "Your destination account needs to have the transfers capability enabled.",
        )
    return account


def _receive(account: SandboxObject, transfer: SandboxObject) -> str:
    """The payment at the destination and its automatic payout to the bank."""
    owner = account.object_id
    amount, currency = transfer.body["amount"], transfer.body["currency"]
    payment = store.add(
        "py",
        "charge",
        {"amount": amount, "currency": currency, "source_transfer": transfer.object_id},
        account=owner,
    )
    arrived = store.add_line("payment", amount, currency, payment.object_id, account=owner)
    payout = store.add(
        "po",
        "payout",
        {
            "amount": amount,
            "currency": currency,
            "automatic": True,
            "status": "in_transit",
            "failure_code": None,
        },
        account=owner,
    )
    left = store.add_line("payout", -amount, currency, payout.object_id, account=owner)
    for line in (arrived, left):
        line.group = payout.object_id
        line.save(update_fields=["group"])
    store.emit("connect", "payout.created", payout)
    store.settle_bank_later(payout)
    return payment.object_id


def create_account(request: Request, _: str) -> JSON:
    asked = check(request.params, _ACCOUNT)
    missing = [{"code": "requirements_past_due", "resolution": "provide_info"}]
    row = store.add(
        "acct",
        "v2.core.account",
        {
            "contact_email": asked["contact_email"],
            "display_name": asked.get("display_name"),
            "dashboard": asked.get("dashboard"),
            "identity": asked["identity"],
            "metadata": asked.get("metadata", {}),
            "closed": False,
            **with_capability("restricted", missing),
        },
    )
    return store.body_of(row)


def create_link(request: Request, _: str) -> JSON:
    asked = check(request.params, _LINK)
    store.get(asked["account"], "v2.core.account")
    row = store.add("alink", "v2.core.account_link", asked)
    store.change(row, url=f"{settings.SITE_URL}/sandbox/onboarding/{row.object_id}")
    return store.body_of(row)


def read_balance(request: Request, _: str) -> JSON:
    rows = store.balances(request.account)
    return {
        "object": "balance",
        "livemode": False,
        "available": [{"amount": free, "currency": currency} for currency, free, _ in rows],
        "pending": [{"amount": later, "currency": currency} for currency, _, later in rows],
    }


def list_transfers(request: Request, _: str) -> JSON:
    asked = check(request.params, {"transfer_group": str, "limit": int})
    rows = SandboxObject.objects.filter(type="transfer")
    if "transfer_group" in asked:
        rows = rows.filter(group=asked["transfer_group"])
    return _page(rows.order_by("-position")[: asked.get("limit", 10)], [])


def list_lines(request: Request, _: str) -> JSON:
    asked = check(request.params, {"payout": str, "limit": int, "expand": [str]})
    rows = SandboxObject.objects.filter(type="balance_transaction", account=request.account)
    if "payout" in asked:
        rows = rows.filter(group=asked["payout"])
    return _page(rows.order_by("-position")[: asked.get("limit", 10)], asked.get("expand", []))


def reader(type_: str) -> Route:
    def read(request: Request, object_id: str) -> JSON:
        asked = check(request.params, {"expand": [str], "include": [str]})
        body: JSON = store.get(object_id, type_, account=request.account).body
        for path in asked.get("expand", []):
            body = expanded(body, path.split("."))
        return body

    return read


def _page(rows: QuerySet[SandboxObject], expand: list[str]) -> JSON:
    data = [row.body for row in rows]
    for path in expand:
        data = [expanded(body, path.split(".")[1:]) for body in data]
    return {"object": "list", "data": data, "has_more": False, "url": "/v1"}


def expanded(body: JSON, path: list[str]) -> JSON:
    """The body with the ids along `path` replaced by their objects."""
    name, *rest = path
    child = body.get(name)
    if isinstance(child, str):
        child = SandboxObject.objects.get(object_id=child).body
    if isinstance(child, dict) and rest:
        child = expanded(child, rest)
    return {**body, name: child}


def with_capability(status: str, details: list[JSON]) -> JSON:
    """The recipient configuration of an account in this state."""
    transfers = {"requested": True, "status": status, "status_details": details}
    capabilities = {"stripe_balance": {"stripe_transfers": transfers}}
    return {"configuration": {"recipient": {"applied": True, "capabilities": capabilities}}}


def capability(account: SandboxObject) -> JSON:
    """The state of an account's transfers capability."""
    recipient = account.body["configuration"]["recipient"]
    found: JSON = recipient["capabilities"]["stripe_balance"]["stripe_transfers"]
    return found


_ROUTES: list[tuple[str, str, Route]] = [
    ("post", r"/v1/checkout/sessions", create_checkout),
    ("get", r"/v1/checkout/sessions/(\w+)", reader("checkout.session")),
    ("get", r"/v1/payment_intents/(\w+)", reader("payment_intent")),
    ("post", r"/v1/transfers", create_transfer),
    ("get", r"/v1/transfers", list_transfers),
    ("get", r"/v1/transfers/(\w+)", reader("transfer")),
    ("get", r"/v1/payouts/(\w+)", reader("payout")),
    ("get", r"/v1/balance", read_balance),
    ("get", r"/v1/balance_transactions", list_lines),
    ("post", r"/v2/core/accounts", create_account),
    ("get", r"/v2/core/accounts/(\w+)", reader("v2.core.account")),
    ("post", r"/v2/core/account_links", create_link),
]


def route(request: Request) -> JSON:
    """The answer's body. Raises Refusal; what the sandbox does not serve is a loud 501."""
    for method, pattern, answer in _ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            return answer(request, match[1] if match.groups() else "")
    raise Refusal(501, "not_served", f"The sandbox has no {request.method} {request.path}")
