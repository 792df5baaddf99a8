"""What can be said about a label without a person."""

from __future__ import annotations

from marketplace.formats.classification.schema import Answer, Prompt
from marketplace.formats.interface import Context
from marketplace.formats.problems import Problem
from marketplace.formats.text import words

_FASTEST_WORDS_A_SECOND = 12


def check(prompt: Prompt, answer: Answer, context: Context) -> list[Problem]:
    """The label is one of the set (refused); sent before the text can have been read (marked)."""
    found = []
    if answer.label not in prompt.labels:
        found.append(Problem("label", f"must be one of {', '.join(prompt.labels)}"))
    fastest = max(1, words(prompt.text) // _FASTEST_WORDS_A_SECOND)
    if context.active_seconds is not None and context.active_seconds < fastest:
        found.append(
            Problem("", f"was sent in less than the {fastest} s that reading takes", "mark")
        )
    return found
