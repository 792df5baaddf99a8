"""When a task has enough answers: the sequential one-coin posterior, its stop and credits.

For each answer not gated, m is the score mean clipped to [.5/K, .995], T the temperature:

    S(l) = Σ over experts e who answered l of T·ln( m_e(K-1) / (1-m_e) )
    p(l) = exp S(l) / ( Σ over answered labels exp S + (K - number of answered labels) )

Labels nobody gave share the rest anonymously, so disbelief in an expert can hold a task open but
never closes it by inversion. The prior over labels is uniform. Plain Python, O(answers of a task).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Literal

from marketplace.quality import gold as gold_rules
from marketplace.quality.errors import InvalidSetting, UnknownLabel
from marketplace.quality.skill import STANDING, Skill, observe, undo

Status = Literal["open", "closed", "adjudicate"]


@dataclass(frozen=True, slots=True)
class Config:
    """How sure is sure enough: labels K, target, least and most answers, temperature T."""

    n_labels: int
    target: float = 0.95
    minimum: int = 2
    maximum: int = 7
    temperature: float = 0.8

    def __post_init__(self) -> None:
        if self.n_labels < 2:
            raise InvalidSetting(f"n_labels {self.n_labels} is below 2")
        if not 0.5 < self.target < 1.0:
            raise InvalidSetting(f"target {self.target} is outside (½, 1)")
        if not 1 <= self.minimum <= self.maximum:
            raise InvalidSetting(f"minimum {self.minimum} and maximum {self.maximum} do not fit")
        if not 0.0 < self.temperature <= 1.0:
            raise InvalidSetting(f"temperature {self.temperature} is outside (0, 1]")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a task is worth now. `label` is None and `confidence` 0 while no answer counts."""

    status: Status
    label: int | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Posterior:
    """p of every answered label, in order of first answer; each other label has `elsewhere`."""

    labels: dict[int, float]
    elsewhere: float
    n_answers: int

    def __getitem__(self, label: int) -> float:
        return self.labels.get(label, self.elsewhere)

    def as_dict(self, n_labels: int) -> dict[int, float]:
        """The probability of every label 0 … n_labels-1."""
        return {label: self[label] for label in range(n_labels)}

    @property
    def best(self) -> tuple[int | None, float]:
        """The likeliest label that somebody gave; ties go to the one answered first."""
        if not self.labels:
            return None, 0.0
        label = max(self.labels, key=self.labels.__getitem__)
        return label, self.labels[label]


def weight_of_answer(mean: float, config: Config) -> float:
    """T·ln( m(K-1)/(1-m) ), m clipped to [.5/K, .995]: what one answer adds to its label."""
    m = min(max(mean, 0.5 / config.n_labels), 0.995)
    return config.temperature * log(m * (config.n_labels - 1) / (1.0 - m))


def posterior(votes: Sequence[tuple[int, float]], config: Config) -> Posterior:
    """The posterior of votes (label, score mean), gated experts left out by the caller."""
    sums: dict[int, float] = {}
    for label, mean in votes:
        sums[label] = sums.get(label, 0.0) + weight_of_answer(mean, config)
    top = max(sums.values(), default=0.0)
    top = max(top, 0.0)
    masses = {label: exp(s - top) for label, s in sums.items()}
    anonymous = exp(-top)
    total = sum(masses.values()) + (config.n_labels - len(masses)) * anonymous
    return Posterior(
        {label: x / total for label, x in masses.items()}, anonymous / total, len(votes)
    )


def decide(now: Posterior, config: Config) -> Decision:
    """The stop rule: closed at the target from `minimum` on, adjudicate below it at `maximum`."""
    label, confidence = now.best
    status: Status = "open"
    if now.n_answers >= config.minimum and confidence >= config.target:
        status = "closed"
    elif now.n_answers >= config.maximum:
        status = "adjudicate"
    return Decision(status, label, confidence)


def leave_one_out(p: float, mean: float, config: Config) -> float:
    """c = (p/f)/(p/f + 1 - p), f = (m(K-1)/(1-m))^T: the own label's p without oneself."""
    without = p * exp(-weight_of_answer(mean, config))
    return without / (without + 1.0 - p)


def value_of_answer(now: Posterior, mean: float, config: Config) -> float:
    """ΔE = E[max p after one more answer by an expert of that mean] - max p. Never negative.

    With odds f of the answer, an answer l has probability (p_l·f + 1 - p_l)/(f + K - 1) and leads
    to max(p_l·f, max_{k≠l} p_k)/(p_l·f + 1 - p_l); the product needs the two largest p. O(K).
    """
    f = exp(weight_of_answer(mean, config))
    unseen = config.n_labels - len(now.labels)
    ranked = sorted([*now.labels.values(), *[now.elsewhere] * unseen], reverse=True)
    first, second = ranked[:2]
    after = max(first * f, second) + sum(max(p * f, first) for p in ranked[1:])
    return max(0.0, after / (f + config.n_labels - 1.0) - first)


@dataclass(slots=True)
class _Task:
    first: dict[Hashable, int] = field(default_factory=dict)  # what gold grades
    votes: dict[Hashable, int] = field(default_factory=dict)  # the last answer of each expert
    credits: dict[Hashable, float] = field(default_factory=dict)
    source: str = "consensus"  # of the credits; `gold` or `verdict` once the truth is known
    frozen: Posterior | None = None
    decision: Decision | None = None


class Engine:
    """Tasks and scores in memory, for replay and tests; rows elsewhere call the same functions.

    Ids are any hashable value, labels 0 … n_labels-1. A decision `closed` or `adjudicate` stays;
    a task still open is recomputed from present scores.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._skills: dict[Hashable, Skill] = {}
        self._tasks: dict[Hashable, _Task] = {}

    def observe(
        self, *, expert: Hashable, task: Hashable, label: int, gold: int | None = None
    ) -> Decision:
        """Take one answer and say what the task is worth.

        With `gold` the answer is graded and enters no vote: `closed, gold, 1.0`; earlier answers of
        the task are graded too and their consensus credit is taken back. An answer after the end is
        credited once and changes no decision. The same expert again replaces the answer while the
        task is open and is ignored afterwards.
        """
        self._check(task, label)
        state = self._task(task)
        if gold is not None and (state.source != "gold" or self.label(task)[0] != gold):
            self._check(task, gold)
            self._record(state, expert, label)
            return self.settle(task=task, label=gold, source="gold")
        if state.decision is None:
            self._record(state, expert, label)
            return self._decide(state)
        if expert not in state.first:
            self._record(state, expert, label)
            self._credit_late(state, expert)
        return state.decision

    def label(self, task: Hashable) -> tuple[int | None, float]:
        """Label and confidence: frozen when ended, from present scores when open."""
        state = self._tasks.get(task)
        if state is not None and state.decision is not None:
            return state.decision.label, state.decision.confidence
        return self.posterior(task).best

    def skill(self, expert: Hashable) -> Skill:
        """The score of an expert; the standing prior when unknown."""
        return self._skills.get(expert, STANDING)

    def is_gated(self, expert: Hashable) -> bool:
        """Whether gold keeps the answers of this expert out of every vote."""
        score = self.skill(expert)
        return gold_rules.is_gated(score.gold_right, score.gold_wrong, self.config.n_labels)

    def posterior(self, task: Hashable) -> Posterior:
        """The vote on a task: as frozen at its end, or from present scores."""
        state = self._tasks.get(task)
        if state is None:
            return posterior((), self.config)
        return self._posterior(state) if state.frozen is None else state.frozen

    def settle(
        self, *, task: Hashable, label: int, source: Literal["gold", "verdict"] = "verdict"
    ) -> Decision:
        """End a task by the truth: undo what it credited, grade every answer, publish the label.

        Gold grades the first answer of an expert; a verdict (adjudication, dispute) the last.
        """
        self._check(task, label)
        state = self._task(task)
        self._take_back(state)
        state.source = source
        state.decision = Decision("closed", label, 1.0)
        for expert in state.votes:
            self._grade(state, expert)
        return state.decision

    def finish(self, task: Hashable) -> Decision:
        """No more answers will come: end an open task below target, its best label to adjudication.

        Its answers earn credit like those of any ended task. An ended task stays as it is.
        """
        state = self._task(task)
        if state.decision is not None:
            return state.decision
        now = self._posterior(state)
        return self._end(state, now, Decision("adjudicate", *now.best))

    def retire_gold(self, task: Hashable) -> None:
        """The gold was wrong: undo its events. The answers are votes on an open task again."""
        state = self._task(task)
        self._take_back(state)
        state.source, state.decision, state.frozen = "consensus", None, None

    def _check(self, task: Hashable, label: object) -> None:
        if not isinstance(label, int) or not 0 <= label < self.config.n_labels:
            raise UnknownLabel(
                f"label {label!r} of task {task!r} is not 0 … {self.config.n_labels - 1}"
            )

    def _task(self, task: Hashable) -> _Task:
        state = self._tasks.get(task)
        if state is None:
            state = self._tasks[task] = _Task()
        return state

    @staticmethod
    def _record(state: _Task, expert: Hashable, label: int) -> None:
        state.first.setdefault(expert, label)
        state.votes.pop(expert, None)
        state.votes[expert] = label

    def _posterior(self, state: _Task) -> Posterior:
        votes = [
            (label, self.skill(expert).mean)
            for expert, label in state.votes.items()
            if not self.is_gated(expert)
        ]
        return posterior(votes, self.config)

    def _decide(self, state: _Task) -> Decision:
        now = self._posterior(state)
        decision = decide(now, self.config)
        return decision if decision.status == "open" else self._end(state, now, decision)

    def _end(self, state: _Task, now: Posterior, decision: Decision) -> Decision:
        """Freeze, then credit everybody from the state before any of the credits."""
        state.decision, state.frozen = decision, now
        earned = {expert: self._credit_of(now, expert, x) for expert, x in state.votes.items()}
        for expert, credit in earned.items():
            self._give(state, expert, credit)
        return decision

    def _credit_of(self, now: Posterior, expert: Hashable, label: int) -> float | None:
        """The leave-one-out credit of an answer; None below two other answers."""
        if self.is_gated(expert):
            return now[label] if now.n_answers >= 2 else None
        if now.n_answers < 3:
            return None
        return leave_one_out(now[label], self.skill(expert).mean, self.config)

    def _credit_late(self, state: _Task, expert: Hashable) -> None:
        if state.source != "consensus":
            self._grade(state, expert)
        elif state.frozen is not None and state.frozen.n_answers >= 2:
            self._give(state, expert, state.frozen[state.votes[expert]])

    def _grade(self, state: _Task, expert: Hashable) -> None:
        answers = state.first if state.source == "gold" else state.votes
        truth = state.decision.label if state.decision else None
        self._give(state, expert, float(answers[expert] == truth))

    def _give(self, state: _Task, expert: Hashable, credit: float | None) -> None:
        if credit is not None:
            state.credits[expert] = credit
            self._skills[expert] = observe(self.skill(expert), source=state.source, credit=credit)

    def _take_back(self, state: _Task) -> None:
        for expert, credit in state.credits.items():
            self._skills[expert] = undo(self.skill(expert), source=state.source, credit=credit)
        state.credits = {}
