"""Calibration, collusion, severity, agreement: what the nightly run reports."""

from __future__ import annotations

import pytest

from benchmarks.quality_data import crowd
from benchmarks.quality_figures import attacked, gold_of
from marketplace.quality import agreement, calibration, collusion, confusion, severity
from marketplace.quality.consensus import Config
from marketplace.quality.errors import InvalidRow, InvalidSetting

# the four observers and twelve units of Krippendorff, "Computing alpha-reliability"
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
STANDARD = [
    (unit, rater, value)
    for rater, values in enumerate(OBSERVERS)
    for unit, value in enumerate(values)
    if value is not None
]


@pytest.mark.parametrize(
    ("level", "value"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_alpha_of_the_standard_example(level: agreement.Level, value: float) -> None:
    found = agreement.alpha(STANDARD, level=level)

    assert found.value == pytest.approx(value, abs=5e-4)
    assert (found.n_units, found.n_raters, found.why_undefined) == (11, 4, None)
    assert found.low is not None
    assert found.high is not None
    assert found.low < value < found.high <= 1.0


def test_alpha_reads_text_on_the_nominal_level() -> None:
    named = [(u, r, "abcde"[v - 1]) for u, r, v in STANDARD]

    assert agreement.alpha(named, level="nominal").value == pytest.approx(0.743, abs=5e-4)


def test_alpha_has_no_interval_below_five_units() -> None:
    rows = [(u, r, u % 2) for u in range(4) for r in range(2)]

    found = agreement.alpha(rows, level="nominal")

    assert (found.value, found.low, found.high) == (1.0, None, None)


def test_alpha_refuses_an_unknown_level_and_values_off_the_scale() -> None:
    with pytest.raises(InvalidSetting):
        agreement.alpha(STANDARD, level="cardinal")  # type: ignore[arg-type]
    with pytest.raises(InvalidRow):
        agreement.alpha([("u", 1, -1.0), ("u", 2, 1.0)], level="ratio")
    with pytest.raises(InvalidRow):
        agreement.alpha([("u", 1, float("nan")), ("u", 2, 1.0)], level="interval")


def test_calibration_pools_violators_and_shrinks_each_block() -> None:
    pairs = [(0.6, False), (0.7, True), (0.8, False), (0.9, True), (0.9, True)]

    calibrated = calibration.fit(pairs)

    assert calibrated(0.6) == pytest.approx(0.25)
    assert calibrated(0.7) == calibrated(0.8) == calibrated(0.85) == pytest.approx(0.5)
    assert calibrated(0.99) == pytest.approx(2.5 / 3)
    assert calibrated(0.1) == pytest.approx(0.25)
    assert (calibrated.n, calibrated.is_ready) == (5, False)


def test_calibration_rises_even_where_shrinking_would_turn_blocks_around() -> None:
    pairs = [(0.8, n < 95) for n in range(100)] + [(0.9, True)]

    calibrated = calibration.fit(pairs)

    assert calibrated(0.9) >= calibrated(0.8)


def test_the_shadow_of_a_gold_task_stops_where_the_live_rule_would() -> None:
    votes = [(1, 0.75)] * 4 + [(0, 0.99)] * 3

    decision = calibration.shadow(votes, Config(n_labels=2))

    assert (decision.status, decision.label) == ("closed", 1)
    assert decision.confidence == pytest.approx(0.971, abs=1e-3)
    assert calibration.shadow([], Config(n_labels=2)).status == "open"


def test_the_temperature_is_low_where_votes_err_together_and_high_where_they_do_not() -> None:
    together = [calibration.Replay([(0, 0.8)] * 5, int(n < 3), 2) for n in range(40)]
    sound = [calibration.Replay([(0, 0.8)] * 5, 0, 2) for n in range(40)]

    assert calibration.fit_temperature(together) < 0.8
    assert calibration.fit_temperature(sound) == 1.0
    assert calibration.fit_temperature(sound[:19]) == 0.8


def test_a_colluding_block_is_found_as_one_group_and_honest_pairs_are_not() -> None:
    answers, truth = crowd(8, tasks=600, experts=40, each=10)
    rows, block = attacked(answers, truth, 2, kind="collude", share=0.2, seed=1)
    gold = gold_of(truth, share=0.1, seed=1)

    model = confusion.fit(rows, labels=[0, 1], gold=gold)
    found = collusion.pairs(model)

    assert [sorted(g) for g in collusion.groups(found)] == [sorted(block)]
    honest = collusion.pairs(confusion.fit(answers, labels=[0, 1], gold=gold))
    assert collusion.groups(honest) == []
    assert all(pair.shared >= 8 for pair in found)


def test_the_expected_agreement_of_a_pair_follows_its_formula() -> None:
    answers, _ = crowd(9, tasks=60, experts=6, each=5, n_labels=3)
    model = confusion.fit(answers, labels=range(3))

    pair = collusion.pairs(model)[0]

    a, b = model.experts.index(pair.left), model.experts.index(pair.right)
    own = {(t, e) for t, e, _ in answers}
    shared = [t for t in model.tasks if (t, pair.left) in own and (t, pair.right) in own]
    expected = [
        sum(
            model.posterior[k, model.tasks.index(t)]
            * sum(model.matrices[k, x, a] * model.matrices[k, x, b] for x in range(3))
            for k in range(3)
        )
        for t in shared
    ]
    assert pair.shared == len(shared)
    assert pair.expected == pytest.approx(sum(expected))
    spread = sum(e * (1 - e) for e in expected)
    assert pair.z == pytest.approx((pair.agreements - sum(expected)) / spread**0.5)


def ratings(*, bias: float = 0.0, noise: float = 0.1) -> list[tuple[int, str, float]]:
    return [
        (i, r, i % 5 + noise * (i * j % 3) + bias * (r == "z"))
        for j, r in enumerate("xyz")
        for i in range(60)
    ]


def test_a_severe_reviewer_is_corrected() -> None:
    fit = severity.fit(ratings(bias=-2.0))

    assert fit.reviewers["z"].bias == pytest.approx(-4 / 3, abs=0.15)
    assert fit.corrected(0, "z", 1.0) - fit.corrected(0, "x", 1.0) == pytest.approx(2.0, abs=0.3)
    assert fit.corrected(0, "stranger", 1.0) == 1.0
    assert fit.items[0].n == 3
    assert fit.is_linked


def test_the_side_of_a_cut_is_surer_with_more_and_steadier_ratings() -> None:
    fit = severity.fit(ratings(noise=0.9))

    one = fit.probability_above(2.0, [("x", 3.5)])
    two = fit.probability_above(2.0, [("x", 3.5), ("y", 3.5)])

    assert 0.5 < one < two < 1.0
    assert fit.probability_above(2.0, []) == pytest.approx(0.5, abs=0.2)


def test_severity_refuses_scores_that_are_not_finite() -> None:
    with pytest.raises(InvalidRow):
        severity.fit([("i", "r", float("nan"))])
