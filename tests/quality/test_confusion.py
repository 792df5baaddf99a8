from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
import pytest

from benchmarks.quality_data import crowd
from benchmarks.quality_figures import accuracy_of, majority
from marketplace.quality import confusion
from marketplace.quality.errors import InvalidRow, InvalidSetting, UnknownLabel
from marketplace.quality.skill import Skill

TOY = [("t1", "a", 0), ("t1", "b", 0), ("t2", "a", 1), ("t2", "b", 0), ("t3", "a", 1)]


def by_hand() -> dict[str, list[float]]:
    """The formulas of the module written out with plain loops."""
    q = {"t1": [1.0, 0.0], "t2": [0.5, 0.5], "t3": [0.0, 1.0]}
    for _ in range(20):
        n = {e: np.zeros((2, 2)) for e in "ab"}
        for task, expert, label in TOY:
            for k in range(2):
                n[expert][k, label] += q[task][k]
        mu = (sum(np.trace(x) for x in n.values()) + 7) / (len(TOY) + 10)
        c = {}
        for expert, x in n.items():
            a = min(max((np.trace(x) + 4 * mu) / (x.sum() + 4), 0.001), 0.999)
            o = np.array([[a, 1 - a], [1 - a, a]])
            c[expert] = (x + 4 * o) / (x.sum(axis=1, keepdims=True) + 4)
        prior = np.array([sum(x[k] for x in q.values()) + 1 for k in range(2)])
        new = {}
        for task in q:
            p = prior / prior.sum()
            for t, expert, label in TOY:
                if t == task:
                    p = p * c[expert][:, label]
            new[task] = list(p / p.sum())
        moved = max(abs(new[t][k] - q[t][k]) for t in q for k in range(2))
        q = new
        if moved < 1e-4:
            break
    return q


def test_three_tasks_agree_with_the_formulas_written_out() -> None:
    found = confusion.aggregate(TOY, labels=[0, 1])

    for task, p in by_hand().items():
        assert [found[task][0], found[task][1]] == pytest.approx(p, abs=1e-12)


def test_one_round_on_two_tasks_equals_numbers_worked_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(confusion, "ROUNDS", 1)

    found = confusion.aggregate([("x", "e", 0), ("y", "e", 1)], labels=[0, 1])

    # vote shares are certain: mu = (2 + 7)/(2 + 10) = 3/4, a = (2 + 3)/(2 + 4) = 5/6,
    # the diagonal of C is (1 + 4 x 5/6)/(1 + 4) = 13/15, and the class prior is even
    assert found["x"][0] == pytest.approx(13 / 15)
    assert found["y"][0] == pytest.approx(2 / 15)


def test_aggregation_beats_majority_on_a_mixed_crowd() -> None:
    answers, truth = crowd(3, tasks=900, experts=30)

    found = confusion.aggregate(answers, labels=[0, 1])

    assert accuracy_of(found, truth) > majority(answers, truth) + 0.02


def test_gold_is_clamped_in_the_result() -> None:
    found = confusion.aggregate(TOY, labels=[0, 1], gold={"t1": 1})

    assert found["t1"] == {0: 0.0, 1: 1.0}


def test_a_gated_expert_leaves_before_anything_is_counted_and_the_task_stays() -> None:
    gold = {f"g{n}": 1 for n in range(4)}
    liar = [(task, "liar", 0) for task in gold]
    honest = [(task, "honest", 1) for task in gold]

    said_0, said_1 = (
        confusion.aggregate([*liar, *honest, ("only", "liar", x)], labels=[0, 1], gold=gold)
        for x in (0, 1)
    )

    assert said_0 == said_1
    assert set(said_0) == {*gold, "only"}


def test_the_choice_needs_thirty_gold_tasks() -> None:
    answers, truth = crowd(5)
    few = {task: truth[task] for task in range(29)}

    assert confusion.choose(answers, labels=[0, 1], gold=few) == "online"


def test_the_choice_is_confusion_where_errors_depend_on_the_class() -> None:
    source = np.random.default_rng(1)
    truth = {t: int(source.random() < 0.5) for t in range(300)}
    rates = {e: (0.95, 0.35 + 0.02 * e) for e in range(10)}  # right on class 0, on class 1
    answers = [
        (t, e, k if source.random() < rates[e][k] else 1 - k)
        for t, k in truth.items()
        for e in rates
    ]

    assert confusion.choose(answers, labels=[0, 1], gold=truth) == "confusion"


def test_the_choice_is_one_coin_where_it_wins_clearly() -> None:
    answers, truth = crowd(2, tasks=1500, experts=400, each=4, n_labels=8)

    assert confusion.choose(answers, labels=range(8), gold=truth) == "one_coin"


def test_experts_outside_the_interval_of_their_score_are_reported() -> None:
    answers, _ = crowd(4, tasks=600)
    model = confusion.fit(answers, labels=[0, 1])
    sure = {expert: Skill(990.0, 10.0) for expert in model.experts}

    reported = confusion.outside_interval(model, sure)

    assert len(reported) == len(model.experts)
    assert confusion.outside_interval(model, {}) == []


def test_matrices_are_probabilities() -> None:
    model = confusion.fit(crowd(6, n_labels=4)[0], labels=range(4))

    assert model.matrices.sum(axis=1) == pytest.approx(1.0)
    assert model.posterior.sum(axis=0) == pytest.approx(1.0)


def test_integer_and_text_ids_give_the_same_posteriors() -> None:
    answers, _ = crowd(7, n_labels=3)
    text = [(f"t{t}", f"e{e}", f"l{x}") for t, e, x in answers]

    numbers = confusion.aggregate(answers, labels=[0, 1, 2])
    words = confusion.aggregate(text, labels=["l0", "l1", "l2"])

    for task, p in numbers.items():
        assert list(words[f"t{task}"].values()) == pytest.approx(list(p.values()), abs=1e-9)


def test_an_unknown_label_is_shown_with_its_row() -> None:
    with pytest.raises(UnknownLabel, match="'t9', 'e', 7"):
        confusion.aggregate([("t1", "e", 0), ("t9", "e", 7)], labels=[0, 1])
    with pytest.raises(UnknownLabel):
        confusion.aggregate([("t1", "e", 0)], labels=[0, 1], gold={"t1": 5})


def test_rows_of_another_width_and_single_labels_are_refused() -> None:
    with pytest.raises(InvalidRow, match="2 entries"):
        confusion.aggregate([("t1", "e")], labels=[0, 1])  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting):
        confusion.aggregate(TOY, labels=[0])


@pytest.mark.parametrize(
    "renamed",
    [
        lambda n: n - 1000,
        lambda n: n * 10**7,
        lambda n: n + 2**70,
        lambda n: n if n % 2 else f"text {n}",
        lambda n: (n, "pair"),
        float,
    ],
    ids=["negative", "wide apart", "beyond 64 bits", "mixed", "tuples", "floats"],
)
def test_ids_may_be_anything_hashable(renamed: Callable[[int], Hashable]) -> None:
    answers, _ = crowd(12, tasks=40, experts=9, each=4)
    plain = confusion.aggregate(answers, labels=[0, 1])

    found = confusion.aggregate(
        [(renamed(task), renamed(expert), label) for task, expert, label in answers], labels=[0, 1]
    )

    assert len(found) == 40
    for task, p in plain.items():
        assert found[renamed(task)][1] == pytest.approx(p[1], abs=1e-9)
