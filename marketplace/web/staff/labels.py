"""Badges of states that only staff see; the rest is shown as experts see it."""

from __future__ import annotations

from marketplace.web.expert.labels import Badge, badge_of

_TONES = {
    "open": ("accent", "folder-open"),
    "closed": ("warn", "lock"),
    "running": ("accent", "play"),
    "paused": ("warn", "pause"),
    "done": ("ok", "check"),
    "requested": ("warn", "clock"),
    "granted": ("ok", "check"),
    "drafted": ("warn", "clock"),
    "exported": ("accent", "file-check"),
    "acknowledged": ("ok", "check"),
    "refused": ("", "x"),
    "withdrawn": ("", "minus"),
    "proposed": ("warn", "clock"),
    "paying": ("warn", "clock"),
    "sending": ("accent", "play"),
    "succeeded": ("ok", "check"),
    "confirmed": ("ok", "check"),
    "dead": ("bad", "octagon-x"),
    "cancelled": ("", "ban"),
    "voided": ("", "ban"),
    "live": ("ok", "check"),
    "retired": ("", "archive"),
    "leaked": ("bad", "triangle-alert"),
}
_RUNS = {"approved": ("warn", "clock")}
_JOBS = {"ready": ("", "clock")}


def staff_badge(state: str) -> Badge:
    """How a state is shown to staff."""
    return _badge(state, _TONES)


def payout_badge(state: str, *, rail: str) -> Badge:
    """A payment of a file that the bank has is no riddle, though its end is not known."""
    if rail == "bank_file" and state in ("submitting", "unknown"):
        return Badge("at_the_bank", "warn", "landmark")
    return staff_badge(state)


def run_badge(state: str, *, kind: str = "scheduled") -> Badge:
    """A run that is approved still waits to be sent; one of cash-outs is open for the day."""
    if kind == "cash_out" and state == "running":
        return Badge(state, "accent", "folder-open", "open for today")
    return _badge(state, {**_TONES, **_RUNS})


def job_badge(state: str) -> Badge:
    """A ready job waits."""
    return _badge(state, {**_TONES, **_JOBS})


def _badge(state: str, tones: dict[str, tuple[str, str]]) -> Badge:
    if state not in tones:
        return badge_of(state)
    tone, icon = tones[state]
    return Badge(state, tone, icon)
