"""What every page knows: appearance, banners, and the frame to draw it in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from marketplace.web.account.tabs import account_tabs
from marketplace.web.appearance import appearance
from marketplace.web.navigation import frame_of
from marketplace.web.staff.money_tabs import money_tabs


def frame(request: HttpRequest) -> dict[str, Any]:  # Any: as Django's context processors
    """Appearance and banners; `frame` asks the database only where a template draws it."""
    return {
        **appearance(request),
        "is_sandbox": settings.PAYMENTS_MODE == "sandbox",
        "is_demo": settings.DEMO,
        "frame": SimpleLazyObject(lambda: frame_of(request)),
        "account_tabs": SimpleLazyObject(lambda: account_tabs(request)),
        "money_tabs": SimpleLazyObject(lambda: money_tabs(request)),
    }
