"""Who answers too much like whom: a nightly report that opens cases and changes nothing itself.

For each pair with at least 8 shared tasks, against independent answers under their own matrices:

    e_t = Σ_k q_t(k) · Σ_l C_a[k,l] · C_b[k,l]      z = (agreements - Σ e_t) / √( Σ e_t (1 - e_t) )

The full matrix matters: a one-coin matrix flags innocent pairs where errors depend on the class.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from marketplace.quality import columns
from marketplace.quality.columns import Ints
from marketplace.quality.confusion import Expert, Label, Model, Task

MIN_SHARED = 8
FLAG = 4.0


@dataclass(frozen=True, slots=True)
class Pair(Generic[Expert]):
    """Two experts, their shared tasks, how often they agreed, how often they should have, z."""

    left: Expert
    right: Expert
    shared: int
    agreements: int
    expected: float
    z: float

    @property
    def is_flagged(self) -> bool:
        """Whether the agreement is beyond chance: z > 4."""
        return self.z > FLAG


def pairs(model: Model[Task, Expert, Label]) -> list[Pair[Expert]]:
    """Every pair of experts with enough shared tasks, most suspicious first."""
    n = len(model.experts)
    first, second = _meetings(model.answers.task)
    a, b = model.answers.expert[first], model.answers.expert[second]
    swap = a > b
    key = np.where(swap, b, a) * n + np.where(swap, a, b)
    met, at, shared = np.unique(key, return_inverse=True, return_counts=True)
    enough = shared[at] >= MIN_SHARED
    first, second, at = first[enough], second[enough], at[enough]
    same = (model.answers.label[first] == model.answers.label[second]).astype(np.float64)
    e = _expected(model, first, second)
    agreed, expected, spread = (columns.sums(at, x, len(met)) for x in (same, e, e * (1.0 - e)))
    z = (agreed - expected) / np.sqrt(np.maximum(spread, 1e-12))
    kept = np.flatnonzero(shared >= MIN_SHARED)
    kept = kept[np.argsort(-z[kept], kind="stable")]
    numbers = zip(
        met[kept].tolist(),
        shared[kept].tolist(),
        agreed[kept].tolist(),
        expected[kept].tolist(),
        z[kept].tolist(),
        strict=True,
    )
    return [
        Pair(
            model.experts[code // n],
            model.experts[code % n],
            together,
            int(agreements),
            mean,
            score,
        )
        for code, together, agreements, mean, score in numbers
    ]


def _meetings(task_of: Ints) -> tuple[Ints, Ints]:
    """All pairs of answers to one task, from the inverted index of tasks only."""
    order = np.argsort(task_of, kind="stable")
    n_answers = np.bincount(task_of) if len(task_of) else np.zeros(0, dtype=np.int64)
    start = np.cumsum(n_answers) - n_answers
    left, right = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for n in np.unique(n_answers[n_answers > 1]).tolist():
        i, j = np.triu_indices(n, k=1)
        starts = start[n_answers == n][:, None]
        left.append(order[(starts + i).ravel()])
        right.append(order[(starts + j).ravel()])
    return np.concatenate(left), np.concatenate(right)


def _expected(model: Model[Any, Any, Any], first: Ints, second: Ints) -> columns.Floats:
    """e_t for every meeting of two answers."""
    task, a, b = (
        model.answers.task[first],
        model.answers.expert[first],
        model.answers.expert[second],
    )
    e = np.zeros(len(first))
    for q, c in zip(model.posterior, model.matrices, strict=True):
        for row in c:
            e += q[task] * row[a] * row[b]
    return e


def groups(found: Iterable[Pair[Expert]]) -> list[list[Expert]]:
    """The connected groups among flagged pairs: one case each, largest first."""
    flagged = [pair for pair in found if pair.is_flagged]
    members: columns.Column[Hashable] = columns.Column(
        [x for p in flagged for x in (p.left, p.right)]
    )
    name = columns.components(members.at[0::2], members.at[1::2], len(members)).tolist()
    by_name: dict[int, list[Expert]] = {}
    for expert, group in zip(members.ids, name, strict=True):
        by_name.setdefault(group, []).append(expert)
    return sorted(by_name.values(), key=len, reverse=True)
