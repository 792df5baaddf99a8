"""Krippendorff's alpha with a bootstrap interval: how far raters agree beyond chance.

With m_u ratings in unit u, n pairable ratings in all, and a squared difference δ²:

    alpha = 1 - (n - 1) · D_o / D_e,    D_o = Σ_u Σ_{i,j in u} δ²(v_i, v_j) / (m_u - 1)
                                        D_e = Σ_{i,j} δ²(v_i, v_j)

nominal   δ² = 1 for different values      Σ_{i,j} δ² = m² - Σ_c n_c²
interval  δ² = (v - w)²                    Σ_{i,j} δ² = 2·(m·Σ v² - (Σ v)²)
ordinal   as interval on midranks, which is Krippendorff's (Σ_{g=c..k} n_g - (n_c + n_k)/2)²
ratio     δ² = ((v - w)/(v + w))²          from a table of values x values

Krippendorff, Content Analysis (2004), ch. 11. The 95 % interval is the percentile bootstrap over
units, 1,000 draws, fixed seed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from marketplace.quality import columns
from marketplace.quality.columns import Column, Floats, Ints
from marketplace.quality.errors import InvalidRow, InvalidSetting

Level = Literal["nominal", "ordinal", "interval", "ratio"]
Why = Literal["no_pairs", "one_rater", "no_variation"]
DRAWS = 1_000
SEED = 20_260_101
INTERVAL_NEEDS = 5


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha over n_units units with two ratings or more, by n_raters people in all.

    `value` is None with a reason where alpha has no meaning, never 0 or 1 by convention; `low` and
    `high` bound it at 95 % and are None below 5 such units.
    """

    value: float | None
    why_undefined: Why | None
    n_units: int
    n_raters: int
    low: float | None
    high: float | None


class _Ratings(NamedTuple):
    """Pairable ratings: unit, position of the value among the values, value, ratings per unit."""

    unit: Ints
    code: Ints
    value: Floats
    per_unit: Floats
    n_codes: int


# Given how often each unit counts: D_o and D_e.
_Disagreement = Callable[[Floats], tuple[float, float]]


def alpha(ratings: Iterable[tuple[Hashable, Hashable, Any]], *, level: Level) -> Agreement:
    """Alpha of rows (unit, rater, value); a repeated (unit, rater) counts once, the last one.

    Values are any hashable for `nominal`, else numbers; `ratio` wants them not negative.
    """
    if level not in _DISAGREEMENTS:
        raise InvalidSetting(f"level {level!r} is none of {', '.join(_DISAGREEMENTS)}")
    rows = columns.as_list(ratings)
    unit_ids, rater_ids, given = columns.split(rows, width=3)
    units: Column[Hashable] = Column(unit_ids)
    raters: Column[Hashable] = Column(rater_ids)
    last = columns.last_of_each(units.at, raters.at)
    kept = np.arange(len(rows)) if last is None else last
    pairable = columns.counts(units.at[kept], len(units))[units.at[kept]] > 1
    found = _pairable(units.at[kept][pairable], [given[i] for i in kept[pairable]], level)
    n_units, n_raters = len(found.per_unit), len(raters)
    if not n_units:
        why: Why = "one_rater" if n_raters == 1 else "no_pairs"
        return Agreement(None, why, 0, n_raters, None, None)
    disagreement = _DISAGREEMENTS[level](found)
    value = _alpha(found, disagreement, np.ones(n_units))
    if value is None:
        return Agreement(None, "no_variation", n_units, n_raters, None, None)
    low, high = _bootstrap(found, disagreement) if n_units >= INTERVAL_NEEDS else (None, None)
    return Agreement(value, None, n_units, n_raters, low, high)


def _pairable(unit: Ints, given: list[Any], level: Level) -> _Ratings:
    unit = np.unique(unit, return_inverse=True)[1]
    per_unit = columns.counts(unit, int(unit.max(initial=-1)) + 1)
    if level == "nominal":
        names: Column[Hashable] = Column(given)
        return _Ratings(unit, names.at, np.zeros(len(unit)), per_unit, len(names))
    value = np.array(given, dtype=np.float64)
    if not np.isfinite(value).all() or (level == "ratio" and (value < 0.0).any()):
        odd = next(v for v in given if not 0.0 <= abs(v) < np.inf or (level == "ratio" and v < 0))
        raise InvalidRow(f"value {odd!r} has no place on a {level} scale")
    distinct, code = np.unique(value, return_inverse=True)
    return _Ratings(unit, code, value, per_unit, len(distinct))


def _alpha(found: _Ratings, disagreement: _Disagreement, weight: Floats) -> float | None:
    observed, expected = disagreement(weight)
    n = float(weight @ found.per_unit)
    return 1.0 - (n - 1.0) * observed / expected if expected > 1e-12 * n else None


def _bootstrap(found: _Ratings, disagreement: _Disagreement) -> tuple[float, float]:
    source, n = np.random.default_rng(SEED), len(found.per_unit)
    draws = [
        _alpha(found, disagreement, columns.counts(source.integers(0, n, n), n))
        for _ in range(DRAWS)
    ]
    low, high = np.quantile([draw for draw in draws if draw is not None], [0.025, 0.975])
    return float(low), float(high)


def _nominal(found: _Ratings) -> _Disagreement:
    n = found.per_unit
    cells, together = np.unique(found.unit * found.n_codes + found.code, return_counts=True)
    alike = columns.sums(cells // found.n_codes, together.astype(np.float64) ** 2, len(n))
    per_unit = (n**2 - alike) / (n - 1.0)

    def of(weight: Floats) -> tuple[float, float]:
        margin = columns.sums(found.code, weight[found.unit], found.n_codes)
        return float(weight @ per_unit), float(margin.sum() ** 2 - margin @ margin)

    return of


def _interval(found: _Ratings) -> _Disagreement:
    first, second, per_unit = _squares(found, found.value - found.value.mean())

    def of(weight: Floats) -> tuple[float, float]:
        n = weight @ found.per_unit
        expected = 2.0 * (n * (weight @ second) - (weight @ first) ** 2)
        return float(weight @ per_unit), float(expected)

    return of


def _ordinal(found: _Ratings) -> _Disagreement:
    def of(weight: Floats) -> tuple[float, float]:
        margin = columns.sums(found.code, weight[found.unit], found.n_codes)
        midrank = np.cumsum(margin) - margin / 2.0
        n = margin.sum()
        first, second, per_unit = _squares(found, (midrank - n / 2.0)[found.code])
        expected = 2.0 * (n * (weight @ second) - (weight @ first) ** 2)
        return float(weight @ per_unit), float(expected)

    return of


def _squares(found: _Ratings, value: Floats) -> tuple[Floats, Floats, Floats]:
    """Σ v, Σ v² and the disagreement 2·(m·Σ v² - (Σ v)²)/(m - 1) of every unit."""
    n = found.per_unit
    first = columns.sums(found.unit, value, len(n))
    second = columns.sums(found.unit, value**2, len(n))
    return first, second, 2.0 * (n * second - first**2) / (n - 1.0)


def _ratio(found: _Ratings) -> _Disagreement:
    value = np.unique(found.value)
    total = value[:, None] + value[None, :]
    delta = ((value[:, None] - value[None, :]) / np.where(total > 0.0, total, 1.0)) ** 2
    order = np.argsort(found.unit, kind="stable")
    ends = np.cumsum(found.per_unit).astype(np.int64)
    units = np.split(found.code[order], ends[:-1])
    per_unit = np.array([delta[np.ix_(codes, codes)].sum() / (len(codes) - 1.0) for codes in units])

    def of(weight: Floats) -> tuple[float, float]:
        margin = columns.sums(found.code, weight[found.unit], found.n_codes)
        return float(weight @ per_unit), float(margin @ delta @ margin)

    return of


_DISAGREEMENTS: dict[str, Callable[[_Ratings], _Disagreement]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
    "ratio": _ratio,
}
