"""The required figures of QUALITY §15 on the development data, one configuration for all sets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import fmean
from typing import Any

import pytest

from benchmarks import quality_figures as figures
from benchmarks.quality_data import SETS, folder, load
from benchmarks.quality_plans import on_ratings
from marketplace.quality import agreement, confusion
from marketplace.quality.consensus import Config

pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif(not folder().is_dir(), reason="development data is not at hand"),
]


def mean(draw: Callable[..., tuple[float, ...]], draws: int) -> list[float]:
    rows: list[tuple[Any, ...]] = [draw(seed=seed) for seed in range(draws)]
    return [fmean(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("name", "most_answers", "accuracy", "correlation"),
    [
        ("rte", 6.7, 0.920, 0.80),
        ("s4_dog", 4.9, 0.815, 0.70),
        ("bluebird", 7.3, 0.73, None),
        ("d_product", 2.9, 0.915, 0.65),
        ("sp", 4.1, 0.895, 0.78),
        ("sp_amt", 4.1, 0.938, None),
        ("cf", 3.9, 0.87, None),
        ("cf_amt", 4.7, 0.83, 0.70),
        ("music", 3.2, 0.775, 0.90),
    ],
)
def test_online_replay(
    name: str, most_answers: float, accuracy: float, correlation: float | None
) -> None:
    answers, truth = load(name)
    config = Config(n_labels=SETS[name], maximum=10)

    bought, right, r, _ = mean(partial(figures.replay, answers, truth, config), 5)
    votes = [figures.majority_at(answers, truth, each=bought, seed=s) for s in range(5)]

    assert bought <= most_answers
    assert right >= accuracy
    assert correlation is None or r >= correlation
    assert right > fmean(votes) - 0.01


BATCH = {
    "rte": 0.925,
    "s4_dog": 0.835,
    "bluebird": 0.88,
    "d_product": 0.936,
    "sp": 0.913,
    "sp_amt": 0.942,
    "cf": 0.88,
    "cf_amt": 0.85,
    "music": 0.78,
}


def test_batch_labels_of_every_set_and_on_average() -> None:
    found = {}
    for name in BATCH:
        answers, truth = load(name)
        posteriors = confusion.aggregate(answers, labels=range(SETS[name]))
        found[name] = figures.accuracy_of(posteriors, truth)
        if name == "d_product":
            assert figures.f1(posteriors, truth) >= 0.69999

    assert {name: x for name, x in found.items() if x < BATCH[name]} == {}
    assert fmean(found.values()) >= 0.885


@pytest.mark.parametrize(
    ("name", "kind", "share", "accuracy"),
    [
        ("rte", "collude", 0.35, 0.82),
        ("s4_dog", "collude", 0.35, 0.80),
        ("cf_amt", "collude", 0.35, 0.78),
        ("sp_amt", "collude", 0.35, 0.935),
        ("rte", "random", 0.30, 0.905),
        ("s4_dog", "random", 0.30, 0.815),
    ],
)
def test_labels_under_attack_with_gold_and_gate(
    name: str, kind: str, share: float, accuracy: float
) -> None:
    answers, truth = load(name)
    attack = partial(figures.under_attack, answers, truth, SETS[name], kind=kind, share=share)

    _, _, gated = mean(attack, 10)

    assert gated >= accuracy


@pytest.mark.parametrize("name", ["rte", "s4_dog", "cf_amt", "sp_amt"])
def test_gold_and_gate_cost_nothing_without_an_attack(name: str) -> None:
    answers, truth = load(name)
    attack = partial(figures.under_attack, answers, truth, SETS[name], kind="random", share=0.0)

    _, plain, gated = mean(attack, 10)

    assert abs(gated - plain) <= 0.005


@pytest.mark.parametrize("name", ["rte", "s4_dog", "d_product", "sp", "sp_amt", "cf_amt", "music"])
def test_calibrated_confidence_is_within_five_points_of_accuracy(name: str) -> None:
    answers, truth = load(name)
    config = Config(n_labels=SETS[name], maximum=10)
    draws = 3 if len(truth) > 3000 else 10

    _, calibrated = mean(partial(figures.calibration_gaps, answers, truth, config), draws)

    assert calibrated <= 0.05


@pytest.mark.parametrize("name", ["rte", "s4_dog", "cf_amt"])
def test_a_colluding_fifth_is_found_and_the_innocent_are_not_flagged(name: str) -> None:
    answers, truth = load(name)
    report = partial(figures.collusion_figures, answers, truth, SETS[name], kind="collude")

    area, _, _ = mean(partial(report, share=0.2), 3)
    _, _, false_flags = mean(partial(report, share=0.0), 3)

    assert area >= 0.99
    assert false_flags <= 0.001


def test_severity_correction_on_professional_ratings() -> None:
    raw, corrected, tau_raw, tau = mean(figures.severity_figures, 10)
    alpha_raw, alpha_corrected = figures.alphas()

    assert corrected <= 0.8 * raw
    assert tau >= max(0.90, tau_raw + 0.02)
    assert alpha_corrected - alpha_raw >= 0.08


@pytest.mark.parametrize(
    ("name", "alpha"),
    [
        ("rte", 0.242),
        ("s4_dog", 0.519),
        ("bluebird", 0.126),
        ("d_product", 0.158),
        ("sp", 0.428),
        ("sp_amt", 0.738),
        ("cf", 0.577),
        ("cf_amt", 0.521),
        ("music", 0.301),
    ],
)
def test_alpha_of_every_set(name: str, alpha: float) -> None:
    assert agreement.alpha(load(name)[0], level="nominal").value == pytest.approx(alpha, abs=1e-3)


def test_planned_ratings_cost_less_than_a_fixed_plan_of_the_same_accuracy() -> None:
    found = on_ratings(seed=0)

    assert found["planned"].accuracy >= found["fixed_corrected"].accuracy - 0.01
    assert found["planned"].accuracy > found["fixed"].accuracy
    assert found["planned"].minutes < 0.85 * found["fixed"].minutes
