"""What simulated experts answer. They know the truth as often as their accuracy says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

# How a data set says that the first answer is better, the second is, or neither (lower case).
_SIDES = {
    **dict.fromkeys(("1", "a", "left", "first", "response_a", "response1", "chosen"), 1),
    **dict.fromkeys(("2", "b", "right", "second", "response_b", "response2", "rejected"), -1),
    **dict.fromkeys(("0", "tie", "same", "equal", "similar", "neither"), 0),
}
_REASONS = (
    "The reasoning holds step by step and the other answer skips the decisive one.",
    "It answers what was asked; the other one states something that is not so.",
    "Checked the figures: this one is right, the other is off and gives no method.",
    "Clearer, complete, and it names the limits. The other would mislead a reader.",
)


class UnknownTruth(ValueError):
    """A value of the truth column that names no side."""


def side_of(value: object) -> int:
    """1 for the first answer, -1 for the second, 0 for neither; the value as data sets write it."""
    try:
        return _SIDES[str(value).strip().lower()]
    except KeyError:
        known = ", ".join(sorted(_SIDES))
        raise UnknownTruth(f"{value!r} names no side; known are {known}") from None


@dataclass(frozen=True)
class SimulatedExpert:
    """How often this person is right (0 to 1), and the person's own dice."""

    accuracy: float
    draw: Random

    def prefer(self, truth: int) -> dict[str, Any]:  # Any: an answer is JSON
        """A preference answer (client's order, negative prefers the first) right that often."""
        if truth == 0:
            sign = self.draw.choice((1, -1))
        else:
            sign = truth if self.draw.random() < self.accuracy else -truth
        strength = self.draw.choice((1, 2, 2, 3))
        return {"overall": -sign * strength, "rationale": self.draw.choice(_REASONS)}

    def classify(
        self, truth: str, labels: Sequence[str]
    ) -> dict[str, Any]:  # Any: an answer is JSON
        """A label that is right with the given accuracy."""
        if self.draw.random() < self.accuracy:
            return {"label": truth}
        return {"label": self.draw.choice([label for label in labels if label != truth])}

    def choose(self, key: int, options: int) -> int:
        """The option of a test item, right with the given accuracy."""
        if self.draw.random() < self.accuracy:
            return key
        return self.draw.choice([option for option in range(options) if option != key])


def spread(count: int, *, low: float, high: float, seed: int) -> list[float]:
    """`count` accuracies evenly from low to high, shuffled by the seed."""
    step = (high - low) / max(1, count - 1)
    values = [round(low + step * place, 4) for place in range(count)]
    Random(f"accuracy:{seed}").shuffle(values)  # noqa: S311 a reproducible run, not a secret
    return values
