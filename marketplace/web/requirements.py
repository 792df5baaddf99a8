"""A tree of requirements as lines to draw: met, unmet, undecided."""

from __future__ import annotations

from dataclasses import dataclass

from vetting.policy import Reason

_ICONS = {"met": ("ok", "check"), "unmet": ("", "circle"), "undecided": ("warn", "clock")}


@dataclass(frozen=True, slots=True)
class Line:
    """One node: how deep it stands, what it asks and whether the facts meet it."""

    depth: int
    words: str
    truth: str
    tone: str
    icon: str


def tree_lines(reason: Reason, depth: int = 0) -> list[Line]:
    """The tree from its top, each group before its parts."""
    tone, icon = _ICONS[reason.truth]
    lines = [Line(depth, reason.asks, reason.truth, tone, icon)]
    for part in reason.parts:
        lines += tree_lines(part, depth + 1)
    return lines
