"""Whether money may leave at all."""

from __future__ import annotations

from django.conf import settings

from payouts.models import PauseTurn


def pause_reason() -> str:
    """Why nothing may be sent or refunded now, in words; empty while money may leave."""
    if settings.PAYMENTS_PAUSED:
        return "PAYMENTS_PAUSED is set on this instance."
    last = PauseTurn.objects.order_by("-id").first()
    return last.why if last is not None and last.is_paused else ""


def last_turn() -> PauseTurn | None:
    """Who turned the switch last, when and why."""
    return PauseTurn.objects.select_related("by").order_by("-id").first()
