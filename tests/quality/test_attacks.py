"""Attacks on generated data: gold plus gate keep the labels, without them a block takes over."""

from __future__ import annotations

from statistics import fmean

import pytest

from benchmarks.quality_data import crowd
from benchmarks.quality_figures import accuracy_of, replay, under_attack
from marketplace.quality import confusion
from marketplace.quality.consensus import Config

ANSWERS, TRUTH = crowd(11, tasks=500, experts=50, each=10, n_labels=3)
HONEST = accuracy_of(confusion.aggregate(ANSWERS, labels=range(3)), TRUTH)


def attack(kind: str, share: float) -> tuple[float, float, float]:
    draws = [under_attack(ANSWERS, TRUTH, 3, kind=kind, share=share, seed=s) for s in range(5)]
    majority, plain, gated = (fmean(column) for column in zip(*draws, strict=True))
    return majority, plain, gated


@pytest.mark.parametrize(
    ("kind", "share", "allowed"),
    [
        ("random", 0.3, 0.04),
        ("constant", 0.3, 0.04),
        ("collude", 0.35, 0.20),
        ("wrong", 0.15, 0.04),
    ],
)
def test_gold_and_gate_hold_the_labels(kind: str, share: float, allowed: float) -> None:
    majority, _, gated = attack(kind, share)

    assert gated > HONEST - allowed
    assert gated > majority + 0.02


def test_a_colluding_third_takes_over_where_there_is_no_gold() -> None:
    _, plain, gated = attack("collude", 0.35)

    assert gated > plain + 0.05


def test_the_gate_costs_an_honest_crowd_nothing() -> None:
    _, plain, gated = attack("random", 0.0)

    assert abs(gated - plain) < 0.005


def test_the_online_rule_buys_more_accuracy_per_answer_than_majority() -> None:
    found = replay(ANSWERS, TRUTH, Config(n_labels=3, maximum=10), seed=1)

    assert found.answers < 6.0
    assert found.accuracy > 0.94
    assert found.correlation > 0.7
