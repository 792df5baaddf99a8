from __future__ import annotations

import pytest

from marketplace.quality import beta, gold
from marketplace.quality.errors import InvalidEvidence, InvalidSetting
from marketplace.quality.skill import (
    Event,
    Skill,
    consensus_weight,
    decay,
    estimate_skill_mean,
    is_fall_due,
    observe,
    prior,
    prior_mean,
    rebuild,
    tier,
    undo,
)


def test_the_standing_prior_is_three_quarters_worth_six_answers() -> None:
    assert Skill() == Skill(4.5, 1.5, 0.0, 0.0)
    assert Skill().mean == 0.75
    assert Skill().n_eff == 0.0


# from scipy 1.17
@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        (4.5, 1.5, 0.37137360, 0.97748723),
        (1.0, 1.0, 0.025, 0.975),
        (0.5, 0.5, 0.00154133, 0.99845867),
        (20.0, 2.0, 0.76184009, 0.98825068),
        (300.0, 100.0, 0.70646940, 0.79116296),
    ],
)
def test_the_beta_interval_equals_tabulated_quantiles(
    a: float, b: float, low: float, high: float
) -> None:
    assert Skill(a, b).interval() == pytest.approx((low, high), abs=1e-6)


def test_the_beta_cdf_mirrors_and_stays_inside_zero_and_one() -> None:
    assert beta.cdf(0.3, 2.0, 5.0) == pytest.approx(1.0 - beta.cdf(0.7, 5.0, 2.0), abs=1e-12)
    assert beta.cdf(0.3, 2.0, 5.0) == pytest.approx(0.579825, abs=1e-6)
    assert (beta.cdf(-1.0, 2.0, 5.0), beta.cdf(2.0, 2.0, 5.0)) == (0.0, 1.0)


def test_sd_and_lower_bound_follow_their_formulas() -> None:
    score = Skill(9.0, 3.0)

    assert score.sd == pytest.approx((0.75 * 0.25 / 13.0) ** 0.5)
    assert score.lower_bound == pytest.approx(0.75 - 1.28 * score.sd)
    assert Skill(0.01, 5.0).lower_bound == 0.0


@pytest.mark.parametrize(
    ("source", "weight"),
    [("gold", 1.0), ("verdict", 1.0), ("review", 0.7), ("test", 0.5), ("consensus", 0.5)],
)
def test_each_source_has_its_weight_and_only_gold_moves_the_gold_counters(
    source: str, weight: float
) -> None:
    score = observe(Skill(), source=source, credit=0.75)

    assert score.alpha == pytest.approx(4.5 + 0.75 * weight)
    assert score.beta == pytest.approx(1.5 + 0.25 * weight)
    counted = (0.75, 0.25) if source == "gold" else (0.0, 0.0)
    assert (score.gold_right, score.gold_wrong) == counted


@pytest.mark.parametrize(
    ("source", "credit", "weight"),
    [
        ("rumour", 1.0, None),
        ("gold", 1.01, None),
        ("gold", -0.01, None),
        ("gold", float("nan"), None),
        ("gold", 1.0, 1.5),
    ],
)
def test_evidence_out_of_range_is_refused(source: str, credit: float, weight: float | None) -> None:
    with pytest.raises(InvalidEvidence):
        observe(Skill(), source=source, credit=credit, weight=weight)


def test_undo_takes_back_what_observe_added() -> None:
    before = observe(Skill(), source="gold", credit=1.0)

    after = undo(observe(before, source="consensus", credit=0.3), source="consensus", credit=0.3)

    assert (after.alpha, after.beta) == pytest.approx((before.alpha, before.beta))


def test_half_of_the_evidence_is_left_after_180_days() -> None:
    score = decay(Skill(14.5, 3.5, 10.0, 2.0), days=180.0)

    assert (score.alpha, score.beta) == pytest.approx((9.5, 2.5))
    assert (score.gold_right, score.gold_wrong) == pytest.approx((5.0, 1.0))


def test_decay_keeps_a_prior_of_its_own() -> None:
    mine = prior(0.6)

    assert decay(mine, days=1000.0, prior=mine) == mine
    with pytest.raises(InvalidSetting):
        prior(1.0)


def test_a_score_rebuilt_from_its_events_equals_the_score_kept_along_the_way() -> None:
    kept = observe(Skill(), source="gold", credit=1.0)
    kept = observe(decay(kept, days=30.0), source="review", credit=0.4)
    kept = decay(kept, days=60.0)

    rebuilt = rebuild([Event("review", 0.4, 0.7, 60.0), Event("gold", 1.0, 1.0, 90.0)])

    assert (rebuilt.alpha, rebuilt.beta, rebuilt.gold_right) == pytest.approx(
        (kept.alpha, kept.beta, kept.gold_right), abs=1e-12
    )


def test_consensus_that_is_no_better_than_guessing_on_gold_teaches_nothing() -> None:
    assert consensus_weight(gold_accuracy=0.5, n_gold=40, n_labels=2) == 0.0
    assert consensus_weight(gold_accuracy=0.9, n_gold=40, n_labels=2) == pytest.approx(0.4)
    assert consensus_weight(gold_accuracy=0.2, n_gold=29, n_labels=2) == 0.5


def test_the_prior_mean_leans_on_the_experts_other_skills_once_they_have_ten_answers() -> None:
    proven, new = Skill(19.0, 1.0), Skill(7.0, 2.0)

    assert prior_mean(0.75, elsewhere=[new]) == 0.75
    assert prior_mean(0.75, elsewhere=[proven, new]) == pytest.approx(0.85)


def test_the_mean_of_a_skill_is_clipped_and_weighs_experts_by_precision() -> None:
    scores = [(Skill(14.5, 1.5), Skill()), (Skill(4.5, 7.5), Skill())]

    expected = (10 / 16 * 1.0 + 6 / 12 * 0.0) / (10 / 16 + 6 / 12)

    assert estimate_skill_mean(scores) == pytest.approx(max(0.55, expected))
    assert estimate_skill_mean([]) == 0.75
    assert estimate_skill_mean([(Skill(104.5, 1.5), Skill())]) == 0.90


@pytest.mark.parametrize(
    ("score", "reviews", "expected"),
    [
        (Skill(13.0, 2.0), 0, "probation"),
        (Skill(14.0, 4.0), 0, "t1"),
        (Skill(28.0, 4.0), 0, "t2"),
        (Skill(70.0, 5.0), 9, "t2"),
        (Skill(70.0, 5.0), 10, "reviewer"),
        (Skill(20.0, 40.0), 0, "probation"),
    ],
)
def test_a_tier_needs_its_lower_bound_and_its_evidence(
    score: Skill, reviews: int, expected: str
) -> None:
    assert tier(score, agreed_reviews=reviews) == expected


def test_a_fall_is_proposed_only_well_below_the_bar_and_a_week_after_a_change() -> None:
    low = Skill(30.0, 20.0)

    assert is_fall_due(low, held="t2", days_since_change=7.0)
    assert not is_fall_due(low, held="t2", days_since_change=6.9)
    assert not is_fall_due(low, held="probation", days_since_change=99.0)


def test_scores_of_different_numbers_of_labels_compare_above_chance() -> None:
    assert Skill(75.0, 25.0).above_chance(2) == pytest.approx(0.5)
    assert Skill(25.0, 75.0).above_chance(4) == pytest.approx(0.0)


def test_a_quantile_at_one_half_is_the_median() -> None:
    assert Skill(3.0, 3.0).quantile(0.5) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("right", "wrong", "labels", "gated"),
    [(0, 2, 2, False), (0, 3, 2, True), (0, 6, 4, False), (0, 7, 4, True), (20, 3, 2, False)],
)
def test_the_gate_closes_after_three_wrong_of_three_at_two_labels_and_seven_at_four(
    right: float, wrong: float, labels: int, gated: bool
) -> None:
    assert gold.is_gated(right, wrong, labels) is gated


def test_a_pause_is_proposed_only_on_eight_gold_answers() -> None:
    assert not gold.is_pause_due(0.0, 7.0, 2)
    assert gold.is_pause_due(0.0, 8.0, 2)
    assert not gold.is_pause_due(6.0, 4.0, 2)


def test_gold_thins_out_as_the_expert_becomes_known() -> None:
    assert gold.share(n_answers=9, n_gold=3, gold_right=3.0) == 0.30
    assert gold.share(n_answers=10, n_gold=19, gold_right=19.0) == 0.10
    assert gold.share(n_answers=900, n_gold=80, gold_right=78.0, answers_per_30_days=500) == 0.05
    assert gold.share(
        n_answers=900, n_gold=80, gold_right=60.0, answers_per_30_days=300
    ) == pytest.approx(30 / 300)


def test_the_accuracy_of_a_batch_comes_with_its_interval() -> None:
    value, low, high = gold.batch_accuracy(right=27, wrong=3)

    assert value == pytest.approx(27.5 / 31)
    assert (low, high) == pytest.approx((0.75659839, 0.97101938), abs=1e-6)


@pytest.mark.parametrize(
    ("seconds", "median", "rapid"),
    [(2.9, 10.0, True), (3.0, 10.0, False), (5.9, 60.0, True), (6.0, 60.0, False)],
)
def test_an_answer_is_rapid_below_three_seconds_or_a_tenth_of_the_median(
    seconds: float, median: float, rapid: bool
) -> None:
    assert gold.is_rapid(seconds=seconds, median_of_right=median) is rapid
