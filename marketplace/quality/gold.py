"""What gold decides: who leaves the vote, whom a human looks at, how much gold to mix in.

Gold counters are evidence, not integers: rubric credit and decay make them fractional.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

from marketplace.quality import beta

GATE = 0.8
PAUSE = 0.95
PAUSE_NEEDS = 8


@lru_cache(maxsize=65_536)
def bad_probability(gold_right: float, gold_wrong: float, n_labels: int) -> float:
    """q_bad = P(accuracy < 1/K + .15 | Beta(3 + gold_right, 1 + gold_wrong)): a guesser."""
    floor = min(1.0 / n_labels + 0.15, 1.0)
    return beta.cdf(floor, 3.0 + gold_right, 1.0 + gold_wrong)


def is_gated(gold_right: float, gold_wrong: float, n_labels: int) -> bool:
    """Whether the answers of this expert leave aggregation: reversible, no effect on pay."""
    return bad_probability(gold_right, gold_wrong, n_labels) > GATE


def is_pause_due(gold_right: float, gold_wrong: float, n_labels: int) -> bool:
    """Whether a human should decide about a pause: near certainty on at least 8 gold answers."""
    enough = gold_right + gold_wrong >= PAUSE_NEEDS
    return enough and bad_probability(gold_right, gold_wrong, n_labels) > PAUSE


def share(
    *, n_answers: int, n_gold: int, gold_right: float, answers_per_30_days: float = 0.0
) -> float:
    """The share of gold among the next tasks of an expert in a skill.

    30 % for the first 10 answers, 10 % until 20 gold; then what keeps the standard deviation of
    the gold accuracy p below .08 per 30 days, √(p(1-p)/n) < .08, and at least 5 %.
    """
    if n_answers < 10:
        return 0.30
    if n_gold < 20:
        return 0.10
    p = (3.0 + gold_right) / (4.0 + n_gold)
    needed = ceil(p * (1.0 - p) / 0.08**2)
    return min(0.30, max(0.05, needed / max(answers_per_30_days, 1.0)))


def batch_accuracy(*, right: float, wrong: float) -> tuple[float, float, float]:
    """Accuracy of published labels on gold: (right + .5)/(n + 1) with its 95 % interval."""
    low, high = beta.interval(right + 0.5, wrong + 0.5, level=0.95)
    return (right + 0.5) / (right + wrong + 1.0), low, high


def is_rapid(*, seconds: float, median_of_right: float) -> bool:
    """Whether an answer came in under max(3 s, 10 % of the median of right answerers).

    Such an answer is marked, never scored.
    """
    return seconds < max(3.0, 0.1 * median_of_right)
