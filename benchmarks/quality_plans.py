"""What `plan.next_act` saves against two answers plus adjudication, at equal accuracy."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from functools import cache
from statistics import fmean
from typing import NamedTuple

from benchmarks.quality_data import load_ratings
from marketplace.quality import severity
from marketplace.quality.plan import Accuracies, Costs, Market, next_act
from marketplace.quality.skill import Skill, observe

REVIEW_PRICE = 0.4  # of an answer: reading is quicker than writing
WRONG = [50 * 1.08**i for i in range(80)]  # prices of a wrong label that are tried


class Bought(NamedTuple):
    accuracy: float
    minutes: float
    one_answer_only: float
    one_answer_and_review: float


class _Expert(NamedTuple):
    accuracy: float
    known: float  # the score mean after 60 gold answers
    minutes: float


def _experts(source: random.Random) -> list[_Expert]:
    experts = []
    for _ in range(60):
        accuracy, score = source.uniform(0.85, 0.97), Skill()
        for _ in range(60):
            score = observe(score, source="gold", credit=float(source.random() < accuracy))
        experts.append(_Expert(accuracy, score.mean, source.uniform(5, 50)))
    return experts


ADJUDICATOR = _Expert(0.97, 0.97, 40.0)


def fixed_plan(n_labels: int, *, tasks: int, seed: int) -> Bought:
    """Two answers by whoever comes; where they differ, an adjudication."""
    source = random.Random(seed)
    experts, right, minutes = _experts(source), [], []
    for _ in range(tasks):
        first, second = source.sample(experts, 2)
        a, b = _label(source, first, n_labels), _label(source, second, n_labels)
        spent = first.minutes + second.minutes
        if a != b:
            a, spent = _label(source, ADJUDICATOR, n_labels), spent + ADJUDICATOR.minutes
        right.append(a == 0)
        minutes.append(spent)
    return Bought(fmean(right), fmean(minutes), 0.0, 0.0)


def _label(source: random.Random, expert: _Expert, n_labels: int) -> int:
    """0 is the truth."""
    return 0 if source.random() < expert.accuracy else source.randrange(1, n_labels)


@cache
def _act(belief: tuple[float, ...], answer: float, wrong: float, m: float, review: float) -> str:
    costs = Costs(answer, wrong, review, ADJUDICATOR.minutes)
    accuracies = Accuracies(m, m, ADJUDICATOR.known)
    usual = Costs(27.5, wrong, 27.5 * review / answer, ADJUDICATOR.minutes)
    later = Market(usual, Accuracies(0.91, 0.91, ADJUDICATOR.known))
    return next_act(dict(enumerate(belief)), costs, accuracies=accuracies, later=later).act


def planned(
    n_labels: int, *, tasks: int, seed: int, wrong: float, review_price: float = REVIEW_PRICE
) -> Bought:
    """The same experts; each act is chosen for the expert who comes next."""
    source = random.Random(seed)
    experts = _experts(source)
    right, minutes, kinds = [], [], []
    for _ in range(tasks):
        p, spent = [1.0 / n_labels] * n_labels, 0.0
        acts: list[str] = []
        while True:
            expert = source.choice(experts)
            belief = tuple(round(x, 3) for x in p)
            belief = tuple(x / sum(belief) for x in belief)
            price, known = round(expert.minutes), round(expert.known, 2)
            act = _act(belief, price, wrong, known, review_price * price)
            if act == "stop" and acts:
                break
            acts.append(act if act != "stop" else "answer")
            if act == "adjudicate":
                spent += ADJUDICATOR.minutes
                p = [0.0] * n_labels
                p[_label(source, ADJUDICATOR, n_labels)] = 1.0
                break
            if act == "review":
                spent += review_price * expert.minutes
                top = p.index(max(p))
                agrees = (top == 0) == (source.random() < expert.accuracy)
                hit, miss = (expert.known, 1 - expert.known)[:: 1 if agrees else -1]
                p = [x * (hit if k == top else miss) for k, x in enumerate(p)]
            else:
                spent += expert.minutes
                label = _label(source, expert, n_labels)
                miss = (1 - expert.known) / (n_labels - 1)
                p = [x * (expert.known if k == label else miss) for k, x in enumerate(p)]
            p = [x / sum(p) for x in p]
        right.append(p.index(max(p)) == 0)
        minutes.append(spent)
        kinds.append(tuple(acts))
    one = fmean(k == ("answer",) for k in kinds)
    reviewed = fmean(k == ("answer", "review") for k in kinds)
    return Bought(fmean(right), fmean(minutes), one, reviewed)


def cheapest(n_labels: int, *, tasks: int, seed: int, review_price: float) -> tuple[Bought, Bought]:
    """The fixed plan, and the planned one at the least price of error that is as accurate."""
    fixed = fixed_plan(n_labels, tasks=5 * tasks, seed=seed)
    low, high, best = 0, len(WRONG) - 1, None
    while low <= high:
        middle = (low + high) // 2
        plan = planned(
            n_labels, tasks=tasks, seed=seed, wrong=WRONG[middle], review_price=review_price
        )
        if plan.accuracy >= fixed.accuracy:
            best, high = plan, middle - 1
        else:
            low = middle + 1
    if best is None:
        raise RuntimeError("no price of error is as accurate as the fixed plan")
    return fixed, best


CUT = math.log1p(1.0)  # an error score above 1: the segment needs repair


class _Rated(NamedTuple):
    rater: str
    score: float
    minutes: float


Items = dict[str, list[_Rated]]
Fit = severity.Fit[str, str]


def _items() -> dict[str, list[_Rated]]:
    by: dict[str, list[_Rated]] = defaultdict(list)
    for r in load_ratings():
        minutes = min(int(r["time_ms"]) / 60_000, 15.0)  # nobody is paid for a lunch break
        rated = _Rated(r["rater"], math.log1p(float(r["mqm"])), minutes)
        by[f"{r['system']}|{r['doc']}|{r['seg']}"].append(rated)
    return by


def on_ratings(*, seed: int) -> dict[str, Bought]:
    """Does a segment of mqm23_ende need repair? Truth: all three ratings, severity-corrected.

    Biases and spreads come from the other half of the documents. `fixed` takes two raw ratings, the
    third where they differ; `fixed_corrected` buys the same and reads it with corrections.
    """
    source, items = random.Random(seed), _items()
    whole = severity.fit((i, r.rater, r.score) for i, rows in items.items() for r in rows)
    documents = sorted({item.split("|")[1] for item in items})
    half = set(source.sample(documents, len(documents) // 2))
    found: dict[str, list[Bought]] = defaultdict(list)
    for is_in in (True, False):
        train = {i: x for i, x in items.items() if (i.split("|")[1] in half) is not is_in}
        test = {i: source.sample(x, 3) for i, x in items.items() if i not in train}
        truth = {i: whole.items[i].score > CUT for i in test}
        fit = severity.fit((i, r.rater, r.score) for i, rows in train.items() for r in rows)
        m = fmean(
            (fit.corrected(i, r.rater, r.score) > CUT) == (whole.items[i].score > CUT)
            for i, rows in train.items()
            for r in rows
        )
        price = fmean(r.minutes for rows in train.values() for r in rows)
        found["fixed"].append(_fixed_on(test, truth, None))
        found["fixed_corrected"].append(_fixed_on(test, truth, fit))
        goal = found["fixed"][-1].accuracy
        for wrong in WRONG:
            plan = _planned_on(test, truth, fit, Costs(price, wrong), Accuracies(m, m))
            if plan.accuracy >= goal:
                break
        found["planned"].append(plan)
    return {name: Bought(*map(fmean, zip(*x, strict=True))) for name, x in found.items()}


def _fixed_on(items: Items, truth: dict[str, bool], fit: Fit | None) -> Bought:
    right, minutes = [], []
    for item, rows in items.items():
        votes = [row.score > CUT for row in rows]
        n = 2 if votes[0] == votes[1] else 3
        said = votes[n - 1]
        if fit is not None:
            ratings = [(row.rater, row.score) for row in rows[:n]]
            said = fit.probability_above(CUT, ratings) > 0.5
        right.append(said == truth[item])
        minutes.append(sum(row.minutes for row in rows[:n]))
    return Bought(fmean(right), fmean(minutes), 0.0, 0.0)


def _planned_on(
    items: Items, truth: dict[str, bool], fit: Fit, costs: Costs, accuracies: Accuracies
) -> Bought:
    right, minutes, single = [], [], []
    for item, rows in items.items():
        n, p = 0, 0.5
        while n < 3:
            belief = round(p, 2)
            act = _next_rating(belief, costs, accuracies)
            if n and act == "stop":
                break
            n += 1
            p = fit.probability_above(CUT, [(row.rater, row.score) for row in rows[:n]])
        right.append((p > 0.5) == truth[item])
        minutes.append(sum(row.minutes for row in rows[:n]))
        single.append(n == 1)
    return Bought(fmean(right), fmean(minutes), fmean(single), 0.0)


@cache
def _next_rating(p: float, costs: Costs, accuracies: Accuracies) -> str:
    return next_act({0: 1 - p, 1: p}, costs, accuracies=accuracies).act
