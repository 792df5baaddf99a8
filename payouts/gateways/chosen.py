"""Which provider this instance uses."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from payouts.gateways import sandbox
from payouts.gateways.port import Gateway
from payouts.gateways.stripe import StripeGateway


def gateway() -> Gateway:
    """Stripe, or the sandbox over Stripe's own SDK, as PAYMENTS_MODE says."""
    if settings.PAYMENTS_MODE == "sandbox":
        return _sandbox(settings.STRIPE_API_VERSION)
    return _stripe(
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_VERSION, settings.STRIPE_API_BASE
    )


@lru_cache(maxsize=1)
def _sandbox(api_version: str) -> Gateway:
    return StripeGateway(
        api_key=sandbox.API_KEY, api_version=api_version, http_client=sandbox.SandboxTransport()
    )


@lru_cache(maxsize=1)
def _stripe(api_key: str, api_version: str, api_base: str) -> Gateway:
    if api_base and api_key.startswith(("sk_live", "rk_live")):
        raise ImproperlyConfigured("STRIPE_API_BASE refuses a live key; unset one of them.")
    return StripeGateway(api_key=api_key, api_version=api_version, api_base=api_base)
