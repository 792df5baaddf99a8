"""The sandbox in place of the network: the real SDK encodes, reads answers and raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import stripe
from django.db import transaction

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.answers import JSON, Refusal, Request, Unreadable, read_request
from payouts.gateways.sandbox.routes import route
from payouts.models import SandboxReply
from payouts.models.sandbox import REQUEST_FAULTS

API_KEY = "sk_test_sandbox"
KEYS_LIVE = timedelta(hours=24)
Answer = tuple[str, int, dict[str, str]]
_REFUSING = {
    "insufficient_balance": Refusal(
        400, "balance_insufficient", "You have insufficient available funds."
    ),
    "restricted_account": Refusal(
        400,
        "insufficient_capabilities_for_transfer",
        "Your destination account needs to have the transfers capability enabled.",
    ),
    "error_before": Refusal(500, "api_error", "Something went wrong.", kind="api_error"),
}
_NOT_KEPT = {
    "rate_limit": Refusal(429, "rate_limit", "Too many requests."),
    "forbidden": Refusal(403, "more_permissions_required", "The key may not do this."),
}


class SandboxTransport(stripe.HTTPClient):
    """A `stripe.HTTPClient` that answers from the database, one transaction a request."""

    name = "sandbox"

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # Any: Stripe's own signature
        *,
        _usage: list[str] | None = None,
    ) -> Answer:
        """Answer as Stripe would. An armed fault may lose the answer after the effect."""
        request = read_request(method, url, headers or {}, post_data)
        with transaction.atomic(), store.one_moment():
            text, status, is_replayed, fault = _answer(request)
        if fault == "time_out_after":
            raise stripe.APIConnectionError("Request timed out.")  # type: ignore[no-untyped-call]  # there
        replayed = {"Idempotent-Replayed": "true"} if is_replayed else {}
        return text, status, {"Request-Id": store.new_id("req"), **replayed}

    def close(self) -> None:
        """There is no connection."""


def _answer(request: Request) -> tuple[str, int, bool, str]:
    if request.method != "post":
        return _read(request)
    if not store.is_key_free(request.key):
        busy = Refusal(409, "idempotency_key_in_use", "The key is in use.")
        return json.dumps(busy.body), 409, False, ""
    saved = _saved(request)
    if saved:
        return saved
    fault, _ = store.take_fault(REQUEST_FAULTS, request.path)
    if fault in _NOT_KEPT:
        refusal = _NOT_KEPT[fault]
        return json.dumps(refusal.body), refusal.status, False, fault
    status, body, is_kept = _act(request, fault)
    if fault == "error_after":
        status, body = 500, _REFUSING["error_before"].body
    text = json.dumps(body)
    if is_kept:
        _keep(request, status, text)
    return text, status, False, fault


def _read(request: Request) -> tuple[str, int, bool, str]:
    fault, _ = store.take_fault(REQUEST_FAULTS, f"get {request.path}")
    if fault in _NOT_KEPT:
        return json.dumps(_NOT_KEPT[fault].body), _NOT_KEPT[fault].status, False, fault
    status, body, _ = _act(request, "error_before" if fault == "error_after" else fault)
    return json.dumps(body), status, False, fault


def _act(request: Request, fault: str) -> tuple[int, JSON, bool]:
    try:
        with transaction.atomic():
            if fault in _REFUSING:
                raise _REFUSING[fault]
            return 200, route(request), True
    except Refusal as refusal:
        is_kept = refusal.status != 501 and not isinstance(refusal, Unreadable)
        return refusal.status, refusal.body, is_kept


def _saved(request: Request) -> tuple[str, int, bool, str] | None:
    known = SandboxReply.objects.filter(key=request.key, account=request.account)
    reply = known.order_by("id").first()
    if reply is not None and reply.created_at <= store.now() - KEYS_LIVE:
        known.delete()
        return None
    if reply is None:
        return None
    if (reply.path, reply.body_sha256) != (request.path, request.digest):
        conflict = Refusal(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters.",
            kind="idempotency_error",
        )
        return json.dumps(conflict.body), 400, False, ""
    return reply.response, reply.status, True, ""


def _keep(request: Request, status: int, text: str) -> None:
    SandboxReply.objects.create(
        key=request.key,
        account=request.account,
        path=request.path,
        body_sha256=request.digest,
        status=status,
        response=text,
        created_at=store.now(),
    )
