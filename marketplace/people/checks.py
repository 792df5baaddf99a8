"""Settings that would quietly weaken sign-in are refused at start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from marketplace.kit.sealing import seal


def check_sign_in(app_configs: object, **kwargs: Any) -> list[CheckMessage]:  # Any: Django's
    """People's system check."""
    del app_configs, kwargs
    found: list[CheckMessage] = []
    if getattr(settings, "MFA_TOTP_INSECURE_BYPASS_CODE", None):
        found.append(Error("MFA_TOTP_INSECURE_BYPASS_CODE opens every account.", id="people.E001"))
    try:
        seal(b"", aad="check")
    except ImproperlyConfigured as problem:
        found.append(Error(str(problem), id="people.E004"))
    if not settings.DEBUG:
        # allauth skips the ID token's signature when TLS brought it: so it must be TLS.
        found += [
            Error(f"The sign-in provider {url} must be https.", id="people.E002")
            for url in _provider_urls()
            if urlsplit(url).scheme != "https"
        ]
        if settings.DEMO:
            found.append(
                Error("DEMO waives second factors; unset it outside DEBUG.", id="people.E003")
            )
    return found


def _provider_urls() -> Iterator[str]:
    providers = getattr(settings, "SOCIALACCOUNT_PROVIDERS", {})
    for provider in providers.values():
        for app in [*provider.get("APPS", []), provider.get("APP", {})]:
            url = app.get("settings", {}).get("server_url") or provider.get("SERVER_URL", "")
            if url:
                yield url
