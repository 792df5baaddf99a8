"""Each check of the journey is seen to fail on the defect that it is for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace.web.journey.checks import Evidence, check, spearman

MEANS = tuple(0.5 + 0.03 * n for n in range(12))
SOUND = Evidence(
    rows=2,
    tasks=2,
    answers=2,
    approved=["a", "b", "c", "d"],
    earning_keys=[f"assignment:{key}" for key in "abcd"],
    earning_states=["paid"] * 4,
    pays=400,
    fees=60,
    transfers=[200, 200],
    charged=1_000,
    left=540,
    ledger_problems=[],
    chain_problems=[],
    data=[{"prompt": "p", "chosen": "x", "rejected": "y"}],
    ties=[{"task_id": "2"}],
    votes=[{"individual_preference": [1, 2]}, {"individual_preference": [3, 4]}],
    columns=frozenset({"prompt", "chosen", "rejected"}),
    score_means=MEANS,
    true_accuracies=MEANS,
)


def _failed(evidence: Evidence) -> list[str]:
    return [each.name for each in check(evidence) if not each.is_met]


def test_a_sound_journey_passes_every_check() -> None:
    assert _failed(SOUND) == []
    assert len(check(SOUND)) == 12


@pytest.mark.parametrize(
    ("defect", "name"),
    [
        ({"tasks": 1, "data": []}, "every row is one task"),
        ({"approved": ["a", "b", "c"]}, "every row is answered and approved as often as planned"),
        (
            {"earning_keys": [f"assignment:{key}" for key in "abcc"]},
            "every approval is exactly one earning",
        ),
        ({"earning_states": ["paid", "paid", "paid", "available"]}, "every earning is paid"),
        ({"transfers": [200, 200, 200]}, "transfers at the bank equal what was earned"),
        ({"left": 541}, "money in equals pay, fee and what is left"),
        ({"ledger_problems": ["L1: does not balance"]}, "the ledger holds"),
        ({"chain_problems": ["event 3 was edited"]}, "the chain of events holds"),
        ({"ties": []}, "every task is exported or a tie"),
        (
            {"votes": [{"individual_preference": [1, 2]}, {"individual_preference": [3]}]},
            "every task travels with its votes",
        ),
        (
            {"data": [{"prompt": "p", "chosen": "x"}]},
            "the export has the columns that trainers read",
        ),
        ({"score_means": MEANS[::-1]}, "skill scores follow true accuracy"),
    ],
)
def test_a_planted_defect_fails_its_check(defect, name) -> None:
    assert name in _failed(replace(SOUND, **defect))


def test_a_few_experts_are_too_few_for_a_rank_correlation() -> None:
    few = replace(SOUND, score_means=MEANS[:11], true_accuracies=MEANS[:11])

    assert len(check(few)) == 11


def test_rank_correlation_is_one_in_order_and_minus_one_in_reverse() -> None:
    assert spearman([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]) == pytest.approx(1.0)
    assert spearman([1.0, 2.0, 3.0], [30.0, 20.0, 10.0]) == pytest.approx(-1.0)
    assert spearman([1.0, 1.0, 2.0], [1.0, 1.0, 2.0]) == pytest.approx(1.0)
    assert spearman([1.0, 1.0], [1.0, 2.0]) == 0.0
