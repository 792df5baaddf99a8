"""Gauges for a monitor, in the text format of Prometheus."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from payouts.selectors.overview import gauges, pulse


def metrics(request: HttpRequest) -> HttpResponse:
    """The state of the money as numbers, for whoever sends METRICS_TOKEN; nothing without one."""
    token = settings.METRICS_TOKEN
    said = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not secrets.compare_digest(said.encode(), token.encode()):
        raise NotFound("There is nothing here.")
    at = clock.now()
    found = gauges(pulse(at=at), at=at)
    lines = [f"# TYPE guildhall_{name} gauge\nguildhall_{name} {n}" for name, n in found.items()]
    return HttpResponse(
        "\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8"
    )
