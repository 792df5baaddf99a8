from __future__ import annotations

from math import inf

import pytest

from benchmarks.quality_plans import cheapest
from marketplace.quality.consensus import Config, posterior
from marketplace.quality.errors import InvalidSetting
from marketplace.quality.plan import Accuracies, Costs, Market, next_act

EVEN = {0: 0.5, 1: 0.5}
COSTS = Costs(answer=20.0, review=8.0, adjudication=40.0, wrong=500.0)
GOOD = Accuracies(answer=0.92, review=0.92, adjudication=0.97)


def test_a_fresh_task_wants_an_answer_and_never_a_review_of_nothing() -> None:
    assert next_act(EVEN, COSTS, accuracies=GOOD).act == "answer"


def test_one_answer_of_a_good_expert_wants_a_review_rather_than_a_second_answer() -> None:
    now = posterior([(1, 0.92)], Config(n_labels=2, temperature=1.0)).as_dict(2)

    plan = next_act(now, COSTS, accuracies=GOOD)

    assert plan.act == "review"
    assert plan.error_now == pytest.approx(0.08)
    assert plan.error_after < 0.02
    assert plan.removed_per_price == pytest.approx((plan.error_now - plan.error_after) / plan.price)


def test_a_single_proven_answer_is_enough_where_errors_are_cheap() -> None:
    plan = next_act({0: 0.97, 1: 0.03}, Costs(20.0, 100.0, 8.0, 40.0), accuracies=GOOD)

    assert (plan.act, plan.price, plan.removed_per_price) == ("stop", 0.0, 0.0)


def test_contradicting_experts_want_an_adjudication() -> None:
    costs = Costs(answer=39.0, review=30.0, adjudication=40.0, wrong=500.0)

    assert next_act(EVEN, costs, accuracies=GOOD).act == "adjudicate"


def test_an_act_that_is_not_to_be_had_is_never_chosen() -> None:
    costs = Costs(answer=20.0, wrong=500.0)

    assert next_act({0: 0.92, 1: 0.08}, costs, accuracies=GOOD).act in ("answer", "stop")
    assert costs.review == costs.adjudication == inf


def test_looking_ahead_buys_a_first_answer_that_alone_could_not_turn_the_label() -> None:
    belief, weak = {0: 0.9, 1: 0.1}, Accuracies(0.85, 0.85, 0.97)
    costs = Costs(answer=2.0, wrong=500.0)

    assert next_act(belief, costs, accuracies=weak, ahead=1).act == "stop"
    assert next_act(belief, costs, accuracies=weak, ahead=3).act == "answer"


def test_a_dear_visitor_is_passed_over_when_others_come_later() -> None:
    later = Market(Costs(5.0, 200.0), GOOD)
    dear = Costs(answer=60.0, wrong=200.0)

    assert (
        next_act({0: 0.6, 1: 0.4}, Costs(5.0, 200.0), accuracies=GOOD, later=later).act == "answer"
    )
    assert next_act({0: 0.8, 1: 0.2}, dear, accuracies=GOOD, later=later).act == "stop"


def test_labels_equally_likely_are_exchangeable() -> None:
    many = dict.fromkeys(range(10), 0.1)

    assert next_act(many, COSTS, accuracies=GOOD).act == "answer"


@pytest.mark.slow
def test_the_plan_is_cheaper_than_two_answers_and_an_adjudication_at_equal_accuracy() -> None:
    fixed, planned = cheapest(2, tasks=1000, seed=2, review_price=0.4)

    assert planned.accuracy >= fixed.accuracy
    assert planned.minutes < 0.75 * fixed.minutes


@pytest.mark.parametrize("belief", [{0: 1.0}, {0: 0.5, 1: 0.4}, {}])
def test_a_belief_that_is_no_posterior_is_refused(belief: dict[int, float]) -> None:
    with pytest.raises(InvalidSetting):
        next_act(belief, COSTS)


def test_prices_and_accuracies_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidSetting):
        Costs(answer=0.0, wrong=1.0)
    with pytest.raises(InvalidSetting):
        Accuracies(answer=1.0)
