"""QUALITY §17, the cases that are arithmetic, by their numbers."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pytest

from marketplace.quality import agreement, calibration, collusion, confusion, preference, severity
from marketplace.quality.ability import Item, Test
from marketplace.quality.consensus import Config, Engine, decide, posterior
from marketplace.quality.errors import InvalidRow, InvalidSetting, UnknownLabel
from marketplace.quality.skill import Event, Skill, decay, observe, rebuild

TWO = Config(n_labels=2)


def gate(engine: Engine, expert: object, *, times: int = 3) -> None:
    for n in range(times):
        engine.observe(expert=expert, task=f"gold {expert} {n}", label=0, gold=1)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_labels": 1},
        {"n_labels": 2, "target": 0.5},
        {"n_labels": 2, "target": 1.0},
        {"n_labels": 2, "minimum": 8},
        {"n_labels": 2, "minimum": 0},
    ],
)
def test_edge_1_a_configuration_that_contradicts_itself_is_refused(
    settings: dict[str, float],
) -> None:
    with pytest.raises(InvalidSetting):
        Config(**settings)  # type: ignore[arg-type]


def test_edge_2_an_unknown_label_is_refused_and_an_unused_one_keeps_its_share() -> None:
    with pytest.raises(UnknownLabel):
        Engine(TWO).observe(expert="e", task="t", label=2)
    with pytest.raises(UnknownLabel):
        Engine(TWO).observe(expert="e", task="t", label=0, gold=2)

    now = posterior([(0, 0.9)], Config(n_labels=4))

    assert now.as_dict(4)[3] == now.elsewhere > 0.0
    assert sum(now.as_dict(4).values()) == pytest.approx(1.0)


def test_edge_3_tasks_with_different_numbers_of_options_need_a_configuration_each() -> None:
    two, ten = (posterior([(0, 0.75)], Config(n_labels=k)).best[1] for k in (2, 10))

    assert two == pytest.approx(0.7065, abs=1e-4)
    assert ten == pytest.approx(0.6081, abs=1e-4)


def test_edge_4_a_task_of_gated_experts_only_stays_open_without_a_label() -> None:
    engine = Engine(TWO)
    gate(engine, "liar")

    decision = engine.observe(expert="liar", task="t", label=1)

    assert (decision.status, decision.label, decision.confidence) == ("open", None, 0.0)
    assert engine.label("t") == (None, 0.0)


def test_edge_5_a_gate_that_closes_takes_the_answer_out_of_open_tasks_only() -> None:
    engine = Engine(TWO)
    for expert in "abcd":
        engine.observe(expert=expert, task="closed", label=1)
    engine.observe(expert="a", task="open", label=1)
    before = engine.label("closed")

    gate(engine, "a", times=8)

    assert engine.label("open") == (None, 0.0)
    assert engine.label("closed") == before


def test_edge_5_the_gate_opens_again_as_gold_improves() -> None:
    engine = Engine(TWO)
    engine.observe(expert="a", task="t", label=1)
    gate(engine, "a")
    assert engine.is_gated("a")

    for n in range(4):
        engine.observe(expert="a", task=f"right {n}", label=1, gold=1)

    assert not engine.is_gated("a")
    assert engine.label("t")[0] == 1


def test_edge_6_answers_that_run_out_give_the_best_label_and_no_false_close() -> None:
    engine = Engine(TWO)
    engine.observe(expert="a", task="t", label=1)

    decision = engine.finish("t")

    assert (decision.status, decision.label) == ("adjudicate", 1)
    assert decision.confidence < TWO.target


def test_edge_7_three_unknown_experts_without_gold_close_nothing_and_nobody_is_credited() -> None:
    engine = Engine(TWO)
    for expert in "abc":
        decision = engine.observe(expert=expert, task="t", label=0)

    assert decision.status == "open"
    assert decision.confidence == pytest.approx(0.933, abs=5e-4)
    assert engine.skill("a") == Skill()


def test_edge_8_an_expert_worse_than_chance_never_closes_a_task_by_inversion() -> None:
    config = Config(n_labels=2, minimum=1)

    decision = decide(posterior([(0, 0.001)], config), config)

    assert decision.status == "open"
    assert decision.label == 0
    assert decision.confidence < 0.5


def test_edge_9_gold_after_the_end_undoes_credits_grades_and_publishes_gold() -> None:
    engine = Engine(TWO)
    for expert in "abcd":
        engine.observe(expert=expert, task="t", label=1)

    decision = engine.observe(expert="e", task="t", label=0, gold=0)

    assert (decision.label, decision.confidence) == (0, 1.0)
    assert engine.skill("a") == observe(Skill(), source="gold", credit=0.0)
    assert engine.skill("e") == observe(Skill(), source="gold", credit=1.0)


def test_edge_10_wrong_gold_is_retired_and_all_its_events_undone() -> None:
    engine = Engine(TWO)
    for expert in "ab":
        engine.observe(expert=expert, task="t", label=1, gold=0)

    engine.retire_gold("t")

    assert engine.skill("a") == engine.skill("b") == Skill()
    assert engine.label("t")[0] == 1


def test_edge_11_gold_shown_twice_to_one_expert_counts_once() -> None:
    engine = Engine(TWO)
    engine.observe(expert="e", task="t", label=0, gold=1)
    engine.observe(expert="e", task="t", label=1, gold=1)

    assert engine.skill("e") == Skill(4.5, 2.5, 0.0, 1.0)


def test_edge_13_the_last_revision_votes_and_gold_grades_the_first() -> None:
    engine = Engine(TWO)
    engine.observe(expert="e", task="t", label=0)
    engine.observe(expert="e", task="t", label=1)
    assert engine.label("t")[0] == 1

    engine.observe(expert="f", task="t", label=1, gold=1)

    assert engine.skill("e").gold_wrong == 1.0


def test_edge_14_an_answer_that_leaves_and_comes_back_leaves_no_trace() -> None:
    votes = [(0, 0.8), (1, 0.7), (0, 0.75)]

    again = [*votes[:1], *votes[2:]]
    again.insert(1, votes[1])

    assert posterior(again, TWO) == posterior(votes, TWO) != posterior(votes[:1], TWO)


def test_edge_15_a_verdict_undoes_the_consensus_credit_and_grades_everybody() -> None:
    engine = Engine(TWO)
    for expert in "abcd":
        engine.observe(expert=expert, task="t", label=1)

    engine.settle(task="t", label=0)

    assert engine.label("t") == (0, 1.0)
    assert engine.skill("a") == observe(Skill(), source="verdict", credit=0.0)


def test_edge_16_a_dispute_won_after_months_leaves_the_row_as_if_always_right() -> None:
    lost = Event("verdict", 0.0, 1.0, age_days=200.0)
    undone = Event("verdict", 0.0, -1.0, age_days=200.0)
    won = Event("verdict", 1.0, 1.0, age_days=200.0)
    other = Event("gold", 1.0, 1.0, age_days=3.0)

    repaired, always = rebuild([lost, other, undone, won]), rebuild([won, other])

    assert (repaired.alpha, repaired.beta) == pytest.approx((always.alpha, always.beta), abs=1e-12)


def test_edge_17_time_that_runs_backwards_counts_as_none() -> None:
    score = Skill(9.0, 2.0, 3.0, 1.0)

    assert decay(score, days=-10.0) == score


@pytest.mark.parametrize(
    "rows",
    [
        [("t", "e", 0)],
        [("t", f"e{n}", 0) for n in range(5)],
        [(f"t{n}", "e", 0) for n in range(5)],
        [(f"t{n}", f"e{m}", 1) for n in range(4) for m in range(4)],
    ],
    ids=["one of each", "one task", "one expert", "one label used"],
)
def test_edge_19_tiny_projects_give_vote_shares_with_a_prior_and_no_nan(
    rows: list[tuple[str, str, int]],
) -> None:
    with np.errstate(all="raise"):
        found = confusion.aggregate(rows, labels=[0, 1, 2])
        collusion.pairs(confusion.fit(rows, labels=[0, 1, 2]))

    for p in found.values():
        assert sum(p.values()) == pytest.approx(1.0)
        assert max(p, key=p.__getitem__) == rows[0][2]
        assert 0.0 < p[rows[0][2]] < 1.0


def test_edge_20_fifty_thousand_right_answers_weigh_no_more_than_the_cap() -> None:
    veteran = Skill(50_000.0, 1.5)

    assert posterior([(0, veteran.mean)], TWO) == posterior([(0, 0.995)], TWO)
    assert 0.0 < veteran.interval()[0] < veteran.mean < veteran.interval()[1] <= 1.0


def test_edge_21_of_a_repeated_task_and_expert_the_last_row_counts() -> None:
    rows = [("t", "a", 0), ("t", "b", 1), ("t", "c", 1)]

    assert confusion.aggregate([("t", "a", 1), *rows], labels=[0, 1]) == confusion.aggregate(
        rows, labels=[0, 1]
    )
    again = agreement.alpha(
        [("u", "a", 9), ("u", "a", 1), ("u", "b", 1), ("v", "a", 2), ("v", "b", 2)], level="nominal"
    )
    assert again.value == 1.0


def test_edge_22_labels_of_mixed_kinds_are_refused_with_the_row() -> None:
    with pytest.raises(UnknownLabel, match="'t2', 'e', '1'"):
        confusion.aggregate([("t1", "e", 1), ("t2", "e", "1")], labels=[0, 1])
    with pytest.raises(UnknownLabel, match="mix text"):
        confusion.aggregate([], labels=[0, "1"])


def test_edge_23_empty_input_gives_empty_results() -> None:
    assert confusion.aggregate([], labels=[0, 1]) == {}
    assert collusion.pairs(confusion.fit([], labels=[0, 1])) == []
    assert collusion.groups([]) == []
    assert preference.fit([]).scores == {}
    assert severity.fit([]).items == {}
    assert calibration.fit([])(0.9) == 0.9
    empty = agreement.alpha([], level="nominal")
    assert empty == agreement.Agreement(None, "no_pairs", 0, 0, None, None)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([("u", "a", 1), ("v", "a", 2)], "one_rater"),
        ([("u", "a", 1), ("v", "b", 2)], "no_pairs"),
        ([("u", "a", 1), ("u", "b", 1)], "no_variation"),
    ],
)
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_edge_23_alpha_without_meaning_is_none_with_a_reason(
    rows: list[tuple[str, str, int]], why: str, level: agreement.Level
) -> None:
    found = agreement.alpha(rows, level=level)

    assert (found.value, found.why_undefined) == (None, why)


def test_edge_24_one_sided_votes_stay_finite_by_the_penalty() -> None:
    fit = preference.fit([(n % 5, "a", "b", "left") for n in range(1000)])

    assert 1.0 < fit.scores["a"] < 10.0
    assert fit.scores["b"] == pytest.approx(-fit.scores["a"])


def test_edge_25_all_ties_give_scores_of_zero_and_a_large_finite_tie_habit() -> None:
    fit = preference.fit([(n % 5, "a", "b", "tie") for n in range(100)])

    assert list(fit.scores.values()) == pytest.approx([0.0, 0.0], abs=1e-6)
    assert 10.0 < fit.raters[0].tie_habit < 1e4


def test_edge_26_a_rater_with_one_vote_stays_near_the_prior() -> None:
    votes = [(n % 9, "a", "b", ("left", "left", "tie")[n % 3]) for n in range(90)]

    fit = preference.fit([*votes, ("once", "b", "a", "left")])

    assert fit.raters["once"].n == 1
    assert fit.raters["once"].discrimination == pytest.approx(1.0, abs=0.6)


def test_edge_27_a_pair_of_one_option_with_itself_is_refused() -> None:
    with pytest.raises(InvalidRow, match="itself"):
        preference.fit([("r", "a", "a", "tie")])


def test_edge_28_thin_and_unlinked_reviews_stay_finite_and_say_so() -> None:
    rows = [("i1", "one item", 3.0), ("i2", "constant", 2.0), ("i3", "constant", 2.0)]
    rows += [("j1", "other", 9.0), ("j1", "another", 7.0)]

    with np.errstate(all="raise"):
        fit = severity.fit(rows)

    assert not fit.is_linked
    assert all(isfinite(x.bias) and isfinite(x.sd) for x in fit.reviewers.values())
    assert fit.reviewers["one item"].bias == pytest.approx(0.0)
    assert fit.reviewers["other"].bias == pytest.approx(-fit.reviewers["another"].bias)


def test_edge_29_a_bank_smaller_than_the_minimum_ends_when_items_run_out() -> None:
    test = Test([Item(n, 0.0) for n in range(3)], cut=0.0)

    assert test.verdict([(0, True), (1, True)]).status == "continue"
    assert test.verdict([(0, True), (1, True), (2, True)]).status == "pass"
    assert test.next([(0, True), (1, True), (2, True)]) is None
    assert Test([], cut=0.0).verdict([]).status == "fail"


@pytest.mark.parametrize("is_right", [True, False])
def test_edge_30_all_right_or_all_wrong_gives_a_finite_posterior(is_right: bool) -> None:
    bank = [Item(n, 0.0, discrimination=50.0) for n in range(300)]
    verdict = Test(bank, cut=0.0, maximum=300).verdict([(n, is_right) for n in range(300)])

    assert isfinite(verdict.mean)
    assert isfinite(verdict.sd)
    assert verdict.status == ("pass" if is_right else "fail")
