"""Labels are equal or they are not."""

from __future__ import annotations

from marketplace.formats.classification.schema import Answer


def distance(one: Answer, other: Answer) -> float:
    """0 for the same label, else 1."""
    return 0.0 if one.label == other.label else 1.0


def grade(answer: Answer, gold: Answer) -> float:
    """1 for the gold label, else 0."""
    return 1.0 - distance(answer, gold)


def label_of(answer: Answer) -> str:
    """The chosen label."""
    return answer.label
