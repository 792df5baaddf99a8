"""States of a client's things as badges: the glossary's word, a tone, an icon."""

from __future__ import annotations

from marketplace.web.expert.labels import Badge, badge_of

_TONES = {
    "draft": ("", "pencil"),
    "pilot": ("accent", "flask-conical"),
    "active": ("ok", "play"),
    "open": ("ok", "play"),
    "paused": ("warn", "pause"),
    "closed": ("", "square"),
    "archived": ("", "archive"),
    "importing": ("warn", "clock"),
    "ready": ("accent", "circle-dot"),
    "checking": ("warn", "clock"),
    "checked": ("accent", "list-checks"),
    "loading": ("warn", "clock"),
    "done": ("ok", "check"),
    "building": ("warn", "clock"),
    "created": ("warn", "clock"),
    "paying": ("warn", "clock"),
    "sending": ("warn", "clock"),
    "completed": ("ok", "check"),
    "available": ("accent", "circle-dot"),
    "pending": ("", "circle-dashed"),
    "live": ("ok", "check"),
    "running": ("accent", "loader"),
    "requested": ("warn", "clock"),
    "granted": ("ok", "check"),
    "refused": ("bad", "x"),
    "withdrawn": ("", "minus"),
    "exported": ("accent", "circle-dot"),
    "acknowledged": ("ok", "check"),
    "voided": ("", "ban"),
    "dead": ("bad", "circle-alert"),
    "cancelled": ("", "x"),
    "charged_back": ("bad", "x"),
}


def client_badge(state: str) -> Badge:
    """How a state is shown to a client; others as everywhere."""
    if state not in _TONES:
        return badge_of(state)
    tone, icon = _TONES[state]
    return Badge(state, tone, icon)


_CONTESTED = {
    "warning": ("warn", "triangle-alert"),
    "open": ("bad", "circle-alert"),
    "won": ("ok", "check"),
    "lost": ("bad", "x"),
    "closed": ("", "check"),
}


def chargeback_badge(state: str) -> Badge:
    """How a payment that a bank takes back is shown, to clients and to staff."""
    return Badge(state, *_CONTESTED[state])
