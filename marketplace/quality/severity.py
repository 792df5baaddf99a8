"""Reviewers differ in severity, which is cheap to correct where they share items.

    y_ir = μ + θ_i + b_r + ε     alternate 50 sweeps:
    θ_i = Σ_r (y - μ - b_r)/(n_i + .5)      b_r = Σ_i (y - μ - θ_i)/(n_r + 5),  b centred
    corrected = y - b_r                     weight 1/σ_r²

Scores are on any additive scale; error counts enter as log(1 + y). A many-facet model in its
simplest form. Needs linkage: 10-15 % of items with two reviewers, about 20 items common to all.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import erfc, isfinite, sqrt
from typing import Generic, TypeVar

import numpy as np

from marketplace.quality import columns
from marketplace.quality.columns import Column, Floats, Ints
from marketplace.quality.errors import InvalidRow

SWEEPS = 50
ITEM_RIDGE = 0.5
REVIEWER_RIDGE = 5.0

Item = TypeVar("Item", bound=Hashable)
Rater = TypeVar("Rater", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ItemScore:
    """μ + θ_i, the severity-corrected score of an item, from n ratings."""

    score: float
    n: int


@dataclass(frozen=True, slots=True)
class Severity:
    """How far a reviewer scores above others (bias), how noisily (sd), from n ratings.

    The sd is drawn towards that of all reviewers by 5 ratings, so it is positive for n = 1.
    """

    bias: float
    sd: float
    n: int


@dataclass(frozen=True, slots=True)
class Fit(Generic[Item, Rater]):
    """Items, reviewers, and whether all reviewers are linked through shared items.

    When they are not, biases are centred within each linked part: nothing is corrected across.
    `mean` and `spread` (sd) describe the items.
    """

    items: dict[Item, ItemScore]
    reviewers: dict[Rater, Severity]
    is_linked: bool
    mean: float
    spread: float

    def corrected(self, item: Item, reviewer: Rater, score: float) -> float:  # noqa: ARG002 - contract
        """The score without the reviewer's bias; of an unknown reviewer as it is."""
        known = self.reviewers.get(reviewer)
        return score - known.bias if known else score

    def probability_above(self, cut: float, ratings: Iterable[tuple[Rater, float]]) -> float:
        """P(quality > cut) of an item from (reviewer, score), corrected and weighted 1/σ_r².

        Quality is N(mean, spread²) beforehand; unknown reviewers scatter like the average one.
        """
        sds = [known.sd for known in self.reviewers.values()]
        typical = sqrt(sum(sd**2 for sd in sds) / len(sds)) if sds else 1.0
        weight = 1.0 / max(self.spread, 1e-6) ** 2
        total = weight * self.mean
        for reviewer, score in ratings:
            known = self.reviewers.get(reviewer)
            own = 1.0 / max(known.sd if known else typical, 1e-6) ** 2
            bias = known.bias if known else 0.0
            weight, total = weight + own, total + own * (score - bias)
        return 0.5 * erfc((cut - total / weight) * sqrt(weight / 2.0))


def fit(ratings: Iterable[tuple[Item, Rater, float]]) -> Fit[Item, Rater]:
    """Items and reviewers from rows (item, reviewer, score); of a repeated pair the last."""
    rows = columns.as_list(ratings)
    odd = next((row for row in rows if len(row) == 3 and not isfinite(row[2])), None)
    if odd is not None:
        raise InvalidRow(f"{odd!r} has no finite score")
    item_ids, rater_ids, given = columns.split(rows, width=3)
    items: Column[Item] = Column(item_ids)
    raters: Column[Rater] = Column(rater_ids)
    last = columns.last_of_each(items.at, raters.at)
    kept = slice(None) if last is None else last
    i, r, y = items.at[kept], raters.at[kept], np.array(given, dtype=np.float64)[kept]
    part = _parts(i, r, len(items), len(raters))
    theta, bias, mean = _alternate(i, r, y, part)
    n_i, n_r = columns.counts(i, len(items)), columns.counts(r, len(raters))
    sd = _spreads(r, y - mean - theta[i] - bias[r], n_r)
    scores = zip((mean + theta).tolist(), n_i.tolist(), strict=True)
    found = zip(bias.tolist(), sd.tolist(), n_r.tolist(), strict=True)
    return Fit(
        {id_: ItemScore(s, int(n)) for id_, (s, n) in zip(items.ids, scores, strict=True)},
        {id_: Severity(b, s, int(n)) for id_, (b, s, n) in zip(raters.ids, found, strict=True)},
        len(np.unique(part)) <= 1,
        mean,
        float(np.std(theta)) if len(theta) else 0.0,
    )


def _parts(i: Ints, r: Ints, n_items: int, n_raters: int) -> Ints:
    """The linked part of every reviewer, 0 … parts-1."""
    names = columns.components(i, n_items + r, n_items + n_raters)[n_items:]
    return np.unique(names, return_inverse=True)[1]


def _alternate(i: Ints, r: Ints, y: Floats, part: Ints) -> tuple[Floats, Floats, float]:
    n_items, n_raters, n_parts = (
        int(i.max(initial=-1)) + 1,
        len(part),
        int(part.max(initial=-1)) + 1,
    )
    per_item, per_rater = columns.counts(i, n_items), columns.counts(r, n_raters)
    per_part = columns.counts(part, n_parts)
    mean = float(y.mean()) if len(y) else 0.0
    theta, bias = np.zeros(n_items), np.zeros(n_raters)
    for _ in range(SWEEPS):
        theta = columns.sums(i, y - mean - bias[r], n_items) / (per_item + ITEM_RIDGE)
        bias = columns.sums(r, y - mean - theta[i], n_raters) / (per_rater + REVIEWER_RIDGE)
        bias -= (columns.sums(part, bias, n_parts) / per_part)[part]
    return theta, bias, mean


def _spreads(r: Ints, residual: Floats, per_rater: Floats) -> Floats:
    pooled = float(np.mean(residual**2)) if len(residual) else 0.0
    own = columns.sums(r, residual**2, len(per_rater))
    return np.sqrt((own + REVIEWER_RIDGE * pooled) / (per_rater + REVIEWER_RIDGE))
