"""How the figures of QUALITY are measured: one function per experiment, no printing."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from statistics import correlation, fmean
from typing import NamedTuple

import numpy as np

from benchmarks.quality_data import Answer, load_ratings, preference_votes
from marketplace.quality import agreement, calibration, collusion, confusion, preference, severity
from marketplace.quality.ability import Item, Test
from marketplace.quality.consensus import Config, Engine

Truth = Mapping[int, int]


class Replayed(NamedTuple):
    answers: float
    accuracy: float
    correlation: float
    nightly: float  # accuracy of the confusion model on the answers that were bought


class _Stream:
    """Answers of a set as they arrive: random order of tasks, 100 open at once."""

    def __init__(self, answers: Sequence[Answer], seed: int, *, gold_share: float) -> None:
        self.source = random.Random(seed)
        self.by_task: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for task, expert, label in answers:
            self.by_task[task].append((expert, label))
        tasks = sorted(self.by_task)
        if len(tasks) > 3_000:
            tasks = self.source.sample(tasks, 2_500)
        self.source.shuffle(tasks)
        n_gold = round(gold_share * len(tasks))
        self.gold, self.rest = tasks[:n_gold], tasks[n_gold:]

    def waiting(self, task: int) -> list[tuple[int, int]]:
        answers = self.by_task[task]
        return self.source.sample(answers, len(answers))


def replay(
    answers: Sequence[Answer],
    truth: Truth,
    config: Config,
    *,
    seed: int,
    by_draw: bool = False,
    gold_share: float = 0.05,
) -> Replayed:
    """Gold first, then the rest until nothing is open.

    A task whose `maximum` answers have come ends, also when some of them were gated; one whose
    answers run out earlier keeps its best label. Correlation: score mean against the share of right
    answers in the whole set, over experts with 10 answers or more in the replay.
    """
    stream, engine = _Stream(answers, seed, gold_share=gold_share), Engine(config)
    seen: Counter[int] = Counter()
    used: Counter[int] = Counter()
    bought: list[Answer] = []
    for task in stream.gold:
        for expert, label in stream.waiting(task)[:5]:
            engine.observe(expert=expert, task=task, label=label, gold=truth[task])
            seen[expert] += 1
            bought.append((task, expert, label))
    waiting = {task: stream.waiting(task) for task in stream.rest}
    queue, opened = stream.rest[::-1], list[int]()
    while queue or opened:
        while queue and len(opened) < 100:
            opened.append(queue.pop())
        at = stream.source.randrange(len(opened))
        task = opened[at]
        expert, label = _next_answer(engine, waiting[task], stream.source, by_draw=by_draw)
        seen[expert] += 1
        used[task] += 1
        bought.append((task, expert, label))
        status = engine.observe(expert=expert, task=task, label=label).status
        if status == "open" and used[task] >= config.maximum:
            status = engine.finish(task).status
        if status != "open" or not waiting[task]:
            opened[at] = opened[-1]
            opened.pop()
    accuracy = fmean(engine.label(task)[0] == truth[task] for task in stream.rest)
    gold = {task: truth[task] for task in stream.gold}
    night = confusion.aggregate(bought, labels=range(config.n_labels), gold=gold)
    rest = {task: night[task] for task in stream.rest}
    r = _ranking(engine, answers, truth, seen)
    return Replayed(used.total() / len(rest), accuracy, r, accuracy_of(rest, truth))


def _next_answer(
    engine: Engine, waiting: list[tuple[int, int]], source: random.Random, *, by_draw: bool
) -> tuple[int, int]:
    if not by_draw:
        return waiting.pop()
    draws = []
    for expert, _ in waiting:
        score = engine.skill(expert)
        draws.append(source.betavariate(score.alpha, score.beta))
    return waiting.pop(draws.index(max(draws)))


def _ranking(engine: Engine, answers: Sequence[Answer], truth: Truth, seen: Counter[int]) -> float:
    right: dict[int, list[bool]] = defaultdict(list)
    for task, expert, label in answers:
        right[expert].append(label == truth[task])
    pairs = [(engine.skill(e).mean, fmean(x)) for e, x in right.items() if seen[e] >= 10]
    return correlation(*zip(*pairs, strict=True)) if len(pairs) > 2 else math.nan


def majority(answers: Sequence[Answer], truth: Truth) -> float:
    """Accuracy of the most frequent label, ties split."""
    votes: dict[int, Counter[int]] = defaultdict(Counter)
    for task, _, label in answers:
        votes[task][label] += 1
    points = 0.0
    for task, counts in votes.items():
        top = [label for label, n in counts.items() if n == max(counts.values())]
        points += (truth[task] in top) / len(top)
    return points / len(votes)


def thinned(answers: Sequence[Answer], *, each: float, seed: int) -> list[Answer]:
    """`each` answers per task on average, at random: what the same money buys without a rule."""
    source, by_task = random.Random(seed), defaultdict(list)
    for answer in answers:
        by_task[answer[0]].append(answer)
    kept = []
    for rows in by_task.values():
        n = min(len(rows), math.floor(each) + (source.random() < each % 1))
        kept += source.sample(rows, n)
    return kept


def majority_at(answers: Sequence[Answer], truth: Truth, *, each: float, seed: int) -> float:
    """Majority at the same cost."""
    return majority(thinned(answers, each=each, seed=seed), truth)


def accuracy_of(posteriors: Mapping[int, Mapping[int, float]], truth: Truth) -> float:
    """Share of tasks whose likeliest label is right."""
    return fmean(max(p, key=p.__getitem__) == truth[task] for task, p in posteriors.items())


def f1(posteriors: Mapping[int, Mapping[int, float]], truth: Truth) -> float:
    """F1 of label 1."""
    said = {task: max(p, key=p.__getitem__) for task, p in posteriors.items()}
    hits = sum(said[t] == 1 == truth[t] for t in said)
    return 2 * hits / (sum(x == 1 for x in said.values()) + sum(truth[t] == 1 for t in said))


def attacked(
    answers: Sequence[Answer], truth: Truth, n_labels: int, *, kind: str, share: float, seed: int
) -> tuple[list[Answer], set[int]]:
    """The set after random experts holding `share` of its answers turned bad, and who they are."""
    source = random.Random(seed)
    held = Counter(expert for _, expert, _ in answers)
    bad: set[int] = set()
    for expert in source.sample(sorted(held), len(held)):
        if sum(held[e] for e in bad) >= share * len(answers):
            break
        bad.add(expert)
    agreed = {task: source.randrange(n_labels) for task in truth}
    leader: dict[int, int] = {}
    rows = []
    for task, expert, label in answers:
        given = label
        if expert in bad:
            given = {
                "random": source.randrange(n_labels),
                "constant": 0,
                "collude": agreed[task],
                "wrong": (truth[task] + source.randrange(1, n_labels)) % n_labels,
                "copy": leader.setdefault(task, label),
            }[kind]
        rows.append((task, expert, given))
    return rows, bad


def gold_of(truth: Truth, *, share: float, seed: int) -> dict[int, int]:
    """A random share of the truth."""
    tasks = sorted(truth)
    return {t: truth[t] for t in random.Random(seed).sample(tasks, round(share * len(tasks)))}


def under_attack(
    answers: Sequence[Answer], truth: Truth, n_labels: int, *, kind: str, share: float, seed: int
) -> tuple[float, float, float]:
    """Accuracy on tasks that are not gold: majority, no gold, gold and gate (10 % gold)."""
    rows, _ = attacked(answers, truth, n_labels, kind=kind, share=share, seed=seed)
    gold = gold_of(truth, share=0.10, seed=seed)
    rest = {task: label for task, label in truth.items() if task not in gold}
    plain = confusion.aggregate(rows, labels=range(n_labels))
    gated = confusion.aggregate(rows, labels=range(n_labels), gold=gold)
    return (
        majority([row for row in rows if row[0] in rest], truth),
        accuracy_of({t: p for t, p in plain.items() if t in rest}, rest),
        accuracy_of({t: p for t, p in gated.items() if t in rest}, rest),
    )


def calibration_gaps(
    answers: Sequence[Answer], truth: Truth, config: Config, *, seed: int
) -> tuple[float, float]:
    """|accuracy - stated| over closed tasks, raw and calibrated on 100 gold tasks.

    A gold task takes answers until its shadow ends; each vote has the weight its expert had before
    the answer was graded.
    """
    stream, engine = _Stream(answers, seed, gold_share=0.0), Engine(config)
    gold = set(stream.rest[:100])
    queue, opened = stream.source.sample(stream.rest, len(stream.rest)), list[int]()
    waiting = {task: stream.waiting(task) for task in stream.rest}
    votes: dict[int, list[tuple[int, float]]] = defaultdict(list)
    pairs: list[tuple[float, bool]] = []
    closed: list[tuple[float, bool]] = []
    while queue or opened:
        while queue and len(opened) < 100:
            opened.append(queue.pop())
        at = stream.source.randrange(len(opened))
        task = opened[at]
        expert, label = waiting[task].pop()
        if task in gold:
            if not engine.is_gated(expert):
                votes[task].append((label, engine.skill(expert).mean))
            engine.observe(expert=expert, task=task, label=label, gold=truth[task])
            decision = calibration.shadow(votes[task], config)
        else:
            decision = engine.observe(expert=expert, task=task, label=label)
        if decision.status != "open" or not waiting[task]:
            opened[at] = opened[-1]
            opened.pop()
            if decision.status == "closed":
                entry = (decision.confidence, decision.label == truth[task])
                (pairs if task in gold else closed).append(entry)
    calibrated = calibration.fit(pairs)
    right = fmean(was_right for _, was_right in closed)
    stated = fmean(confidence for confidence, _ in closed)
    return abs(right - stated), abs(right - fmean(calibrated(c) for c, _ in closed))


def collusion_figures(
    answers: Sequence[Answer], truth: Truth, n_labels: int, *, kind: str, share: float, seed: int
) -> tuple[float, float, float]:
    """AUC of z for pairs inside the block, share of them found, false flags per innocent pair.

    `collude`: the block gives the same agreed answers; `copy`: it copies its first member's honest
    answer to each task, which is far harder to tell from skill.
    """
    rows, bad = attacked(answers, truth, n_labels, kind=kind, share=share, seed=seed)
    gold = gold_of(truth, share=0.10, seed=seed)
    found = collusion.pairs(confusion.fit(rows, labels=range(n_labels), gold=gold))
    inside = np.array([p.z for p in found if p.left in bad and p.right in bad])
    outside = np.array([p.z for p in found if not (p.left in bad and p.right in bad)])
    hits = float((inside > collusion.FLAG).mean()) if len(inside) else math.nan
    return auc(outside, inside), hits, float((outside > collusion.FLAG).mean())


def auc(low: np.ndarray, high: np.ndarray) -> float:
    """P(a value of `high` exceeds one of `low`), ties half."""
    if not len(low) or not len(high):
        return math.nan
    low = np.sort(low)
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / 2 / len(low))


def tau(x: Sequence[float], y: Sequence[float]) -> float:
    """Kendall's tau-a."""
    a, b = np.array(x), np.array(y)
    signs = np.sign(a[:, None] - a) * np.sign(b[:, None] - b)
    return float(signs.sum() / (len(a) * (len(a) - 1)))


def preference_figures(*, clickers: float, seed: int) -> tuple[float, float, float, float]:
    """tau of scores, log-loss on the left-out fifth, AUC of clickers, side bias."""
    scores, is_clicker, votes = preference_votes(seed, clickers=clickers)
    left_out = len(votes) // 5
    fit = preference.fit(votes[left_out:])
    losses = []
    for rater, left, right, outcome in votes[:left_out]:
        p = dict(zip(("left", "tie", "right"), fit.predict(rater, left, right), strict=True))
        losses.append(-math.log(p[outcome]))
    sharp = np.array([fit.raters[r].discrimination for r in range(100)])
    order = tau(scores.tolist(), [fit.scores.get(i, 0.0) for i in range(40)])
    return order, fmean(losses), auc(sharp[is_clicker], sharp[~is_clicker]), fit.side_bias


def ability_figures(*, candidates: int, seed: int) -> tuple[float, float, float, float]:
    """Items used, misclassified, unqualified who pass, qualified who fail.

    Cut .5; 60 items written around it, b ~ N(.5, .5), ln a ~ N(0, .3), c = .2, all known.
    """
    source = random.Random(seed)
    items = [
        Item(i, source.gauss(0.5, 0.5), math.exp(source.gauss(0.0, 0.3)), 0.2) for i in range(60)
    ]
    test = Test(items, cut=0.5)
    used, wrong = list[int](), list[bool]()
    passed, failed = list[bool](), list[bool]()
    for _ in range(candidates):
        theta, responses = source.gauss(0.0, 1.0), list[tuple[Hashable, bool]]()
        while (item_id := test.next(responses)) is not None:
            right = source.random() < test.items[item_id].p_right(theta)
            responses.append((item_id, right))
        has_passed = test.verdict(responses).status == "pass"
        used.append(len(responses))
        wrong.append(has_passed != (theta > 0.5))
        (failed if theta > 0.5 else passed).append(has_passed)
    return fmean(used), fmean(wrong), fmean(passed), 1 - fmean(failed)


Rating = tuple[str, str, float]


def mqm() -> list[Rating]:
    """(system|segment, reviewer, log(1 + mqm))."""
    return [
        (f"{r['system']}|{r['seg']}", r["rater"], math.log1p(float(r["mqm"])))
        for r in load_ratings()
    ]


def severity_figures(*, seed: int) -> tuple[float, float, float, float]:
    """Error on left-out ratings, raw and corrected; tau of systems, raw and corrected."""
    source, ratings = random.Random(seed), mqm()
    left_out = set(source.sample(range(len(ratings)), len(ratings) // 5))
    kept = [row for i, row in enumerate(ratings) if i not in left_out]
    fit, raw = severity.fit(kept), defaultdict(list)
    for item, _, score in kept:
        raw[item].append(score)
    rows = [ratings[i] for i in sorted(left_out) if ratings[i][0] in raw]
    plain = fmean((y - fmean(raw[item])) ** 2 for item, _, y in rows)
    better = fmean((y - fit.items[item].score - fit.reviewers[r].bias) ** 2 for item, r, y in rows)
    return math.sqrt(plain), math.sqrt(better), *_system_taus(ratings, source)


def _system_taus(ratings: list[Rating], source: random.Random) -> tuple[float, float]:
    """Systems ranked from one reviewer per system and document, two for 15 % of the segments."""
    by_item: dict[str, list[Rating]] = defaultdict(list)
    for row in ratings:
        by_item[row[0]].append(row)
    document = {f"{r['system']}|{r['seg']}": (r["system"], r["doc"]) for r in load_ratings()}
    chosen = {unit: source.random() for unit in sorted(set(document.values()))}
    kept: list[Rating] = []
    for item, rows in by_item.items():
        at = int(chosen[document[item]] * len(rows))
        order = [*rows[at:], *rows[:at]]
        kept += order[: 2 if source.random() < 0.15 else 1]
    fit = severity.fit(kept)
    full = _by_system((item, y) for item, _, y in ratings)
    raw = _by_system((item, y) for item, _, y in kept)
    better = _by_system((item, fit.corrected(item, r, y)) for item, r, y in kept)
    names = sorted(full)
    reference = [full[s] for s in names]
    return tau(reference, [raw[s] for s in names]), tau(reference, [better[s] for s in names])


def _by_system(scores: Iterable[tuple[str, float]]) -> dict[str, float]:
    by: dict[str, list[float]] = defaultdict(list)
    for item, score in scores:
        by[item.rsplit("|", 1)[0]].append(score)
    return {system: fmean(x) for system, x in by.items()}


def alphas() -> tuple[float, float]:
    """Interval alpha of mqm23_ende, raw and corrected."""
    ratings = mqm()
    fit = severity.fit(ratings)
    better = [(item, r, fit.corrected(item, r, y)) for item, r, y in ratings]
    raw = agreement.alpha(ratings, level="interval").value
    return raw or math.nan, agreement.alpha(better, level="interval").value or math.nan
