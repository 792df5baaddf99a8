"""Who wrote a webhook: Stripe's signature over the raw body, and how old it may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import stripe
from django.conf import settings
from django.utils.crypto import salted_hmac

TOLERANCE = timedelta(seconds=300)
_SETTING = {
    "platform": "STRIPE_WEBHOOK_SECRET",
    "connect": "STRIPE_CONNECT_WEBHOOK_SECRET",
    "thin": "STRIPE_THIN_WEBHOOK_SECRET",
}


class BadSignature(Exception):
    """Not signed with one of our secrets, or too long ago."""


def secrets_of(endpoint: str) -> tuple[str, ...]:
    """The endpoint's secrets, two while rotating, none where it is switched off.

    They come from the settings only, never from a request. The sandbox makes its own.
    """
    if settings.PAYMENTS_MODE == "sandbox":
        return (f"whsec_{salted_hmac('payouts.sandbox', endpoint).hexdigest()}",)
    given = getattr(settings, _SETTING[endpoint])
    return tuple(secret.strip() for secret in given.split(",") if secret.strip())


def verify(*, endpoint: str, body: bytes, signature: str, at: datetime) -> None:
    """Raise BadSignature unless one of the endpoint's secrets signed `body` about now."""
    error: Exception | None = None
    for secret in secrets_of(endpoint):
        try:
            stripe.WebhookSignature.verify_header(body, signature, secret)
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as found:
            error = found
        else:
            return _refuse_stale(signature, at)
    raise BadSignature("The signature does not fit.") from error


def sign(*, endpoint: str, body: str, at: datetime) -> str:
    """The header that Stripe would send with this body; the sandbox's events carry it."""
    header = stripe.WebhookSignature.generate_signature_header(
        body, secrets_of(endpoint)[0], timestamp=int(at.timestamp())
    )
    return str(header)


def _refuse_stale(signature: str, at: datetime) -> None:
    # Compared with `at`, not with this machine's clock as the SDK would.
    parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
    signed_at = datetime.fromtimestamp(int(parts["t"]), UTC)
    if abs(at - signed_at) > TOLERANCE:
        raise BadSignature("The signature is too old.")
