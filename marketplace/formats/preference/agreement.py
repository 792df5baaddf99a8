"""How far two preferences are apart, and how one compares with gold."""

from __future__ import annotations

from marketplace.formats.preference.schema import Answer

_RANGE = 6


def distance(one: Answer, other: Answer) -> float:
    """0 for the same point of the scale, 1 for its two ends."""
    return abs(one.overall - other.overall) / _RANGE


def grade(answer: Answer, gold: Answer) -> float:
    """1 if the same side is preferred (or both call a tie), else 0: strength is opinion."""
    return 1.0 if side(answer) == side(gold) else 0.0


def side(answer: Answer) -> str:
    """`a`, `b` or `tie`."""
    if answer.overall == 0:
        return "tie"
    return "a" if answer.overall < 0 else "b"
