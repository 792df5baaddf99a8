"""Development data (never in the repository) and the synthetic data that stands in for it."""

from __future__ import annotations

import csv
import math
import os
import random
from functools import cache
from pathlib import Path

import numpy as np

Answer = tuple[int, int, int]  # task, expert, label
SETS = {
    "rte": 2,
    "s4_dog": 4,
    "bluebird": 2,
    "d_product": 2,
    "sp": 2,
    "sp_amt": 2,
    "cf": 5,
    "cf_amt": 5,
    "music": 10,
}


def folder() -> Path:
    """GUILDHALL_QUALITY_DATA, or `shared/data/quality` beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "quality"
    return Path(os.environ.get("GUILDHALL_QUALITY_DATA", beside))


@cache
def load(name: str) -> tuple[list[Answer], dict[int, int]]:
    """Answers, the last of every (task, expert), and the truth of every task."""
    with (folder() / name / "answers.csv").open() as file:
        last = {(int(r["task"]), int(r["worker"])): int(r["label"]) for r in csv.DictReader(file)}
    with (folder() / name / "gold.csv").open() as file:
        truth = {int(r["task"]): int(r["truth"]) for r in csv.DictReader(file)}
    return [(task, expert, label) for (task, expert), label in last.items()], truth


@cache
def load_ratings() -> list[dict[str, str]]:
    """The rows of mqm23_ende."""
    with (folder() / "mqm23_ende" / "ratings.csv").open() as file:
        return list(csv.DictReader(file))


def crowd(
    seed: int, *, tasks: int = 400, experts: int = 60, each: int = 8, n_labels: int = 2
) -> tuple[list[Answer], dict[int, int]]:
    """A synthetic set: experts of accuracy .55-.95, `each` answers per task."""
    source = random.Random(seed)
    skill = [source.uniform(0.55, 0.95) for _ in range(experts)]
    answers, truth = [], {}
    for task in range(tasks):
        truth[task] = source.randrange(n_labels)
        for expert in source.sample(range(experts), each):
            wrong = (truth[task] + source.randrange(1, n_labels)) % n_labels
            label = truth[task] if source.random() < skill[expert] else wrong
            answers.append((task, expert, label))
    return answers, truth


def large(tasks: int) -> list[Answer]:
    """tasks x 5 answers by 500 experts with 4 labels, for speed."""
    return crowd(1, tasks=tasks, experts=500, each=5, n_labels=4)[0]


def preference_votes(
    seed: int, *, clickers: float
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int, int, str]]]:
    """True scores, who clicks at random, and the votes of 100 raters x 60 over 40 options.

    A clicker does not see the options (discrimination 0) but has a side bias and a tie habit.
    """
    source = np.random.default_rng(seed)
    scores = source.normal(size=40)
    sharpness = np.exp(source.normal(0.0, 0.35, 100))
    habit = np.exp(source.normal(math.log(0.6), 0.7, 100))
    is_clicker = source.permutation(100) < clickers * 100
    sharpness[is_clicker] = 0.0
    votes = []
    for rater in range(100):
        for _ in range(60):
            left, right = source.choice(40, 2, replace=False)
            u = sharpness[rater] * (scores[left] - scores[right]) + 0.2
            p = np.array([math.exp(u / 2), habit[rater], math.exp(-u / 2)])
            outcome = ("left", "tie", "right")[source.choice(3, p=p / p.sum())]
            votes.append((rater, int(left), int(right), outcome))
    order = source.permutation(len(votes))
    return scores, is_clicker, [votes[i] for i in order]


def vote_columns(n: int, *, options: int) -> list[tuple[int, int, int, str]]:
    """n votes of 2,000 raters over random pairs of options; of lone pairs when options = 0."""
    source = np.random.default_rng(0)
    if options:
        left = source.integers(0, options, n)
        right = (left + source.integers(1, options, n)) % options
    else:
        left = 2 * source.integers(0, n // 4, n)
        right, options = left + 1, n // 2
    rater, scores = source.integers(0, 2_000, n), source.normal(size=options)
    e = np.exp((scores[left] - scores[right]) / 2)
    draw = source.random(n) * (e + 1 / e + 0.6)
    outcome = np.where(draw < e, "left", np.where(draw < e + 1 / e, "right", "tie"))
    return list(zip(rater.tolist(), left.tolist(), right.tolist(), outcome.tolist(), strict=True))
