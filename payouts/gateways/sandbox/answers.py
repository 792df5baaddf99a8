"""What the sandbox's Stripe was asked, and how it answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

JSON = dict[str, Any]  # Any: JSON as Stripe writes it


class Refusal(Exception):
    """An error answer. Those of unreadable requests are not kept for their key."""

    def __init__(
        self, status: int, code: str, message: str, *, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message}}


class Unreadable(Refusal):
    """The parameters are wrong: Stripe keeps no answer for such a request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, with its parameters as nested JSON."""

    method: str
    path: str
    params: JSON
    key: str
    account: str
    digest: str


def read_request(method: str, url: str, headers: Mapping[str, str], body: str | None) -> Request:
    """Decode Stripe's form encoding (v1), JSON (v2) or query string."""
    parts = urlsplit(url)
    known = {name.lower(): value for name, value in headers.items()}
    text = body or ""
    if method == "get":
        params = _nested(parse_qsl(parts.query, keep_blank_values=True))
    elif parts.path.startswith("/v2/"):
        params = json.loads(text or "{}")
    else:
        params = _nested(parse_qsl(text, keep_blank_values=True))
    return Request(
        method=method,
        path=parts.path,
        params=params,
        key=known.get("idempotency-key", ""),
        account=known.get("stripe-account", ""),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _nested(pairs: list[tuple[str, str]]) -> JSON:
    tree: JSON = {}
    for name, value in pairs:
        first, *rest = name.replace("]", "").split("[")
        branch, last = tree, first
        for step in rest:
            branch = branch.setdefault(last, {})
            last = step or str(len(branch))
        branch[last] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(value: Any) -> Any:  # Any: a branch of the decoded form
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(child) for name, child in value.items()}


Shape = Mapping[
    str, Any
]  # Any: `int`, `str`, `bool`, `dict`, or another shape; "name!" is required


def check(params: JSON, shape: Shape, *, at: str = "") -> JSON:
    """Refuse unknown, missing and mistyped parameters as Stripe does; whole numbers become int."""
    kinds = {name.rstrip("!"): kind for name, kind in shape.items()}
    for name in params:
        if name not in kinds:
            raise Unreadable(400, "parameter_unknown", f"Received unknown parameter: {at}{name}")
    for name in shape:
        if name.endswith("!") and name.rstrip("!") not in params:
            raise Unreadable(
                400, "parameter_missing", f"Missing required param: {at}{name.rstrip('!')}."
            )
    return {name: _typed(value, kinds[name], f"{at}{name}") for name, value in params.items()}


def _typed(value: Any, kind: Any, name: str) -> Any:  # Any: a branch and its shape
    if kind is int:
        try:
            return int(value)
        except (TypeError, ValueError):
            raise Unreadable(400, "parameter_invalid_integer", f"Invalid integer: {name}") from None
    if isinstance(kind, list):
        if not isinstance(value, list):
            raise Unreadable(400, "parameter_invalid", f"Invalid array: {name}")
        return [_typed(child, kind[0], f"{name}[{i}]") for i, child in enumerate(value)]
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            raise Unreadable(400, "parameter_invalid", f"Invalid hash: {name}")
        return check(value, kind, at=f"{name}.")
    if not isinstance(value, kind):
        raise Unreadable(400, "parameter_invalid", f"Invalid {kind.__name__}: {name}")
    return value
