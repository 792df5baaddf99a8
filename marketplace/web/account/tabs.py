"""The tabs of the account pages; allauth's own pages are drawn under them."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

TABS = (("account", "Profile"), ("account_security", "Security"), ("appearance", "Appearance"))


def account_tabs(request: HttpRequest) -> list[dict[str, object]]:
    """Profile, Security, Appearance; pages of sign-in and factors count as Security."""
    match = request.resolver_match
    view = match.view_name if match else ""
    current = view if view in dict(TABS) else "account_security"
    return [
        {"label": label, "url": reverse(name), "is_current": name == current}
        for name, label in TABS
    ]
