"""What every page knows: appearance, banners, and which frame to draw."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEMES = frozenset({"light", "dark"})


def appearance(request: HttpRequest) -> dict[str, str]:
    """Theme and shortcuts come from cookies into <html>, so the first paint is right."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "auto",
        "shortcuts": "off" if request.COOKIES.get("shortcuts") == "off" else "on",
    }


def frame(request: HttpRequest) -> dict[str, Any]:  # Any: as Django's context processors
    """For every template: appearance and banners. Reads no database row."""
    return {
        **appearance(request),
        "is_sandbox": settings.PAYMENTS_MODE == "sandbox",
        "is_demo": settings.DEMO,
    }
