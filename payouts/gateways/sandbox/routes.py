"""The part of Stripe's API that the product uses."""

from __future__ import annotations

import re

from payouts.gateways.sandbox.accounts import create_account, create_link
from payouts.gateways.sandbox.answers import JSON, Refusal, Request
from payouts.gateways.sandbox.banking import (
    create_payout,
    list_movements,
    read_bank,
    set_schedule,
)
from payouts.gateways.sandbox.listing import Route, list_events, lister, reader
from payouts.gateways.sandbox.moving import (
    create_reversal,
    create_topup,
    create_transfer,
    read_balance,
)
from payouts.gateways.sandbox.paying import create_checkout, create_refund, expire_checkout

_ROUTES: list[tuple[str, str, Route]] = [
    ("post", r"/v1/checkout/sessions", create_checkout),
    ("get", r"/v1/checkout/sessions/(\w+)", reader("checkout.session")),
    ("post", r"/v1/checkout/sessions/(\w+)/expire", expire_checkout),
    ("get", r"/v1/payment_intents/(\w+)", reader("payment_intent")),
    ("get", r"/v1/charges/(\w+)", reader("charge")),
    ("get", r"/v1/charges", lister("charge", payment_intent="body__payment_intent")),
    ("post", r"/v1/refunds", create_refund),
    ("get", r"/v1/refunds/(\w+)", reader("refund")),
    ("get", r"/v1/refunds", lister("refund", payment_intent="group", charge="body__charge")),
    ("get", r"/v1/disputes/(\w+)", reader("dispute")),
    ("get", r"/v1/disputes", lister("dispute", charge="group")),
    ("post", r"/v1/transfers", create_transfer),
    ("get", r"/v1/transfers", lister("transfer", transfer_group="group")),
    ("get", r"/v1/transfers/(\w+)", reader("transfer")),
    ("post", r"/v1/transfers/(\w+)/reversals", create_reversal),
    ("post", r"/v1/payouts", create_payout),
    ("get", r"/v1/payouts", lister("payout", status="body__status")),
    ("get", r"/v1/payouts/(\w+)", reader("payout")),
    ("post", r"/v1/topups", create_topup),
    ("get", r"/v1/topups", lister("topup")),
    ("get", r"/v1/topups/(\w+)", reader("topup")),
    ("get", r"/v1/balance", read_balance),
    ("post", r"/v1/balance_settings", set_schedule),
    ("get", r"/v1/accounts/\w+/external_accounts/(\w+)", read_bank),
    ("get", r"/v1/balance_transactions", list_movements),
    ("get", r"/v1/balance_transactions/(\w+)", reader("balance_transaction")),
    ("get", r"/v1/events", list_events),
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
