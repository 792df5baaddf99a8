"""Labels from all answers at once: MAP Dawid-Skene with each expert's one-coin matrix as prior.

    M-step   N_e[k,l] = Σ q_t(k) over answers l of e
             mu  = (Σ_e Σ_k N_e[k,k] + 7) / (Σ N + 10)
             a_e = (Σ_k N_e[k,k] + 4·mu) / (Σ N_e + 4), clipped to [.001, .999]
             O_e = a_e on the diagonal, (1 - a_e)/(K-1) elsewhere
             C_e[k,·] = (N_e[k,·] + 4·O_e[k,·]) / (Σ_l N_e[k,l] + 4)
    E-step   q_t(k) ∝ prior(k) · Π C_e[k, answer],   prior ∝ Σ_t q_t + 1

starting from vote shares, for 20 rounds or until no q moves by 1e-4. Gold rows are clamped. After
Dawid and Skene (1979). Writes no score: the batch may relabel tasks, never judge people.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Generic, Literal, TypeVar

import numpy as np

from marketplace.quality import columns
from marketplace.quality import gold as gold_rules
from marketplace.quality.columns import Column, Floats, Ints
from marketplace.quality.errors import InvalidSetting, UnknownLabel
from marketplace.quality.skill import Skill

ROUNDS = 20
STILL = 1e-4
CHOICE_NEEDS = 30

Task = TypeVar("Task", bound=Hashable)
Expert = TypeVar("Expert", bound=Hashable)
Label = TypeVar("Label", bound=Hashable)
Matrices = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Model(Generic[Task, Expert, Label]):
    """Posteriors of tasks and matrices of experts, by position in `tasks`, `experts`, `labels`.

    posterior (K, tasks); matrices (K, K, experts): C[k, l, e] = P(answer l | truth k). The answers
    that counted are `task_of`, `expert_of`, `label_of`; those of gated experts are not among them.
    """

    tasks: list[Task]
    experts: list[Expert]
    labels: list[Label]
    posterior: Floats
    matrices: Floats
    task_of: Ints
    expert_of: Ints
    label_of: Ints

    def as_dict(self) -> dict[Task, dict[Label, float]]:
        """Probability of every label for every task."""
        labels = self.labels
        rows = zip(self.tasks, zip(*self.posterior.tolist(), strict=True), strict=True)
        return {task: dict(zip(labels, row)) for task, row in rows}  # noqa: B905 - a fifth faster

    def accuracies(self) -> dict[Expert, tuple[float, int]]:
        """Expected share of right answers of each expert in this batch, with its n."""
        n = len(self.experts)
        own = self.posterior[self.label_of, self.task_of]
        right, total = columns.sums(self.expert_of, own, n), columns.counts(self.expert_of, n)
        pairs = zip(self.experts, right.tolist(), total.tolist(), strict=True)
        return {expert: (hits / n, int(n)) for expert, hits, n in pairs if n}


def aggregate(
    answers: Iterable[tuple[Task, Expert, Label]],
    *,
    labels: Sequence[Label],
    gold: Mapping[Task, Label] | None = None,
) -> dict[Task, dict[Label, float]]:
    """The posterior of every task that has a row in `answers`, gold and empty ones included.

    A repeated (task, expert) counts once, the last one. With `gold`, experts with q_bad > .8 leave
    before anything is counted. Raises `UnknownLabel` with the row.
    """
    return fit(answers, labels=labels, gold=gold).as_dict()


def fit(
    answers: Iterable[tuple[Task, Expert, Label]],
    *,
    labels: Sequence[Label],
    gold: Mapping[Task, Label] | None = None,
) -> Model[Task, Expert, Label]:
    """As `aggregate`, with the matrices of the experts."""
    return _fit(_Rows(answers, labels, gold or {}), _full)


def fit_one_coin(
    answers: Iterable[tuple[Task, Expert, Label]],
    *,
    labels: Sequence[Label],
    gold: Mapping[Task, Label] | None = None,
) -> Model[Task, Expert, Label]:
    """As `fit` with C = O: one accuracy per expert, errors evenly spread."""
    return _fit(_Rows(answers, labels, gold or {}), _one_coin)


def choose(
    answers: Iterable[tuple[Task, Expert, Label]],
    *,
    labels: Sequence[Label],
    gold: Mapping[Task, Label],
) -> Literal["confusion", "one_coin", "online"]:
    """Whose labels a project publishes, judged on gold tasks that neither fit was shown.

    One-coin only if its log-loss (p clipped at .01) is lower by more than one standard error of the
    paired difference, else confusion; below 30 answered gold tasks the online label, unverified.
    """
    rows = columns.as_list(answers)
    full = fit(rows, labels=labels)
    known = [(i, full.labels.index(gold[t])) for i, t in enumerate(full.tasks) if t in gold]
    if len(known) < CHOICE_NEEDS:
        return "online"
    at = np.array(known, dtype=np.int64).T
    one = fit_one_coin(rows, labels=labels)
    loss = [-np.log(np.maximum(m.posterior[at[1], at[0]], 0.01)) for m in (full, one)]
    gain = loss[0] - loss[1]
    return "one_coin" if gain.mean() > gain.std(ddof=1) / sqrt(len(gain)) else "confusion"


def outside_interval(
    model: Model[Task, Expert, Label], scores: Mapping[Expert, Skill]
) -> list[tuple[Expert, float, int]]:
    """Experts whose batch accuracy leaves the 95 % interval of their online score: a report."""
    found = []
    for expert, (accuracy, n) in model.accuracies().items():
        low, high = scores.get(expert, Skill()).interval()
        if not low <= accuracy <= high:
            found.append((expert, accuracy, n))
    return found


class _Rows(Generic[Task, Expert, Label]):
    """The answers as positions, duplicates and gated experts removed, gold as one row per task."""

    def __init__(
        self,
        answers: Iterable[tuple[Task, Expert, Label]],
        labels: Sequence[Label],
        gold: Mapping[Task, Label],
    ) -> None:
        rows = columns.as_list(answers)
        self.labels = _known_labels(labels)
        tasks, experts, given = columns.split(rows, width=3)
        self.tasks: Column[Task] = Column(tasks)
        self.experts: Column[Expert] = Column(experts)
        index = {label: i for i, label in enumerate(self.labels)}
        try:
            label_of = np.fromiter(map(index.__getitem__, given), np.int64, len(rows))
            truth = [index[gold[t]] if t in gold else -1 for t in self.tasks.ids] if gold else -1
        except KeyError as missing:
            row = next((row for row in rows if row[2] not in index), missing.args[0])
            raise UnknownLabel(f"{row!r} has a label outside {self.labels!r}") from None
        self.truth = np.broadcast_to(np.array(truth, dtype=np.int64), len(self.tasks))
        self._keep(label_of)

    def _keep(self, label_of: Ints) -> None:
        self.task_of, self.expert_of, self.label_of = self.tasks.at, self.experts.at, label_of
        self._select(columns.last_of_each(self.task_of, self.expert_of))
        known = self.truth[self.task_of]
        if np.any(known >= 0):
            gated = self._gated(known)
            self._select(np.flatnonzero(~gated[self.expert_of]) if gated.any() else None)

    def _select(self, kept: Ints | None) -> None:
        if kept is not None:
            self.task_of, self.expert_of = self.task_of[kept], self.expert_of[kept]
            self.label_of = self.label_of[kept]

    def _gated(self, known: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        graded, n = known >= 0, len(self.experts)
        right = graded & (known == self.label_of)
        hits = columns.counts(self.expert_of[right], n).tolist()
        misses = columns.counts(self.expert_of[graded & ~right], n).tolist()
        k = len(self.labels)
        gated = [gold_rules.is_gated(r, w, k) for r, w in zip(hits, misses, strict=True)]
        return np.array(gated, dtype=np.bool_)


def _known_labels(labels: Sequence[Label]) -> list[Label]:
    known = list(dict.fromkeys(labels))
    if len(known) < 2:
        raise InvalidSetting(f"labels {known!r} are fewer than two")
    kinds = {isinstance(label, str) for label in known}
    if len(kinds) > 1:
        raise UnknownLabel(f"labels {known!r} mix text with something else")
    return known


class _Layout:
    """Tasks in descending order of their number of answers, so that both steps use whole arrays.

    Slot j holds the (label, expert) cell of the j-th answer of every task that has one: the first
    len(slot) tasks.
    """

    def __init__(self, rows: _Rows[Task, Expert, Label]) -> None:
        n_tasks = len(rows.tasks)
        self.n_cells = len(rows.labels) * len(rows.experts)
        n_answers = np.bincount(rows.task_of, minlength=n_tasks)
        self.order = np.argsort(-n_answers, kind="stable")
        self.place = np.empty(n_tasks, dtype=np.int64)
        self.place[self.order] = np.arange(n_tasks)
        cell = rows.label_of * len(rows.experts) + rows.expert_of
        cells = np.sort(self.place[rows.task_of] * self.n_cells + cell) % max(self.n_cells, 1)
        n_answers = n_answers[self.order]
        first = np.cumsum(n_answers) - n_answers
        filled = [int((n_answers > j).sum()) for j in range(int(n_answers.max(initial=0)))]
        self.slots = [cells[first[:m] + j] for j, m in enumerate(filled)]


def _fit(rows: _Rows[Task, Expert, Label], matrices_of: Matrices) -> Model[Task, Expert, Label]:
    k, n_tasks, n_experts = len(rows.labels), len(rows.tasks), len(rows.experts)
    layout = _Layout(rows)
    truth = rows.truth[layout.order]
    graded = np.flatnonzero(truth >= 0)
    q = _clamp(_vote_shares(layout, k, n_tasks, n_experts), graded, truth)
    matrices = np.empty((k, k, n_experts))
    for _ in range(ROUNDS):
        matrices = matrices_of(_expected_counts(layout, q).reshape(k, k, n_experts))
        prior = q.sum(axis=1) + 1.0
        new = _clamp(
            _posterior(layout, np.log(matrices), np.log(prior / prior.sum()), n_tasks),
            graded,
            truth,
        )
        moved = float(np.abs(new - q).max(initial=0.0))
        q = new
        if moved < STILL:
            break
    return Model(
        rows.tasks.ids,
        rows.experts.ids,
        rows.labels,
        q[:, layout.place],
        matrices,
        rows.task_of,
        rows.expert_of,
        rows.label_of,
    )


def _vote_shares(layout: _Layout, k: int, n_tasks: int, n_experts: int) -> Floats:
    votes = np.zeros((k, n_tasks))
    for slot in layout.slots:
        label, task = slot // n_experts, np.arange(len(slot))
        votes[label, task] += 1.0
    total = votes.sum(axis=0)
    return np.where(total > 0.0, votes / np.maximum(total, 1.0), 1.0 / k)


def _clamp(q: Floats, graded: Ints, truth: Ints) -> Floats:
    q[:, graded] = 0.0
    q[truth[graded], graded] = 1.0
    return q


def _expected_counts(layout: _Layout, q: Floats) -> Floats:
    """N[k, cell] = Σ q_t(k) over the answers in that (label, expert) cell."""
    expected = np.zeros((len(q), layout.n_cells))
    for slot in layout.slots:
        for k, row in enumerate(q):
            expected[k] += columns.sums(slot, row[: len(slot)], layout.n_cells)
    return expected


def _one_coin(expected: Floats) -> Floats:
    k = len(expected)
    hits = np.einsum("kke->e", expected)
    total = expected.sum(axis=(0, 1))
    mu = (hits.sum() + 7.0) / (total.sum() + 10.0)
    a = np.clip((hits + 4.0 * mu) / (total + 4.0), 0.001, 0.999)
    matrices = np.broadcast_to((1.0 - a) / (k - 1.0), expected.shape).copy()
    matrices[np.arange(k), np.arange(k)] = a
    return matrices


def _full(expected: Floats) -> Floats:
    rows = expected.sum(axis=1, keepdims=True)
    matrices: Floats = (expected + 4.0 * _one_coin(expected)) / (rows + 4.0)
    return matrices


def _posterior(layout: _Layout, log_c: Floats, log_prior: Floats, n_tasks: int) -> Floats:
    q = np.empty((len(log_prior), n_tasks))
    for k, row in enumerate(log_c.reshape(len(log_prior), -1)):
        q[k] = log_prior[k]
        for slot in layout.slots:
            q[k, : len(slot)] += row.take(slot)
    q -= q.max(axis=0)
    np.exp(q, out=q)
    q /= q.sum(axis=0)
    return q
