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
from typing import Generic, Literal, NamedTuple, TypeVar

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

    posterior (K, tasks); matrices (K, K, experts): C[k, l, e] = P(answer l | truth k). Gated
    experts had no vote in the posterior; matrices and answers hold them for the reports.
    """

    tasks: list[Task]
    experts: list[Expert]
    labels: list[Label]
    posterior: Floats
    matrices: Floats
    answers: _Answers

    def as_dict(self) -> dict[Task, dict[Label, float]]:
        """Probability of every label for every task."""
        labels = self.labels
        rows = zip(self.tasks, zip(*self.posterior.tolist(), strict=True), strict=True)
        return {task: dict(zip(labels, row)) for task, row in rows}  # noqa: B905 - a fifth faster

    def accuracies(self) -> dict[Expert, tuple[float, int]]:
        """Expected share of right answers of each expert in this batch, with its n."""
        n = len(self.experts)
        task, answerer, label = self.answers
        own = self.posterior[label, task]
        right, total = columns.sums(answerer, own, n), columns.counts(answerer, n)
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


class _Answers(NamedTuple):
    """Positions of task, expert and label of every answer."""

    task: Ints
    expert: Ints
    label: Ints


class _Rows(Generic[Task, Expert, Label]):
    """`every` answer as positions without duplicates, those `counted` without gated experts."""

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
        last = columns.last_of_each(self.tasks.at, self.experts.at)
        kept = np.arange(len(rows)) if last is None else last
        self.every = _Answers(self.tasks.at[kept], self.experts.at[kept], label_of[kept])
        self.counted = self._without_gated()

    def _without_gated(self) -> _Answers:
        known = self.truth[self.every.task]
        graded, n, k = known >= 0, len(self.experts), len(self.labels)
        if not graded.any():
            return self.every
        right = graded & (known == self.every.label)
        hits = columns.counts(self.every.expert[right], n).tolist()
        misses = columns.counts(self.every.expert[graded & ~right], n).tolist()
        gated = [gold_rules.is_gated(r, w, k) for r, w in zip(hits, misses, strict=True)]
        if not any(gated):
            return self.every
        kept = np.flatnonzero(~np.array(gated)[self.every.expert])
        return _Answers(*(column[kept] for column in self.every))


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

    def __init__(self, answers: _Answers, n_tasks: int, n_experts: int, k: int) -> None:
        self.n_cells = k * n_experts
        n_answers = np.bincount(answers.task, minlength=n_tasks)
        self.order = np.argsort(-n_answers, kind="stable")
        self.place = np.empty(n_tasks, dtype=np.int64)
        self.place[self.order] = np.arange(n_tasks)
        cell = answers.label * n_experts + answers.expert
        cells = np.sort(self.place[answers.task] * self.n_cells + cell) % max(self.n_cells, 1)
        n_answers = n_answers[self.order]
        first = np.cumsum(n_answers) - n_answers
        filled = [int((n_answers > j).sum()) for j in range(int(n_answers.max(initial=0)))]
        self.slots = [cells[first[:m] + j] for j, m in enumerate(filled)]


def _fit(rows: _Rows[Task, Expert, Label], matrices_of: Matrices) -> Model[Task, Expert, Label]:
    size = len(rows.tasks), len(rows.experts), len(rows.labels)
    layout = _Layout(rows.counted, *size)
    truth = rows.truth[layout.order]
    graded = np.flatnonzero(truth >= 0)
    q = _clamp(_vote_shares(layout, *size), graded, truth)
    matrices = matrices_of(_expected_counts(layout, q, *size))
    for _ in range(ROUNDS):
        prior = q.sum(axis=1) + 1.0
        new = _posterior(layout, np.log(matrices), np.log(prior / prior.sum()))
        moved = float(np.abs(_clamp(new, graded, truth) - q).max(initial=0.0))
        q = new
        if moved < STILL:
            break
        matrices = matrices_of(_expected_counts(layout, q, *size))
    q = q[:, layout.place]
    if rows.counted is not rows.every:
        layout = _Layout(rows.every, *size)
        matrices = matrices_of(_expected_counts(layout, q[:, layout.order], *size))
    return Model(rows.tasks.ids, rows.experts.ids, rows.labels, q, matrices, rows.every)


def _vote_shares(layout: _Layout, n_tasks: int, n_experts: int, k: int) -> Floats:
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


def _expected_counts(layout: _Layout, q: Floats, _n_tasks: int, n_experts: int, k: int) -> Floats:
    """N[k, l, e] = Σ q_t(k) over the answers l of e."""
    expected = np.zeros((len(q), layout.n_cells))
    for slot in layout.slots:
        for truth, row in enumerate(q):
            expected[truth] += columns.sums(slot, row[: len(slot)], layout.n_cells)
    return expected.reshape(k, k, n_experts)


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


def _posterior(layout: _Layout, log_c: Floats, log_prior: Floats) -> Floats:
    q = np.empty((len(log_prior), len(layout.order)))
    for k, row in enumerate(log_c.reshape(len(log_prior), -1)):
        q[k] = log_prior[k]
        for slot in layout.slots:
            q[k, : len(slot)] += row.take(slot)
    q -= q.max(axis=0)
    np.exp(q, out=q)
    q /= q.sum(axis=0)
    return q
