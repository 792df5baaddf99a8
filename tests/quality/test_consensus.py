from __future__ import annotations

from math import exp, log

import pytest

from marketplace.quality.consensus import (
    Config,
    Decision,
    Engine,
    decide,
    leave_one_out,
    posterior,
    value_of_answer,
)
from marketplace.quality.errors import InvalidSetting, UnknownLabel
from marketplace.quality.skill import Skill

TWO = Config(n_labels=2)


def answered(engine: Engine, *labels: int, task: str = "t") -> Decision:
    for n, label in enumerate(labels):
        decision = engine.observe(expert=n, task=task, label=label)
    return decision


def test_equal_answers_of_unknown_experts_close_a_task_at_the_fourth() -> None:
    shown = [round(posterior([(1, 0.75)] * n, TWO)[1], 3) for n in range(1, 6)]

    assert shown == [0.707, 0.853, 0.933, 0.971, 0.988]
    assert answered(Engine(TWO), 1, 1, 1).status == "open"
    assert answered(Engine(TWO), 1, 1, 1, 1).status == "closed"


def test_two_answers_of_proven_experts_are_enough() -> None:
    votes = [(0, 0.87), (0, 0.87)]

    assert decide(posterior(votes, TWO), TWO).status == "closed"


def test_a_posterior_and_its_leave_one_out_credit_equal_numbers_worked_by_hand() -> None:
    config = Config(n_labels=3, temperature=0.5)
    now = posterior([(0, 0.8), (0, 0.6), (2, 0.9)], config)

    zero = (0.8 * 2 / 0.2) ** 0.5 * (0.6 * 2 / 0.4) ** 0.5
    two = (0.9 * 2 / 0.1) ** 0.5
    p_zero = zero / (zero + two + 1.0)
    without = (0.6 * 2 / 0.4) ** 0.5
    credit = without / (without + two + 1.0)

    assert now[0] == pytest.approx(p_zero)
    assert now[2] == pytest.approx(two / (zero + two + 1.0))
    assert now[1] == pytest.approx(1.0 / (zero + two + 1.0))
    assert leave_one_out(now[0], 0.8, config) == pytest.approx(credit)


def test_scores_earn_the_leave_one_out_credit_when_a_task_closes() -> None:
    engine = Engine(TWO)

    answered(engine, 1, 1, 1, 1)

    others = exp(3 * 0.8 * log(3.0))
    credit = others / (others + 1.0)
    assert engine.skill(0).alpha == pytest.approx(4.5 + 0.5 * credit)
    assert engine.skill(0).beta == pytest.approx(1.5 + 0.5 * (1.0 - credit))


def test_a_task_below_target_at_its_maximum_goes_to_adjudication_and_still_credits() -> None:
    engine = Engine(Config(n_labels=2, maximum=4))

    decision = answered(engine, 0, 1, 0, 1)

    assert decision.status == "adjudicate"
    assert engine.skill(0) != Skill()


def test_no_credit_below_two_other_answers() -> None:
    engine = Engine(Config(n_labels=2, maximum=2))

    assert answered(engine, 0, 1).status == "adjudicate"

    assert engine.skill(0) == Skill()


def test_ties_go_to_the_label_answered_first() -> None:
    engine = Engine(TWO)

    answered(engine, 1, 0)

    label, confidence = engine.label("t")
    assert label == 1
    assert confidence == pytest.approx(0.5)


def test_gold_grades_and_enters_no_vote() -> None:
    engine = Engine(TWO)

    decision = engine.observe(expert="e", task="t", label=0, gold=1)

    assert decision == Decision("closed", 1, 1.0)
    assert engine.skill("e") == Skill(4.5, 2.5, 0.0, 1.0)


def test_an_answer_after_the_end_is_credited_once_and_changes_no_decision() -> None:
    engine = Engine(TWO)
    decision = answered(engine, 1, 1, 1, 1)

    late = engine.observe(expert="late", task="t", label=0)
    again = engine.observe(expert="late", task="t", label=1)

    assert late == again == decision
    assert engine.skill("late").alpha == pytest.approx(4.5 + 0.5 * (1 - decision.confidence))


def test_the_same_expert_replaces_an_answer_only_while_the_task_is_open() -> None:
    engine = Engine(TWO)
    engine.observe(expert="e", task="t", label=0)
    engine.observe(expert="e", task="t", label=1)

    label, confidence = engine.label("t")
    assert label == 1
    assert confidence == pytest.approx(0.7065, abs=1e-4)


def test_an_unknown_task_has_no_label() -> None:
    assert Engine(TWO).label("never seen") == (None, 0.0)


def test_a_closed_task_keeps_its_label_whatever_comes() -> None:
    engine = Engine(TWO)
    before = answered(engine, 1, 1, 1, 1)

    for n in range(20):
        engine.observe(expert=f"late {n}", task="t", label=0)
        engine.observe(expert=0, task=f"gold {n}", label=0, gold=1)

    assert engine.label("t") == (before.label, before.confidence)


def test_finish_ends_a_task_that_gets_no_more_answers_and_credits_it() -> None:
    engine = Engine(TWO)
    answered(engine, 1, 1, 1)

    decision = engine.finish("t")

    assert (decision.status, decision.label) == ("adjudicate", 1)
    assert engine.skill(0).mean > 0.75
    assert engine.finish("t") is decision


def test_one_more_answer_is_worth_most_where_the_labels_are_even() -> None:
    even = value_of_answer(posterior([(0, 0.8), (1, 0.8)], TWO), 0.8, TWO)
    leaning = value_of_answer(posterior([(0, 0.8)], TWO), 0.8, TWO)
    sure = value_of_answer(posterior([(0, 0.8)] * 3, TWO), 0.8, TWO)

    assert even > 0.1
    assert (leaning, sure) == pytest.approx((0.0, 0.0), abs=1e-12)


def test_the_value_of_an_answer_equals_the_sum_over_its_outcomes() -> None:
    config = Config(n_labels=3, temperature=1.0)
    votes, m = [(0, 0.6), (1, 0.7)], 0.8
    now = posterior(votes, config)

    expected = 0.0
    for label in range(3):
        chance = sum(now[k] * (m if k == label else (1 - m) / 2) for k in range(3))
        after = posterior([*votes, (label, m)], config)
        expected += chance * max(after[k] for k in range(3))

    assert value_of_answer(now, m, config) == pytest.approx(expected - now.best[1])


@pytest.mark.parametrize("label", [2, -1, "1", 0.0, None])
def test_a_label_outside_the_configuration_is_refused(label: object) -> None:
    with pytest.raises(UnknownLabel):
        Engine(TWO).observe(expert="e", task="t", label=label)  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [0.0, 1.1])
def test_a_temperature_outside_zero_and_one_is_refused(temperature: float) -> None:
    with pytest.raises(InvalidSetting):
        Config(n_labels=2, temperature=temperature)
