"""Which question comes next."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vetting.ranking import Candidate, Topic, minimums_met, next_item

TOPICS = [Topic("heart", 3.0, 1), Topic("lung", 1.0, 2)]


def candidate(
    n: int, topic: str = "heart", *, difficulty: float = 0.0, exposure: float = 0.0
) -> Candidate:
    return Candidate(UUID(int=n), topic, difficulty, exposure)


def chosen(
    candidates: Sequence[Candidate], *, shown: Sequence[str] = (), seed: int = 1
) -> Candidate | None:
    return next_item(candidates, shown=shown, topics=TOPICS, cut=0.5, seed=seed, minimum=8)


def test_nothing_is_left_when_nothing_is_left() -> None:
    assert chosen([]) is None


def test_a_topic_without_questions_is_passed_over() -> None:
    only = candidate(1, "lung")

    assert chosen([only]) == only


def test_questions_come_by_their_fewest_then_by_weight() -> None:
    pool = [candidate(n, ("heart", "lung")[n % 2]) for n in range(40)]
    shown: list[str] = []
    for _ in range(20):
        found = chosen(pool, shown=shown)
        assert found is not None
        shown.append(found.topic)

    assert (shown[:8].count("lung"), shown.count("heart"), shown.count("lung")) == (3, 12, 8)


def test_questions_near_the_cut_go_first_and_far_ones_when_none_is_near() -> None:
    near, far = candidate(1, difficulty=1.0), candidate(2, difficulty=-1.0)

    assert {chosen([near, far], seed=seed) for seed in range(20)} == {near}
    assert chosen([far]) == far


def test_a_question_shown_too_often_rests_while_others_are_left() -> None:
    worn, fresh = candidate(1, exposure=0.36), candidate(2, exposure=0.35)

    assert {chosen([worn, fresh], seed=seed) for seed in range(20)} == {fresh}
    assert chosen([worn]) == worn


@given(st.integers(0, 2**62), st.integers(0, 5))
def test_the_same_seed_draws_the_same_question_in_any_order_of_the_bank(
    seed: int, asked: int
) -> None:
    pool = [candidate(n, exposure=n / 100) for n in range(12)]
    shown = ["heart"] * asked

    assert chosen(pool, shown=shown, seed=seed) == chosen(pool[::-1], shown=shown, seed=seed)


def test_each_topic_has_its_fewest_questions() -> None:
    assert not minimums_met(["heart", "lung"], TOPICS)
    assert minimums_met(["heart", "lung", "lung"], TOPICS)
