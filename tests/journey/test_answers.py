"""Simulated experts are right as often as they are said to be, the same way for the same seed."""

from __future__ import annotations

from random import Random

import pytest

from marketplace.web.demo import content
from marketplace.web.simulation.answers import SimulatedExpert, UnknownTruth, side_of, spread


@pytest.mark.parametrize(
    ("value", "side"), [(1, 1), ("2", -1), (0, 0), ("A", 1), (" b ", -1), ("tie", 0), ("left", 1)]
)
def test_a_side_reads_as_data_sets_write_it(value, side) -> None:
    assert side_of(value) == side


def test_a_value_that_names_no_side_is_refused_with_those_that_do() -> None:
    with pytest.raises(UnknownTruth, match="'maybe' names no side; known are 0, 1"):
        side_of("maybe")


def test_an_expert_is_right_as_often_as_said() -> None:
    expert = SimulatedExpert(0.8, Random(3))

    right = sum(expert.prefer(1)["overall"] < 0 for _ in range(2_000))

    assert 1_540 <= right <= 1_660


def test_a_wrong_label_is_another_label() -> None:
    expert = SimulatedExpert(0.0, Random(3))

    assert {expert.classify("a", ["a", "b", "c"])["label"] for _ in range(50)} == {"b", "c"}
    assert {expert.choose(0, 3) for _ in range(50)} == {1, 2}


def test_accuracies_are_spread_evenly_and_shuffled_by_the_seed() -> None:
    values = spread(5, low=0.5, high=0.9, seed=1)

    assert sorted(values) == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert values == spread(5, low=0.5, high=0.9, seed=1)


@pytest.mark.parametrize("domain", ["medicine", "law", "physics", "software"])
def test_the_demo_has_enough_different_pairs_with_a_right_side(domain) -> None:
    pairs = list(content.pairs(domain, count=92, seed=1))

    assert len({pair.prompt for pair in pairs}) == 92
    assert {pair.truth for pair in pairs} == {"a", "b"}
    assert pairs == list(content.pairs(domain, count=92, seed=1))
