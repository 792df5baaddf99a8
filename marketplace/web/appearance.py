"""How a person wants pages to look, from cookies that hold one word each."""

from __future__ import annotations

from django.http import HttpRequest

THEMES = frozenset({"light", "dark"})


def appearance(request: HttpRequest) -> dict[str, str]:
    """Theme and shortcuts for <html>, so the first paint is right. Unknown words are ignored."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in THEMES else "auto",
        "shortcuts": "off" if request.COOKIES.get("shortcuts") == "off" else "on",
    }
