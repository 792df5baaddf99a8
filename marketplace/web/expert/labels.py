"""Words, tones and icons of states and kinds; colour never stands alone."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.formats.registry import FORMATS


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as a badge shows it: the glossary's word, a tone and an icon."""

    state: str
    tone: str
    icon: str
    said: str = ""

    @property
    def word(self) -> str:
        """`awaiting_review` is read “awaiting review”, unless other words are better."""
        return self.said or self.state.replace("_", " ")


_OK = ("ok", "check")
_WAIT = ("warn", "clock")
_BAD = ("bad", "x")
_PLAIN = ("", "minus")
_TONES = {
    "active": ("accent", "play"),
    "in_progress": ("accent", "play"),
    "ready": ("accent", "play"),
    "available": ("accent", "wallet"),
    "awaiting_review": _WAIT,
    "in_review": _WAIT,
    "submitted": _WAIT,
    "checking": _WAIT,
    "in_grading": _WAIT,
    "pending": _WAIT,
    "reserved": _WAIT,
    "submitting": _WAIT,
    "unknown": _WAIT,
    "transferred": _WAIT,
    "bank_pending": _WAIT,
    "onboarding": _WAIT,
    "waitlisted": _WAIT,
    "disputed": _WAIT,
    "suspended": ("bad", "pause"),
    "held": ("warn", "hand"),
    "restricted": ("bad", "triangle-alert"),
    "changes_requested": ("warn", "message-square-warning"),
    "needs_info": ("warn", "message-square-warning"),
    "not_eligible_yet": ("warn", "lock"),
    "approved": _OK,
    "partially_approved": _OK,
    "verified": _OK,
    "passed": _OK,
    "paid": _OK,
    "cancelled_paid": _OK,
    "screened_out": _OK,
    "rejected": _BAD,
    "rejected_final": _BAD,
    "declined": _BAD,
    "failed": _BAD,
    "bank_failed": _BAD,
    "clawed_back": _BAD,
    "reversed": _BAD,
    "voided": _BAD,
    "revoked": _BAD,
    "expired": ("", "timer-off"),
    "timed_out": ("", "timer-off"),
    "returned": ("", "undo-2"),
}
_ICONS = {"preference": "git-compare-arrows", "classification": "tags"}


def badge_of(state: str, said: str = "") -> Badge:
    """How a state is shown, in these words if any; one without a tone of its own is plain."""
    tone, icon = _TONES.get(state, _PLAIN)
    return Badge(state, tone, icon, said)


def kind_icon(kind: str) -> str:
    """The icon of a format."""
    return _ICONS.get(kind, "clipboard-list")


def kind_title(kind: str) -> str:
    """The format's own title."""
    return FORMATS[kind].title if kind in FORMATS else kind
