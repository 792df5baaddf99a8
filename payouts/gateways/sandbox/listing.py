"""Reading: one object, or a page of them, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from django.db.models import Q, QuerySet

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.answers import JSON, Refusal, Request, check
from payouts.models import SandboxObject

Route = Callable[[Request, str], JSON]
_SINCE = {"gt": int, "gte": int, "lt": int, "lte": int}
_PAGE = {
    "limit": int,
    "starting_after": str,
    "ending_before": str,
    "created": _SINCE,
    "expand": [str],
}
MOST = 100


def reader(type_: str) -> Route:
    """One object by its id."""

    def read(request: Request, object_id: str) -> JSON:
        asked = check(request.params, {"expand": [str], "include": [str]})
        body = store.body_of(store.get(object_id, type_, account=request.account))
        for path in asked.get("expand", []):
            body = expanded(body, path.split("."))
        return body

    return read


def lister(type_: str, **filters: str) -> Route:
    """A page of one type. `filters` says for each parameter which field of the row it compares."""
    shape = _PAGE | dict.fromkeys(filters, str)

    def read(request: Request, _: str) -> JSON:
        asked = check(request.params, shape)
        rows = SandboxObject.objects.filter(type=type_, account=request.account)
        for name, field in filters.items():
            if name in asked:
                rows = rows.filter(**{field: asked[name]})
        return page(rows, asked)

    return read


def list_events(request: Request, _: str) -> JSON:
    """Messages; those whose delivery failed with `delivery_success=false`."""
    asked = check(request.params, _PAGE | {"delivery_success": str, "type": str})
    rows = SandboxObject.objects.filter(type="event", account=request.account)
    rows = rows.exclude(body__object="v2.core.event")
    if "delivery_success" in asked:
        rows = rows.filter(body__is_lost=asked["delivery_success"] == "false")
    if "type" in asked:
        rows = rows.filter(body__type=asked["type"])
    return page(rows, asked)


def page(rows: QuerySet[SandboxObject], asked: Mapping[str, object]) -> JSON:
    """The rows between the cursors, at most `limit` of them."""
    limit = asked.get("limit", 10)
    if not isinstance(limit, int) or not 0 < limit <= MOST:
        raise Refusal(400, "parameter_invalid_integer", "limit is between 1 and 100.")
    narrowed = rows.filter(_between(asked)).order_by("-position")[: limit + 1]
    found = list(narrowed)
    data = [store.body_of(row) for row in found[:limit]]
    expand = asked.get("expand") or []
    for path in expand if isinstance(expand, list) else []:
        data = [expanded(body, path.split(".")[1:]) for body in data]
    return {"object": "list", "data": data, "has_more": len(found) > limit, "url": "/v1"}


def _between(asked: Mapping[str, object]) -> Q:
    wanted = Q()
    created = asked.get("created")
    for how, second in (created if isinstance(created, dict) else {}).items():
        # Stripe keeps whole seconds; our rows know more.
        start = datetime.fromtimestamp(second + (how in {"gt", "lte"}), UTC)
        wanted &= Q(created_at__gte=start) if how in {"gt", "gte"} else Q(created_at__lt=start)
    for name, comparison in (("starting_after", "position__lt"), ("ending_before", "position__gt")):
        if name in asked:
            rows = SandboxObject.objects.filter(object_id=asked[name])
            edge = rows.order_by("position").first()
            if edge is None:
                raise Refusal(404, "resource_missing", f"No such object: '{asked[name]}'")
            wanted &= Q(**{comparison: edge.position})
    return wanted


def expanded(body: JSON, path: list[str]) -> JSON:
    """The body with the ids along `path` replaced by their objects."""
    name, *rest = path
    child = body.get(name)
    if isinstance(child, str):
        child = store.body_of(SandboxObject.objects.get(object_id=child))
    if isinstance(child, dict) and rest:
        child = expanded(child, rest)
    return {**body, name: child}
