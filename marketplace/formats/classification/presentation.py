"""The task page of a classification."""

from __future__ import annotations

from marketplace.formats.classification.schema import Prompt
from marketplace.formats.interface import Ask, Presentation, Show
from marketplace.formats.text import WORDS_A_SECOND, words


def presentation(prompt: Prompt) -> Presentation:
    """The text, then one choice among the labels of this prompt, and a remark."""
    options = tuple((label, label) for label in prompt.labels)
    return Presentation(
        shows=(Show("text", "markdown", "Text"),),
        asks=(Ask("label", widget="choice", title=prompt.question, options=options), Ask("note")),
    )


def estimate_seconds(prompt: Prompt) -> int:
    """Reading the text once and the labels once, and choosing."""
    return 10 + words(prompt.text, prompt.question, *prompt.labels) // WORDS_A_SECOND


def labels(prompt: Prompt) -> tuple[str, ...]:
    """The closed set, in the client's order."""
    return tuple(prompt.labels)
