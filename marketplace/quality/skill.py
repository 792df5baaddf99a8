"""The score of one expert in one skill: a Beta posterior of being right, with its evidence.

    a = κ·m₀ + Σ w·c·2^(-Δt/H)        b = κ·(1-m₀) + Σ w·(1-c)·2^(-Δt/H)

κ = 6 pseudo-answers of prior at mean m₀ (.75 when nothing is known), credit c in [0, 1], weight w
by source, half-life H = 180 days. Sums commute, so events may arrive, be undone and be replayed in
any order. Scores of skills with different K compare only as `above_chance`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import copysign, fsum, sqrt

from marketplace.quality import beta
from marketplace.quality.errors import InvalidEvidence, InvalidSetting

KAPPA = 6.0
MEAN = 0.75
HALF_LIFE_DAYS = 180.0
WEIGHTS = {"gold": 1.0, "verdict": 1.0, "review": 0.7, "test": 0.5, "consensus": 0.5}
# tier: lower bound, evidence in answers
_NEEDS = {"t1": (0.60, 10.0), "t2": (0.75, 25.0), "reviewer": (0.85, 50.0)}


@dataclass(frozen=True, slots=True)
class Skill:
    """Beta(alpha, beta) of being right, and how much of its evidence was gold.

    Without arguments: the standing prior. Gold counters hold credit, decayed like the rest.
    """

    alpha: float = KAPPA * MEAN
    beta: float = KAPPA * (1.0 - MEAN)
    gold_right: float = 0.0
    gold_wrong: float = 0.0

    @property
    def mean(self) -> float:
        """Expected accuracy."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def sd(self) -> float:
        """Standard deviation √(m(1-m)/(a+b+1))."""
        m = self.mean
        return sqrt(m * (1.0 - m) / (self.alpha + self.beta + 1.0))

    @property
    def lower_bound(self) -> float:
        """max(0, m - 1.28·sd): what gating reads, about the 10 % quantile."""
        return max(0.0, self.mean - 1.28 * self.sd)

    @property
    def n_eff(self) -> float:
        """Evidence beyond the prior, in answers."""
        return self.alpha + self.beta - KAPPA

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The equal-tailed interval that holds `level` of the posterior."""
        return beta.interval(self.alpha, self.beta, level=level)

    def quantile(self, p: float) -> float:
        """The accuracy exceeded with probability 1 - p; at a uniform p it is a Thompson draw."""
        return beta.quantile(p, self.alpha, self.beta)

    def above_chance(self, n_labels: int) -> float:
        """(m - 1/K)/(1 - 1/K): 0 is guessing, 1 is perfect, comparable across K."""
        return above_chance(self.mean, n_labels)


def above_chance(accuracy: float, n_labels: int) -> float:
    """(A - 1/K)/(1 - 1/K)."""
    return (accuracy - 1.0 / n_labels) / (1.0 - 1.0 / n_labels)


STANDING = Skill()


def observe(skill: Skill, *, source: str, credit: float, weight: float | None = None) -> Skill:
    """The score after one event of full freshness: a += w·c, b += w·(1-c).

    `weight` replaces the weight of the source (0 … 1). Gold also moves the gold counters by c.
    """
    return _add(skill, 1.0, source, credit, weight)


def undo(skill: Skill, *, source: str, credit: float, weight: float | None = None) -> Skill:
    """The score as if that event had never been. Decay to the instant of the event first."""
    return _add(skill, -1.0, source, credit, weight)


def _add(skill: Skill, sign: float, source: str, credit: float, weight: float | None) -> Skill:
    if source not in WEIGHTS:
        raise InvalidEvidence(f"source {source!r} is none of {', '.join(WEIGHTS)}")
    if not 0.0 <= credit <= 1.0:
        raise InvalidEvidence(f"credit {credit!r} is outside [0, 1]")
    w = WEIGHTS[source] if weight is None else weight
    if not 0.0 <= w <= 1.0:
        raise InvalidEvidence(f"weight {w!r} is outside [0, 1]")
    gold = sign if source == "gold" else 0.0
    return Skill(
        skill.alpha + sign * w * credit,
        skill.beta + sign * w * (1.0 - credit),
        skill.gold_right + gold * credit,
        skill.gold_wrong + gold * (1.0 - credit),
    )


def prior(mean: float = MEAN) -> Skill:
    """The score before any evidence, when the expected accuracy is `mean`."""
    if not 0.0 < mean < 1.0:
        raise InvalidSetting(f"prior mean {mean!r} is outside (0, 1)")
    return Skill(KAPPA * mean, KAPPA * (1.0 - mean))


def decay(
    skill: Skill, *, days: float, prior: Skill = STANDING, half_life: float = HALF_LIFE_DAYS
) -> Skill:
    """The score `days` later: evidence fades towards its prior, a = a₀ + (a-a₀)·2^(-days/H).

    Time that runs backwards counts as none.
    """
    kept = fading(days, half_life=half_life)
    return Skill(
        prior.alpha + (skill.alpha - prior.alpha) * kept,
        prior.beta + (skill.beta - prior.beta) * kept,
        skill.gold_right * kept,
        skill.gold_wrong * kept,
    )


def fading(days: float, *, half_life: float = HALF_LIFE_DAYS) -> float:
    """2^(-days/H): what is left of evidence of that age."""
    return float(2.0 ** (-max(days, 0.0) / half_life))


@dataclass(frozen=True, slots=True)
class Event:
    """One piece of evidence as stored: an undo carries the negative weight of what it undoes."""

    source: str
    credit: float
    weight: float
    age_days: float


def rebuild(events: Iterable[Event], *, prior: Skill = STANDING) -> Skill:
    """The score from its events, in any order: a₀ + Σ w·c·2^(-age/H)."""
    score = prior
    for event in events:
        sign = copysign(fading(event.age_days), event.weight)
        score = _add(score, sign, event.source, event.credit, abs(event.weight))
    return score


def consensus_weight(*, gold_accuracy: float, n_gold: int, n_labels: int) -> float:
    """.5·max(0, (A-1/K)/(1-1/K)): consensus that deceives on gold may not teach scores.

    A is the gold accuracy of published labels of the format in the project; 1 below 30 gold tasks.
    """
    known = 1.0 if n_gold < 30 else gold_accuracy
    return WEIGHTS["consensus"] * max(0.0, above_chance(known, n_labels))


def prior_mean(skill_mean: float, *, elsewhere: Iterable[Skill] = ()) -> float:
    """m₀ of a new score: half the skill's mean, half the expert's own over skills with n_eff ≥ 10.

    Without such skills the skill's mean. `elsewhere` are the scores in other skills of the domain.
    """
    own = [score.mean for score in elsewhere if score.n_eff >= 10.0]
    return 0.5 * skill_mean + 0.5 * fsum(own) / len(own) if own else skill_mean


def estimate_skill_mean(scores: Iterable[tuple[Skill, Skill]]) -> float:
    """The mean of a skill by moments over (score, its prior), clipped to .55 … .90.

    Each expert's raw rate (a-a₀)/n counts by n/(n+κ), its precision; .75 without evidence.
    """
    total = weight = 0.0
    for score, before in scores:
        n = score.n_eff
        if n > 0.0:
            w = n / (n + KAPPA)
            total += w * (score.alpha - before.alpha) / n
            weight += w
    return min(0.90, max(0.55, total / weight)) if weight else MEAN


def tier(score: Skill, *, agreed_reviews: int = 0) -> str:
    """The highest tier the score supports; `agreed_reviews` agreed with adjudication."""
    if score.n_eff < 10.0:
        return "probation"
    reached = "probation"
    for name, (bound, evidence) in _NEEDS.items():
        if score.lower_bound < bound or score.n_eff < evidence:
            break
        if name == "reviewer" and agreed_reviews < 10:
            break
        reached = name
    return reached


def is_fall_due(score: Skill, *, held: str, days_since_change: float) -> bool:
    """Whether a human is asked to lower the tier: .03 below its bar, 7 days after a change."""
    bar = _NEEDS[held][0] if held in _NEEDS else 0.0
    return days_since_change >= 7.0 and score.lower_bound < bar - 0.03
