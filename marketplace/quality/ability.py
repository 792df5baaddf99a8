"""The arithmetic of a sequential test: posterior of ability on a grid, next item, verdict.

    θ = -4 … 4 in 81 points, prior N(cut, 1)
    P(right | θ) = c + (1 - c)/(1 + exp(-a·(θ - b)))        posterior ∝ prior · Π P^u (1 - P)^(1-u)

Difficulty b, discrimination a, guessing c (1/K until calibrated). Plain Python, about 10 µs per
response. Birnbaum's three-parameter model (Lord and Novick 1968, ch. 17-20).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import exp, fsum, isfinite, sqrt
from typing import Literal

from marketplace.quality.errors import InvalidRow, InvalidSetting
from marketplace.quality.skill import fading

GRID = tuple(i / 10.0 for i in range(-40, 41))
PASS_AT_END = 0.60

Status = Literal["continue", "pass", "fail"]


@dataclass(frozen=True, slots=True)
class Item:
    """A question with its three parameters on the scale of ability."""

    id: Hashable
    difficulty: float
    discrimination: float = 1.0
    guessing: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.difficulty) and 0.0 < self.discrimination < float("inf")):
            raise InvalidSetting(f"item {self.id!r} needs a finite difficulty and a > 0")
        if not 0.0 <= self.guessing < 1.0:
            raise InvalidSetting(f"item {self.id!r} guesses outside [0, 1)")

    def p_right(self, theta: float) -> float:
        """P(right | θ)."""
        x = self.discrimination * (theta - self.difficulty)
        logistic = 1.0 / (1.0 + exp(-x)) if x > -700.0 else 0.0
        return self.guessing + (1.0 - self.guessing) * logistic

    def information(self, theta: float) -> float:
        """Fisher information at θ: a²·(1-P)/P·((P-c)/(1-c))²."""
        p = self.p_right(theta)
        if p <= 0.0:
            return 0.0
        gain = (p - self.guessing) / (1.0 - self.guessing)
        return self.discrimination**2 * (1.0 - p) / p * gain**2


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where an attempt stands, the mass above the cut, and the posterior mean and sd of θ."""

    status: Status
    probability_above_cut: float
    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Carried:
    """An earlier response: item, outcome, age. Its likelihood is taken to .5·2^(-days/180)."""

    item: Item
    is_right: bool
    age_days: float

    @property
    def weight(self) -> float:
        """The power to which the likelihood of this response is taken."""
        return 0.5 * fading(self.age_days)


class Test:
    """A test against a cut: pass at ≥ pass_at above it, fail at ≤ fail_at, from `minimum` items on.

    At `maximum`, or when items run out, pass iff ≥ .60 of the mass is above the cut. `carried` is
    evidence of earlier attempts. A `seed` deals out items of equal information in another order.
    """

    __test__ = False  # not for pytest

    def __init__(
        self,
        items: Iterable[Item],
        *,
        cut: float,
        minimum: int = 8,
        maximum: int = 25,
        pass_at: float = 0.90,
        fail_at: float = 0.05,
        seed: int | None = None,
        carried: Iterable[Carried] = (),
    ) -> None:
        self.items = {item.id: item for item in items}
        if not 1 <= minimum <= maximum:
            raise InvalidSetting(f"minimum {minimum} and maximum {maximum} do not fit")
        if not 0.0 <= fail_at < pass_at <= 1.0:
            raise InvalidSetting(f"fail_at {fail_at} and pass_at {pass_at} do not fit")
        self.cut, self.minimum, self.maximum = cut, minimum, maximum
        self.pass_at, self.fail_at = pass_at, fail_at
        self._curves: dict[Hashable, tuple[float, ...]] = {}
        start = [exp(-0.5 * (theta - cut) ** 2) for theta in GRID]
        for old in carried:
            likelihood = self._likelihood(old.item, is_right=old.is_right)
            start = [p * x**old.weight for p, x in zip(start, likelihood, strict=True)]
        self._start = start
        ranked = sorted(
            self.items.values(),
            key=lambda item: (-item.information(cut), _shuffled(seed, item.id), item.id),
        )
        self._ranked = [item.id for item in ranked]

    def next(self, responses: Sequence[tuple[Hashable, bool]]) -> Hashable | None:
        """The unanswered item with most information at the cut; None when the verdict is final."""
        if self.verdict(responses).status != "continue":
            return None
        answered = {item_id for item_id, _ in responses}
        return next((id_ for id_ in self._ranked if id_ not in answered), None)

    def verdict(self, responses: Sequence[tuple[Hashable, bool]]) -> Verdict:
        """The verdict on responses (item id, is right); of a repeated item the last counts."""
        last = dict(responses)
        p = self._posterior(last)
        above = fsum(x for theta, x in zip(GRID, p, strict=True) if theta > self.cut)
        mean = fsum(theta * x for theta, x in zip(GRID, p, strict=True))
        variance = fsum((theta - mean) ** 2 * x for theta, x in zip(GRID, p, strict=True))
        return Verdict(self._status(len(last), above), above, mean, sqrt(variance))

    def _status(self, n: int, above: float) -> Status:
        is_last = n >= self.maximum or n >= len(self.items)
        if n < self.minimum and not is_last:
            return "continue"
        if above >= self.pass_at or (is_last and above >= PASS_AT_END):
            return "pass"
        return "fail" if above <= self.fail_at or is_last else "continue"

    def _posterior(self, responses: dict[Hashable, bool]) -> list[float]:
        p = self._start
        for item_id, is_right in responses.items():
            if item_id not in self.items:
                raise InvalidRow(f"response to {item_id!r}, which is not in the bank")
            likelihood = self._likelihood(self.items[item_id], is_right=is_right)
            p = [a * b for a, b in zip(p, likelihood, strict=True)]
            total = sum(p)
            p = [x / total for x in p]
        total = sum(p)
        return [x / total for x in p]

    def _likelihood(self, item: Item, *, is_right: bool) -> tuple[float, ...]:
        curve = self._curves.get(item.id)
        if curve is None:
            sure = 1e-9  # no response is proof
            curve = tuple(min(max(item.p_right(x), sure), 1.0 - sure) for x in GRID)
            self._curves[item.id] = curve
        return curve if is_right else tuple(1.0 - x for x in curve)


def _shuffled(seed: int | None, item_id: Hashable) -> bytes:
    """A number of its own for every seed and item, the same in every process."""
    if seed is None:
        return b""
    return blake2b(f"{seed}\x1f{item_id!r}".encode(), digest_size=8).digest()
