"""What a stated confidence is worth, learnt from gold: isotonic steps, and one temperature."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple

from marketplace.quality.consensus import Config, Decision, decide, posterior

NEEDS = 100
TEMPERATURES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
STANDING_TEMPERATURE = 0.8


class _Block(NamedTuple):
    low: float  # least confidence in the block
    right: float
    n: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising step function from stated to true confidence, with the n gold tasks behind it.

    Without any pairs it answers the stated confidence. Below 100 pairs (`is_ready` false) pages
    show the stated value, labelled uncalibrated.
    """

    steps: tuple[float, ...]
    values: tuple[float, ...]
    n: int

    @property
    def is_ready(self) -> bool:
        """Whether enough gold tasks stand behind the steps."""
        return self.n >= NEEDS

    def __call__(self, confidence: float) -> float:
        """The share of right labels among gold tasks of that stated confidence."""
        if not self.steps:
            return confidence
        return self.values[max(0, bisect_right(self.steps, confidence) - 1)]


def fit(pairs: Iterable[tuple[float, bool]]) -> Calibration:
    """Isotonic regression of was_right on confidence by pooling adjacent violators.

    A block states (right + .5)/(n + 1); blocks that this turns around are pooled as well.
    """
    tally: dict[float, tuple[float, int]] = {}
    for confidence, was_right in pairs:
        right, n = tally.get(confidence, (0.0, 0))
        tally[confidence] = (right + float(was_right), n + 1)
    blocks = [_Block(confidence, *tally[confidence]) for confidence in sorted(tally)]
    blocks = _pool(_pool(blocks, lambda b: b.right / b.n), _stated)
    n = sum(block.n for block in blocks)
    return Calibration(tuple(b.low for b in blocks), tuple(map(_stated, blocks)), n)


def _stated(block: _Block) -> float:
    return (block.right + 0.5) / (block.n + 1.0)


def _pool(blocks: Sequence[_Block], value: Callable[[_Block], float]) -> list[_Block]:
    pooled: list[_Block] = []
    for block in blocks:
        pooled.append(block)
        while len(pooled) > 1 and value(pooled[-2]) >= value(pooled[-1]):
            last, before = pooled.pop(), pooled.pop()
            pooled.append(_Block(before.low, before.right + last.right, before.n + last.n))
    return pooled


class Replay(NamedTuple):
    """A gold task as if unknown: its votes in order (label, score mean), then its truth."""

    votes: Sequence[tuple[int, float]]
    truth: int
    n_labels: int


def shadow(votes: Sequence[tuple[int, float]], config: Config) -> Decision:
    """What the live stop rule would have decided on these votes, in order; credits nobody."""
    for n in range(1, len(votes)):
        decision = decide(posterior(votes[:n], config), config)
        if decision.status != "open":
            return decision
    return decide(posterior(votes, config), config)


def fit_temperature(replays: Iterable[Replay]) -> float:
    """The T of .4, .5 … 1.0 with the least gold log-loss; .8 below 100 gold answers.

    Of equal losses the one nearest to .8 counts.
    """
    tasks = list(replays)
    if sum(len(replay.votes) for replay in tasks) < NEEDS:
        return STANDING_TEMPERATURE
    nearest = sorted(TEMPERATURES, key=lambda t: abs(t - STANDING_TEMPERATURE))
    return min(nearest, key=lambda t: _log_loss(tasks, t))


def _log_loss(replays: Sequence[Replay], temperature: float) -> float:
    loss = 0.0
    for votes, truth, n_labels in replays:
        p = posterior(votes, Config(n_labels, temperature=temperature))
        loss -= log(max(p[truth], 1e-12))
    return loss
