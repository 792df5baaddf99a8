from __future__ import annotations

import pytest

from marketplace.quality.ability import Carried, Item, Test
from marketplace.quality.errors import InvalidRow, InvalidSetting

BANK = [Item(f"q{n:02}", (n % 7 - 3) / 2, guessing=0.25) for n in range(40)]


def test_a_right_answer_has_the_probability_of_the_three_parameter_model() -> None:
    item = Item("q", difficulty=0.5, discrimination=2.0, guessing=0.2)

    assert item.p_right(0.5) == pytest.approx(0.6)
    assert item.information(0.5) == pytest.approx(4 * 0.4 / 0.6 * 0.25)
    assert item.p_right(-1e6) == 0.2


def test_a_verdict_waits_for_the_minimum_then_passes_or_fails() -> None:
    test = Test(BANK, cut=0.0)
    right = [(item.id, True) for item in BANK]
    wrong = [(item.id, False) for item in BANK]

    assert test.verdict(right[:7]).status == "continue"
    assert test.verdict(right[:9]).status == "pass"
    assert test.verdict(wrong[:8]).status == "fail"


def test_without_answers_the_posterior_is_the_prior_around_the_cut() -> None:
    verdict = Test(BANK, cut=0.0).verdict([])

    assert verdict.mean == pytest.approx(0.0, abs=1e-9)
    assert verdict.sd == pytest.approx(1.0, abs=0.01)
    assert verdict.probability_above_cut == pytest.approx(0.48, abs=0.01)


def test_the_next_item_is_the_most_informative_at_the_cut_ties_by_id() -> None:
    bank = [Item("c", 0.0), Item("a", 0.0), Item("far", 3.0)]
    test = Test(bank, cut=0.0, minimum=3, maximum=3)

    assert test.next([]) == "a"
    assert test.next([("a", True)]) == "c"
    assert test.next([("a", True), ("c", False)]) == "far"
    assert test.next([("a", True), ("c", False), ("far", True)]) is None


def test_the_same_seed_and_responses_give_the_same_item() -> None:
    bank = [Item(n, 0.0) for n in range(30)]

    first = [Test(bank, cut=0.0, seed=seed).next([]) for seed in range(10)]

    assert first == [Test(bank, cut=0.0, seed=seed).next([]) for seed in range(10)]
    assert len(set(first)) > 3


def test_carried_evidence_counts_half_and_fades() -> None:
    fresh = [Carried(item, is_right=True, age_days=0.0) for item in BANK[:10]]
    old = [Carried(item, is_right=True, age_days=720.0) for item in BANK[:10]]

    plain, helped, faded = (
        Test(BANK, cut=0.0, carried=carried).verdict([]).probability_above_cut
        for carried in ((), fresh, old)
    )

    assert plain < faded < helped


@pytest.mark.parametrize(
    "settings", [{"minimum": 9, "maximum": 8}, {"pass_at": 0.05, "fail_at": 0.9}]
)
def test_a_stop_rule_that_contradicts_itself_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InvalidSetting):
        Test(BANK, cut=0.0, **settings)  # type: ignore[arg-type]


def test_items_and_responses_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InvalidSetting):
        Item("q", 0.0, discrimination=0.0)
    with pytest.raises(InvalidSetting):
        Item("q", 0.0, guessing=1.0)
    with pytest.raises(InvalidRow):
        Test(BANK, cut=0.0).verdict([("not in the bank", True)])
