"""One frozen request per attempt: what is sent is what was written down, byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from marketplace.kit.states import require_transition
from payouts.gateways.chosen import gateway
from payouts.gateways.port import GatewayError
from payouts.models import LIVE_ATTEMPT, FrozenRequest, Payout, PayoutAttempt
from payouts.services.pacing import back_off


def next_attempt(*, payout: Payout) -> PayoutAttempt:
    """Write the payout's next attempt with its own key, unless one is still alive."""
    alive = payout.attempts.filter(state__in=LIVE_ATTEMPT).order_by("number").last()
    if alive is not None:
        return alive
    last = payout.attempts.order_by("number").last()
    attempt = _attempt(payout, 1 if last is None else last.number + 1)
    attempt.save(force_insert=True)
    return attempt


def first_attempts(*, payouts: Sequence[Payout]) -> list[PayoutAttempt]:
    """Write attempt 1 of payouts that were just made."""
    return PayoutAttempt.objects.bulk_create(_attempt(payout, 1) for payout in payouts)


def end_attempt(
    *,
    attempt: FrozenRequest,
    state: str,
    at: datetime,
    provider_id: str | None = None,
    code: str = "",
    message: str = "",
) -> None:
    """Write down how a locked attempt ended."""
    require_transition(attempt.TRANSITIONS, attempt, state)
    attempt.state, attempt.ended_at, attempt.next_try_at = state, at, None
    attempt.provider_id, attempt.error_code, attempt.error_message = provider_id, code, message
    attempt.save(
        update_fields=[
            "state",
            "ended_at",
            "next_try_at",
            "provider_id",
            "error_code",
            "error_message",
        ]
    )


def pause_attempt(*, attempt: FrozenRequest, error: GatewayError, at: datetime) -> None:
    """Leave the provider alone for a while; the caller saves."""
    attempt.next_try_at = at + back_off(key=attempt.key, sends=attempt.sends)
    attempt.error_code, attempt.error_message = error.code, error.message


def unclaim_attempt(*, attempt: FrozenRequest) -> None:
    """Make a locked attempt as if it never had been claimed."""
    attempt.state, attempt.sends = "created", 0
    attempt.first_sent_at = attempt.last_sent_at = attempt.next_try_at = None
    attempt.save(update_fields=["state", "sends", "first_sent_at", "last_sent_at", "next_try_at"])


def _attempt(payout: Payout, number: int) -> PayoutAttempt:
    request = _request(payout, number)
    provider = gateway()
    return PayoutAttempt(
        payout=payout,
        number=number,
        key=f"payout:{payout.id}:{number}",
        request=request,
        request_sha256=hashlib.sha256(request.encode()).hexdigest(),
        api_version=provider.api_version,
        livemode=provider.is_live,
        rail=payout.payee.rail,
    )


def group_of(*, payout: Payout) -> str:
    """What marks every transfer of this payout at Stripe, so that one can be found again."""
    return f"payout:{payout.id}"


def metadata_of(*, payout: Payout, number: int) -> dict[str, str]:
    """What Stripe keeps with a try, so that whoever sees it knows whose it is."""
    return {
        "payout": str(payout.id),
        "attempt": str(number),
        "instance": urlsplit(settings.SITE_URL).netloc,
    }


def _request(payout: Payout, number: int) -> str:
    return json.dumps(
        {
            "amount": payout.amount_minor,
            "currency": payout.currency.lower(),
            "destination": payout.destination,
            "transfer_group": group_of(payout=payout),
            "metadata": metadata_of(payout=payout, number=number),
        }
    )
