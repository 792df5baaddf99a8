"""QUALITY §16: what holds for every input."""

from __future__ import annotations

from collections.abc import Hashable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.quality import confusion, preference, severity
from marketplace.quality.ability import Item, Test
from marketplace.quality.consensus import Config, Decision, Engine, posterior, value_of_answer
from marketplace.quality.skill import WEIGHTS, Event, Skill, observe, rebuild, undo
from tests.fuzz import profile

PROFILE = profile(examples=60)
ACCURACY = st.floats(0.01, 0.99)
CREDIT = st.floats(0.0, 1.0)
SOURCE = st.sampled_from(sorted(WEIGHTS))
EVENT = st.builds(Event, SOURCE, CREDIT, st.floats(0.01, 1.0), age_days=st.floats(0.0, 2000.0))
VOTES = st.lists(st.tuples(st.integers(0, 3), ACCURACY), max_size=12)
FOUR = Config(n_labels=4)
ANSWERS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=40
)


def close(a: Skill, b: Skill) -> bool:
    return (a.alpha, a.beta, a.gold_right, a.gold_wrong) == pytest.approx(
        (b.alpha, b.beta, b.gold_right, b.gold_wrong), abs=1e-9
    )


@PROFILE
@given(VOTES)
def test_a_posterior_sums_to_one(votes: list[tuple[int, float]]) -> None:
    assert sum(posterior(votes, FOUR).as_dict(4).values()) == pytest.approx(1.0)


@PROFILE
@given(VOTES, st.integers(0, 3), st.floats(0.26, 0.99))
def test_confidence_in_a_label_rises_with_an_agreeing_answer_better_than_chance(
    votes: list[tuple[int, float]], label: int, mean: float
) -> None:
    before, after = posterior(votes, FOUR)[label], posterior([*votes, (label, mean)], FOUR)[label]

    assert after >= before - 1e-12


@PROFILE
@given(VOTES, ACCURACY)
def test_one_more_answer_never_lowers_the_expected_confidence(
    votes: list[tuple[int, float]], mean: float
) -> None:
    assert value_of_answer(posterior(votes, FOUR), mean, FOUR) >= 0.0


@PROFILE
@given(ANSWERS, st.permutations([0, 1, 2]), st.randoms(use_true_random=False))
def test_relabelling_renaming_and_permuting_answers_permutes_aggregate(
    answers: list[tuple[int, int, int]], relabelled: list[int], source: Random
) -> None:
    last = {(t, e): x for t, e, x in answers}
    rows = [(t, e, x) for (t, e), x in last.items()]
    moved = [(f"task {t}", f"expert {e}", relabelled[x]) for t, e, x in rows]
    source.shuffle(moved)

    plain = confusion.aggregate(rows, labels=[0, 1, 2])
    other = confusion.aggregate(moved, labels=[0, 1, 2])

    for task, p in plain.items():
        assert sum(p.values()) == pytest.approx(1.0)
        for label, x in p.items():
            assert other[f"task {task}"][relabelled[label]] == pytest.approx(x, abs=1e-9)


@PROFILE
@given(st.lists(EVENT, max_size=15), st.randoms(use_true_random=False))
def test_events_in_any_order_rebuild_the_same_row(events: list[Event], source: Random) -> None:
    shuffled = list(events)
    source.shuffle(shuffled)

    assert close(rebuild(shuffled), rebuild(events))


@PROFILE
@given(st.lists(EVENT, min_size=1, max_size=15), st.data())
def test_an_event_undone_and_redone_rebuilds_the_same_row(
    events: list[Event], data: st.DataObject
) -> None:
    one = data.draw(st.sampled_from(events))
    undone = Event(one.source, one.credit, -one.weight, one.age_days)

    assert close(rebuild([*events, undone, one]), rebuild(events))


@PROFILE
@given(ACCURACY, SOURCE, CREDIT)
def test_observe_never_mutates_and_undo_returns(mean: float, source: str, credit: float) -> None:
    score = Skill(6 * mean, 6 * (1 - mean))
    copy = Skill(score.alpha, score.beta)

    assert close(
        undo(observe(score, source=source, credit=credit), source=source, credit=credit), copy
    )
    assert score == copy


@PROFILE
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 1)), max_size=60))
def test_a_closed_task_keeps_its_label_and_undoing_gold_returns_every_score(
    stream: list[tuple[int, int, int]],
) -> None:
    engine, ended = Engine(Config(n_labels=2)), dict[int, Decision]()
    for expert, task, label in stream:
        decision = engine.observe(expert=expert, task=task, label=label)
        if decision.status != "open":
            assert ended.setdefault(task, decision) == decision
    before = [engine.skill(expert) for expert in range(6)]

    for expert in range(6):
        engine.observe(expert=expert, task="gold", label=0, gold=expert % 2)
    engine.retire_gold("gold")

    assert all(close(engine.skill(expert), before[expert]) for expert in range(6))
    assert all(engine.label(task)[0] == decision.label for task, decision in ended.items())


@PROFILE
@given(st.integers(0, 1000), st.lists(st.booleans(), min_size=25, max_size=25))
def test_a_test_replayed_gives_the_same_verdict_and_ends_by_its_maximum(
    seed: int, outcomes: list[bool]
) -> None:
    bank = [Item(n, (n % 9 - 4) / 3) for n in range(40)]
    test, responses = Test(bank, cut=0.2, seed=seed), list[tuple[Hashable, bool]]()
    while (item := test.next(responses)) is not None:
        responses.append((item, outcomes[len(responses)]))

    assert 8 <= len(responses) <= 25
    assert test.verdict(responses).status in ("pass", "fail")
    assert Test(bank, cut=0.2, seed=seed).verdict(responses) == test.verdict(responses)


@PROFILE
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 5),
            st.integers(1, 5),
            st.sampled_from(["left", "right", "tie"]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_predictions_sum_to_one_and_mirror_when_sides_swap(
    drawn: list[tuple[int, int, int, str]],
) -> None:
    votes = [(r, left, (left + step) % 6, outcome) for r, left, step, outcome in drawn]
    swapped: list[tuple[int, int, int, str]] = [
        (r, right, left, {"left": "right", "right": "left", "tie": "tie"}[outcome])
        for r, left, right, outcome in votes
    ]

    fit = preference.fit([*votes, *swapped])

    assert fit.side_bias == pytest.approx(0.0, abs=1e-6)
    for rater, left, right, _ in votes:
        p = fit.predict(rater, left, right)
        assert sum(p) == pytest.approx(1.0)
        assert p == pytest.approx(fit.predict(rater, right, left)[::-1], abs=1e-5)


@PROFILE
@given(st.floats(-5.0, 5.0))
def test_a_constant_added_to_one_reviewer_changes_only_that_bias_up_to_shrinkage(
    constant: float,
) -> None:
    rows = [(i, r, float((i * 7 + r * 3) % 11)) for i in range(200) for r in range(4)]
    moved = [(i, r, y + constant * (r == 2)) for i, r, y in rows]

    plain, other = severity.fit(rows), severity.fit(moved)

    gap = other.reviewers[2].bias - plain.reviewers[2].bias
    assert gap == pytest.approx(constant * 3 / 4, abs=0.05 * abs(constant) + 1e-9)
    for r in (0, 1, 3):
        change = other.reviewers[r].bias - plain.reviewers[r].bias
        assert change == pytest.approx(-constant / 4, abs=0.05 * abs(constant) + 1e-9)
    for i in range(200):
        change = other.items[i].score - plain.items[i].score
        assert change == pytest.approx(constant / 4, abs=0.05 * abs(constant) + 1e-9)
