from __future__ import annotations

from math import exp, log

import pytest

from marketplace.quality import preference
from marketplace.quality.errors import InvalidRow


def test_two_options_reach_the_known_maximum() -> None:
    votes = [("r", "x", "y", "left")] * 6 + [("r", "y", "x", "left")] * 2

    fit = preference.fit(votes)

    # ln n and a of the single rater are free, so the maximum is checked by its own equations
    s, b = fit.scores["x"], fit.side_bias
    scale, habit = fit.raters["r"].discrimination, fit.raters["r"].tie_habit

    def lean(u: float) -> float:
        return (exp(u / 2) - exp(-u / 2)) / (exp(u / 2) + exp(-u / 2) + habit)

    first, second = scale * 2 * s + b, -scale * 2 * s + b
    pull = (6 * (1 - lean(first)) - 2 * (1 - lean(second))) / 2
    assert scale * 2 * pull == pytest.approx(0.2 * 2 * s, abs=1e-4)
    assert 4 * log(scale) == pytest.approx(pull * scale * 2 * s, abs=1e-3)
    assert (6 * (1 - lean(first)) + 2 * (1 - lean(second))) / 2 == pytest.approx(2 * b, abs=1e-3)


def test_plain_bradley_terry_is_the_limit_of_many_votes() -> None:
    votes = [
        (rater, "x", "y", "left" if n < 3 else "right") for rater in range(500) for n in range(4)
    ]

    fit = preference.fit(votes)

    p_left, p_tie, p_right = fit.predict(-1, "x", "y")
    assert p_left / (p_left + p_right) == pytest.approx(0.75, abs=0.01)
    assert p_tie < 0.01


def test_a_random_clicker_has_low_discrimination() -> None:
    order = ["a", "b", "c", "d"]
    pairs = [(x, y) for x in order for y in order if x != y]
    votes = [
        (rater, x, y, "left" if x < y else "right") for rater in range(5) for x, y in pairs * 3
    ]
    votes += [(99, x, y, ("left", "right")[n % 2]) for n, (x, y) in enumerate(pairs * 3)]

    fit = preference.fit(votes)

    assert fit.raters[99].discrimination < 0.5 * fit.raters[0].discrimination
    assert fit.raters[99].n == 36


def test_a_side_bias_is_found() -> None:
    votes = [
        (r, f"x{n}", f"y{n}", "left" if n % 4 else "right") for r in range(9) for n in range(40)
    ]

    assert preference.fit(votes).side_bias > 0.1


def test_options_of_different_components_are_not_comparable() -> None:
    fit = preference.fit([("r", "a", "b", "left"), ("r", "b", "c", "tie"), ("r", "x", "y", "left")])

    assert fit.is_comparable("a", "c")
    assert not fit.is_comparable("a", "x")
    assert not fit.is_comparable("a", "unknown")


def test_conjugate_gradients_and_the_dense_solver_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = [
        (n % 7, n % 50, (n * 7 + 1) % 50, ("left", "right", "tie")[n * n % 3])
        for n in range(900)
        if n % 50 != (n * 7 + 1) % 50
    ]
    dense = preference.fit(votes)
    monkeypatch.setattr(preference, "DENSE_UP_TO", 0)

    iterated = preference.fit(votes)

    for option, score in dense.scores.items():
        assert iterated.scores[option] == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize(
    ("left", "right", "ties", "status"),
    [
        (2, 0, 0, "open"),
        (3, 0, 0, "decided"),
        (0, 3, 0, "decided"),
        (3, 1, 0, "open"),
        (4, 1, 0, "ambiguous"),
        (3, 0, 2, "ambiguous"),
        (4, 0, 1, "decided"),
        (2, 2, 1, "ambiguous"),
    ],
)
def test_a_pair_stops_when_one_side_is_sure(left: int, right: int, ties: int, status: str) -> None:
    assert preference.stop(left, right, ties) == status


def test_unknown_outcomes_are_refused() -> None:
    with pytest.raises(InvalidRow, match="'both'"):
        preference.fit([("r", "a", "b", "both")])
