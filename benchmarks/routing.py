"""A simulated market for QUALITY §13: who is offered which task, and what that does to all.

    python -m benchmarks.routing [--seeds N] [--days N] [--json FILE]

200 experts of 5 skills come and go for 30 overloaded days; every task wants consensus at .95. All
arithmetic is `marketplace.quality`; only the market is simulated. Exits 1 below a required figure.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from marketplace.quality import gold as gold_rules
from marketplace.quality.consensus import Config, Engine
from marketplace.quality.skill import Skill, tier

EXPERTS, SKILLS, BAR, NEWCOMERS_FROM = 200, 5, 0.70, 10
TASKS_PER_DAY, LABELS = 120, 4

REQUIRED = {
    "accuracy": (">=", 0.97),
    "answers": ("<=", 4.2),
    "gini": ("<=", 0.36),
    "newcomers": (">=", 0.95),
}


class Person(NamedTuple):
    id: int
    accuracy: list[float]
    joined_day: int
    per_day: int


class Outcome(NamedTuple):
    accuracy: float
    answers: float
    gini: float
    newcomers: float
    closed: float


Policy = Callable[["Market", Person, list[int], int], list[int]]


class Market:
    """Tasks of several skills, one engine each, and who answered what."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        self.engines = [Engine(Config(n_labels=LABELS)) for _ in range(SKILLS)]
        self.people = [self._person(n) for n in range(EXPERTS)]
        self.truth: dict[int, int] = {}
        self.born: dict[int, int] = {}
        self.opened: list[list[int]] = [[] for _ in range(SKILLS)]
        self.takers: dict[int, set[int]] = defaultdict(set)
        self.work: dict[int, int] = defaultdict(int)
        self.golds: dict[tuple[int, int], int] = defaultdict(int)
        self.done: list[tuple[int, int]] = []

    def _person(self, n: int) -> Person:
        accuracy = [min(0.97, max(0.35, self.source.gauss(0.72, 0.14))) for _ in range(SKILLS)]
        joined = 0 if n < 0.8 * EXPERTS else self.source.randrange(1, 20)
        return Person(n, accuracy, joined, self.source.choice([2, 4, 8, 12]))

    def score(self, person: Person, skill: int) -> Skill:
        return self.engines[skill].skill(person.id)

    def publish(self, day: int) -> None:
        for skill in range(SKILLS):
            for _ in range(TASKS_PER_DAY):
                task = len(self.truth)
                self.truth[task], self.born[task] = self.source.randrange(LABELS), day
                self.opened[skill].append(task)

    def answer(self, person: Person, skill: int, task: int, *, is_gold: bool) -> None:
        truth = self.truth[task]
        wrong = (truth + self.source.randrange(1, LABELS)) % LABELS
        label = truth if self.source.random() < person.accuracy[skill] else wrong
        self.work[person.id] += 1
        self.takers[task].add(person.id)
        engine = self.engines[skill]
        if is_gold:
            engine.observe(expert=person.id, task=task, label=label, gold=truth)
            self.golds[person.id, skill] += 1
            return
        decision = engine.observe(expert=person.id, task=task, label=label)
        if decision.status == "open" and len(self.takers[task]) >= engine.config.maximum:
            decision = engine.finish(task)
        if decision.status != "open":
            self.opened[skill].remove(task)
            self.done.append((skill, task))

    def gold_task(self) -> int:
        task = len(self.truth)
        self.truth[task] = self.source.randrange(LABELS)
        return task

    def is_gold_due(self, person: Person, skill: int) -> bool:
        score, n_gold = self.score(person, skill), self.golds[person.id, skill]
        due = gold_rules.share(
            n_answers=self.work[person.id],
            n_gold=n_gold,
            gold_right=score.gold_right,
            answers_per_30_days=30 * person.per_day,
        )
        return self.source.random() < due


def at_random(market: Market, _person: Person, skills: list[int], _day: int) -> list[int]:
    """Any skill in any order, no bar."""
    return market.source.sample(skills, len(skills))


def first_come(market: Market, _person: Person, skills: list[int], _day: int) -> list[int]:
    """The oldest task first, no bar."""
    return sorted(skills, key=lambda s: (market.born[market.opened[s][0]], s))


def gate_on_mean(market: Market, person: Person, skills: list[int], _day: int) -> list[int]:
    """The best mean first, above the bar only."""
    means = {s: market.score(person, s).mean for s in skills}
    return sorted((s for s in skills if means[s] >= BAR), key=lambda s: (-means[s], s))


def gate_and_draw(market: Market, person: Person, skills: list[int], day: int) -> list[int]:
    """QUALITY §13: a Thompson draw against the bar, then draw, age, newcomer and share terms."""
    total = sum(market.work.values()) + 1
    order = []
    for s in skills:
        score = market.score(person, s)
        draw = market.source.betavariate(score.alpha, score.beta)
        proven = tier(score) in ("t2", "reviewer")
        if (score.lower_bound if proven else draw) < BAR:
            continue
        age = day - market.born[market.opened[s][0]]
        share = market.work[person.id] / total
        order.append((draw + 0.05 * age + 0.05 * (score.n_eff < 10) - 0.1 * share, s))
    return [s for _, s in sorted(order, reverse=True)]


POLICIES: dict[str, Policy] = {
    "random": at_random,
    "first come": first_come,
    "gate on the mean": gate_on_mean,
    "gate and draw (ours)": gate_and_draw,
}


def simulate(policy: Policy, *, seed: int, days: int) -> Outcome:
    """One market under one policy."""
    market = Market(seed)
    for day in range(days):
        market.publish(day)
        visits = [p for p in market.people if p.joined_day <= day for _ in range(p.per_day)]
        market.source.shuffle(visits)
        for person in visits:
            _visit(market, policy, person, day)
    right = fmean(m.label(t)[0] == market.truth[t] for m, t in _labels(market))
    open_or_done = sum(map(len, market.opened)) + len(market.done)
    answers = fmean(len(market.takers[t]) for _, t in market.done)
    newcomers = [p for p in market.people if 0 < p.joined_day <= days - NEWCOMERS_FROM]
    worked = fmean(market.work[p.id] > 0 for p in newcomers) if newcomers else 1.0
    regulars = [float(market.work[p.id]) for p in market.people if p.joined_day == 0]
    return Outcome(right, answers, _gini(regulars), worked, len(market.done) / open_or_done)


def _visit(market: Market, policy: Policy, person: Person, day: int) -> None:
    skills = [s for s in range(SKILLS) if market.opened[s]]
    for skill in policy(market, person, skills, day):
        if market.is_gold_due(person, skill):
            market.answer(person, skill, market.gold_task(), is_gold=True)
            return
        for task in market.opened[skill]:
            if person.id not in market.takers[task]:
                market.answer(person, skill, task, is_gold=False)
                return


def _labels(market: Market) -> list[tuple[Engine, int]]:
    return [(market.engines[skill], task) for skill, task in market.done]


def _gini(work: list[float]) -> float:
    ranked, n = sorted(work), len(work)
    return sum((2 * i - n + 1) * x for i, x in enumerate(ranked)) / (n * sum(ranked))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{'policy':24}{'accuracy':>9}{'answers':>9}{'Gini':>7}{'newcomers':>11}{'closed':>8}")
    found: dict[str, dict[str, float]] = {}
    for name, policy in POLICIES.items():
        runs = [simulate(policy, seed=s, days=options.days) for s in range(options.seeds)]
        mean = Outcome(*(fmean(column) for column in zip(*runs, strict=True)))
        found[name] = mean._asdict()
        print(
            f"{name:24}{mean.accuracy:9.3f}{mean.answers:9.2f}{mean.gini:7.2f}{mean.newcomers:11.2f}{mean.closed:8.2f}"
        )
    ours = found["gate and draw (ours)"]
    misses = [
        f"{key} {ours[key]:.3f}, required {sign} {bound}"
        for key, (sign, bound) in REQUIRED.items()
        if (ours[key] < bound if sign == ">=" else ours[key] > bound)
    ]
    print("required:", ", ".join(f"{k} {s} {b}" for k, (s, b) in REQUIRED.items()))
    print("\n".join(f"MISSED {miss}" for miss in misses) or "all required figures reached")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return bool(misses)


if __name__ == "__main__":
    sys.exit(main())
