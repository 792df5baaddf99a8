"""Scores of options from pairwise votes, with ties, unequal raters and one bias towards a side.

    u = exp(a_r)·(s_left - s_right) + b
    P(left) ∝ exp(u/2)   P(right) ∝ exp(-u/2)   P(tie) ∝ n_r
    minimise  -log likelihood + .1·Σ s² + 2·Σ a² + b² + Σ (ln n_r - mean)²

a_r is the discrimination of a rater (0 typical, clipped to [-4, 2]), n_r (written ν elsewhere) the
tie habit, b the side bias. Bradley-Terry with the ties of Davidson (1970). Solved by Newton steps
in turn: scores, then raters and b. No vote is right or wrong, so nobody's skill score moves.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import exp
from typing import Generic, TypeVar

import numpy as np

from marketplace.quality import beta, columns
from marketplace.quality.columns import Column, Floats, Ints
from marketplace.quality.errors import InvalidRow

_SIGN = {"left": 1, "right": -1, "tie": 0}

SWEEPS = 60
STILL = 1e-5
SCORE_RIDGE, RATER_RIDGE, SIDE_RIDGE, TIE_RIDGE = 0.1, 2.0, 1.0, 1.0
DENSE_UP_TO = 400
LOG_TIE_BOUND = 8.0

Expert = TypeVar("Expert", bound=Hashable)
Option = TypeVar("Option", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rater:
    """exp(a), 1 being typical and 0 a random clicker; the tie habit; the votes it rests on."""

    discrimination: float
    tie_habit: float
    n: int


@dataclass(frozen=True, slots=True)
class Fit(Generic[Expert, Option]):
    """Scores centred within each linked component; across components they are not comparable.

    `typical` answers for unknown raters; an unknown option scores 0.
    """

    scores: dict[Option, float]
    raters: dict[Expert, Rater]
    side_bias: float
    component: dict[Option, int]
    typical: Rater

    def predict(self, expert: Expert, left: Option, right: Option) -> tuple[float, float, float]:
        """(p_left, p_tie, p_right) of one vote; they sum to 1."""
        rater = self.raters.get(expert, self.typical)
        gap = self.scores.get(left, 0.0) - self.scores.get(right, 0.0)
        half = (rater.discrimination * gap + self.side_bias) / 2.0
        p_left, p_right = exp(half), exp(-half)
        total = p_left + p_right + rater.tie_habit
        return p_left / total, rater.tie_habit / total, p_right / total

    def is_comparable(self, left: Option, right: Option) -> bool:
        """Whether votes link the two, however indirectly, so that their scores mean something."""
        here = self.component.get(left)
        return here is not None and here == self.component.get(right)


def stop(left: int, right: int, ties: int, *, minimum: int = 3, maximum: int = 5) -> str:
    """`open`, `decided` or `ambiguous` for one pair; ties count half to each side.

    Decided when P(majority side > ½ | Beta(1 + left, 1 + right)) ≥ .9 from `minimum` votes on. At
    `maximum` with 4·p·(1-p) ≥ .64 ambiguous: exported as such, never adjudicated.
    """
    n = left + right + ties
    most, least = max(left, right) + ties / 2.0, min(left, right) + ties / 2.0
    if n >= minimum and beta.cdf(0.5, 1.0 + least, 1.0 + most) >= 0.9:
        return "decided"
    if n < maximum:
        return "open"
    p = most / n
    return "ambiguous" if 4.0 * p * (1.0 - p) >= 0.64 - 1e-9 else "decided"


def fit(votes: Iterable[tuple[Expert, Option, Option, str]]) -> Fit[Expert, Option]:
    """Scores and raters from rows (expert, left, right, outcome). Every row counts.

    Raises `InvalidRow` for a pair of one option with itself or an unknown outcome.
    """
    rows = columns.as_list(votes)
    given_raters, left, right, outcomes = columns.split(rows, width=4)
    raters: Column[Expert] = Column(given_raters)
    options: Column[Option] = Column(left + right)
    try:
        sign = np.fromiter(map(_SIGN.__getitem__, outcomes), np.float64, len(rows))
    except KeyError:
        odd = next(row for row in rows if row[3] not in _SIGN)
        raise InvalidRow(f"{odd!r}: the outcome is none of left, right, tie") from None
    lefts, rights = options.at[: len(rows)], options.at[len(rows) :]
    if np.any(lefts == rights):
        row = rows[int(np.argmax(lefts == rights))]
        raise InvalidRow(f"{row!r} compares an option with itself")
    state = _State(raters.at, lefts, rights, sign, len(raters), len(options))
    state.solve()
    return _as_fit(state, raters, options)


def _as_fit(state: _State, raters: Column[Expert], options: Column[Option]) -> Fit[Expert, Option]:
    a, habit, n = np.exp(state.a).tolist(), np.exp(state.z).tolist(), state.n_votes.tolist()
    return Fit(
        dict(zip(options.ids, state.s.tolist(), strict=True)),
        {id_: Rater(a[i], habit[i], int(n[i])) for i, id_ in enumerate(raters.ids)},
        state.b,
        dict(zip(options.ids, state.component.tolist(), strict=True)),
        Rater(1.0, exp(float(state.z.mean())) if len(a) else 1.0, 0),
    )


class _State:
    """Votes as arrays, the parameters s (options), a and z = ln n (raters), b, and their steps.

    Per vote it keeps what the parameters make of it: score gap, exp(a) of the rater, tie habit.
    """

    def __init__(
        self, rater: Ints, left: Ints, right: Ints, sign: Floats, n_raters: int, n_options: int
    ) -> None:
        order = np.argsort(left, kind="stable")  # neighbours in memory: twice as fast
        rater, left, right, sign = rater[order], left[order], right[order], sign[order]
        self.rater, self.left, self.right, self.sign = rater, left, right, sign
        self.is_tie = (sign == 0.0).astype(np.float64)
        self.n_votes = columns.counts(rater, n_raters)
        self.n_ties = columns.sums(rater, self.is_tie, n_raters)
        self.s, self.a, self.z = np.zeros(n_options), np.zeros(n_raters), np.zeros(n_raters)
        self.b = 0.0
        self.gap, self.scale = np.zeros(len(sign)), np.ones(len(sign))
        self.habit = self.scale
        self.component = columns.components(left, right, n_options)
        size = columns.counts(self.component, n_options)
        self.in_pair = size[self.component] == 2.0
        self.larger = np.flatnonzero(~self.in_pair)
        kept = ~self.in_pair[left]
        place = np.cumsum(~self.in_pair) - 1
        self.edges = np.flatnonzero(kept), place[left[kept]], place[right[kept]]
        self.size = size

    def solve(self) -> None:
        """Sweep until neither scores nor tie habits move."""
        for _ in range(SWEEPS if len(self.sign) else 0):
            s, z = self.s, self.z
            self._step_scores()
            self._step_raters()
            self._rescale()
            if np.abs(self.s - s).max() < STILL and np.abs(self.z - z).max() < 100.0 * STILL:
                break
        # the ridge keeps components centred up to rounding
        centre = columns.sums(self.component, self.s, len(self.s)) / np.maximum(self.size, 1.0)
        self.s = self.s - centre[self.component]

    def _slopes(self) -> tuple[Floats, Floats, Floats]:
        """d/du and -d²/du² of every vote's log likelihood, and its P(tie)."""
        half = self.scale * self.gap
        half += self.b
        half *= 0.5
        e = np.exp(np.clip(half, -300.0, 300.0, out=half), out=half)
        inverse = 1.0 / e
        total = e + inverse
        total += self.habit
        lean = np.subtract(e, inverse, out=inverse)
        lean /= total
        tie = np.divide(self.habit, total, out=total)
        slope = self.sign - lean
        slope *= 0.5
        lean *= lean
        curve = np.subtract(1.0, tie)
        curve -= lean
        curve *= 0.25
        return slope, curve, tie

    def _step_scores(self) -> None:
        slope, curve, _ = self._slopes()
        n = len(self.s)
        slope *= self.scale
        curve *= self.scale
        curve *= self.scale
        gradient = columns.sums(self.left, slope, n) - columns.sums(self.right, slope, n)
        gradient -= 2.0 * SCORE_RIDGE * self.s
        degree = columns.sums(self.left, curve, n) + columns.sums(self.right, curve, n)
        # two linked options move oppositely, so theirs is one equation each
        step = gradient / (2.0 * degree + 2.0 * SCORE_RIDGE)
        if len(self.larger):
            votes, i, j = self.edges
            at = self.larger
            step[at] = _newton(i, j, curve[votes], degree[at], gradient[at])
        self.s = self.s + np.clip(step, -2.0, 2.0)
        self.gap = self.s[self.left] - self.s[self.right]

    def _step_raters(self) -> None:
        slope, curve, tie = self._slopes()
        n = len(self.a)
        pull = slope.sum() - 2.0 * SIDE_RIDGE * self.b
        self.b += float(pull / (curve.sum() + 2.0 * SIDE_RIDGE))
        self._step_tie_habits(tie)
        lever = self.scale * self.gap
        slope *= lever
        curve *= lever
        curve *= lever
        gradient = columns.sums(self.rater, slope, n) - 2.0 * RATER_RIDGE * self.a
        curvature = columns.sums(self.rater, curve, n) + 2.0 * RATER_RIDGE
        self.a = np.clip(self.a + np.clip(gradient / curvature, -1.0, 1.0), -4.0, 2.0)

    def _step_tie_habits(self, tie: Floats) -> None:
        """One Newton step for all z and their mean together (Sherman-Morrison)."""
        n = len(self.z)
        gradient = self.n_ties - columns.sums(self.rater, tie, n)
        gradient -= 2.0 * TIE_RIDGE * (self.z - self.z.mean())
        tie -= tie * tie
        spread = columns.sums(self.rater, tie, n) + 1e-6
        own = 1.0 / (spread + 2.0 * TIE_RIDGE)
        shared = 2.0 * TIE_RIDGE / n * _dot(own, gradient) / (_dot(own, spread) / n)
        step = own * (gradient + shared)
        self.z = np.clip(self.z + np.clip(step, -2.0, 2.0), -LOG_TIE_BOUND, LOG_TIE_BOUND)

    def _rescale(self) -> None:
        """The likelihood does not change under s·c, a - ln c: take the c of least penalty.

        Without it scores and raters trade their scale for hundreds of sweeps.
        """
        squares, total, n = _dot(self.s, self.s), float(self.a.sum()), len(self.a)
        t = 0.0
        for _ in range(20):
            grown = 2.0 * SCORE_RIDGE * squares * exp(2.0 * t)
            slope = grown - 2.0 * RATER_RIDGE * (total - n * t)
            t -= slope / (2.0 * grown + 2.0 * RATER_RIDGE * n)
        low, high = float(self.a.max()) - 2.0, float(self.a.min()) + 4.0
        t = min(max(t, low, -1.0), high, 1.0) if low <= high else 0.0
        self.s, self.a = self.s * exp(t), self.a - t
        self.gap *= exp(t)
        self.scale, self.habit = np.exp(self.a)[self.rater], np.exp(self.z)[self.rater]


def _newton(i: Ints, j: Ints, weight: Floats, degree: Floats, gradient: Floats) -> Floats:
    """Solve (graph Laplacian + ridge) x = gradient: densely, or by conjugate gradients."""
    n = len(degree)
    diagonal = degree + 2.0 * SCORE_RIDGE
    if n <= DENSE_UP_TO:
        off = columns.sums(i * n + j, weight, n * n).reshape(n, n)
        laplacian = np.diag(diagonal) - off - off.T
        return np.asarray(np.linalg.solve(laplacian, gradient), dtype=np.float64)
    x, residual = np.zeros(n), gradient
    scaled = residual / diagonal
    direction, power = scaled, _dot(residual, scaled)
    enough = 1e-4 * power
    while power > enough and power > 1e-18:
        pulled = diagonal * direction
        pulled -= columns.sums(i, weight * direction[j], n) + columns.sums(
            j, weight * direction[i], n
        )
        length = power / _dot(direction, pulled)
        x = x + length * direction
        residual = residual - length * pulled
        scaled = residual / diagonal
        power, before = _dot(residual, scaled), power
        direction = scaled + power / before * direction
    return x


def _dot(x: Floats, y: Floats) -> float:
    """Σ xy without BLAS, whose threads add in an order of their own."""
    return float((x * y).sum())
