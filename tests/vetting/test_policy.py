"""What a domain asks and what the facts say to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vetting.policy import (
    AssessmentFact,
    CredentialFact,
    Facts,
    InvalidPolicy,
    Truth,
    check_expression,
    evaluate,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LICENCE = CredentialFact("licence", "a2", "US-CA", NOON - timedelta(days=100))
FACTS = Facts(
    credentials=[LICENCE],
    identity="i1",
    assessments={"won": AssessmentFact("met", 2), "runs": AssessmentFact("undecided", 1)},
    qualifications=frozenset({("medicine.preference", 2)}),
    terms=frozenset({"confidentiality"}),
)
MET, UNDECIDED, UNMET = {"assessment": "won"}, {"assessment": "runs"}, {"assessment": "never"}


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ({"credential": "licence"}, "met"),
        ({"credential": "licence", "min_a": "a3"}, "unmet"),
        ({"credential": "licence", "jurisdiction": ["US-*"]}, "met"),
        ({"credential": "licence", "jurisdiction": ["US"]}, "unmet"),
        ({"credential": "licence", "jurisdiction": ["DE", "US-CA"]}, "met"),
        ({"credential": "licence", "max_age_days": 99}, "unmet"),
        ({"credential": "licence", "max_age_days": 100}, "met"),
        ({"credential": "degree"}, "unmet"),
        ({"identity": "i1"}, "met"),
        ({"identity": "i2"}, "unmet"),
        ({"assessment": "won", "min_version": 2}, "met"),
        ({"assessment": "won", "min_version": 3}, "unmet"),
        ({"qualification": "medicine.preference", "level": 1}, "met"),
        ({"qualification": "medicine.preference", "level": 3}, "unmet"),
        ({"terms": "confidentiality"}, "met"),
        ({"terms": "ip"}, "unmet"),
        ({"all_of": [MET, UNDECIDED]}, "undecided"),
        ({"all_of": [UNMET, UNDECIDED]}, "unmet"),
        ({"any_of": [MET, UNDECIDED]}, "met"),
        ({"any_of": [UNMET, UNDECIDED]}, "undecided"),
        ({"n_of": {"n": 2, "of": [MET, UNDECIDED, UNMET]}}, "undecided"),
        ({"n_of": {"n": 2, "of": [MET, MET, UNMET]}}, "met"),
        ({"n_of": {"n": 3, "of": [MET, MET, UNMET]}}, "unmet"),
    ],
)
def test_a_policy_reads_the_facts(expression: dict[str, object], truth: str) -> None:
    check_expression(expression)

    assert evaluate(expression, FACTS, NOON).truth == truth


def test_a_claim_that_is_being_checked_leaves_the_answer_open() -> None:
    facts = Facts(credentials=[CredentialFact("licence", "a1", "", NOON, is_pending=True)])

    assert evaluate({"credential": "licence"}, facts, NOON).truth == "undecided"


def test_the_answer_says_what_is_missing_in_words() -> None:
    tree = evaluate({"all_of": [MET, {"any_of": [UNMET, {"terms": "ip"}]}]}, FACTS, NOON)

    assert tree.missing() == ["the test never passed", "the ip terms accepted"]
    assert tree.as_json()["parts"][0] == {"truth": "met", "asks": "the test won passed"}


@pytest.mark.parametrize(
    "expression",
    [
        {},
        [],
        {"not": MET},
        {"any_of": []},
        {"any_of": MET},
        {"all_of": [MET], "any_of": [MET]},
        {"n_of": {"n": 3, "of": [MET, MET]}},
        {"n_of": {"n": True, "of": [MET]}},
        {"identity": "i9"},
        {"credential": "licence", "min_a": "b"},
        {"credential": "licence", "jurisdiction": [1]},
        {"credential": "licence", "colour": "red"},
        {"assessment": 3},
        {"all_of": [{"all_of": [{"all_of": [{"all_of": [MET]}]}]}]},
        {"any_of": [MET] * 41},
    ],
)
def test_an_expression_that_cannot_be_read_is_refused(expression: dict[str, object]) -> None:
    with pytest.raises(InvalidPolicy):
        check_expression(expression)


LEAVES = ["a", "b", "c"]
EXPRESSIONS = st.recursive(
    st.sampled_from([{"assessment": leaf} for leaf in LEAVES]),
    lambda inner: st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from(
            [
                {"all_of": parts},
                {"any_of": parts},
                *({"n_of": {"n": n, "of": parts}} for n in range(1, len(parts) + 1)),
            ]
        )
    ),
    max_leaves=6,
)


# Any: an expression as JSON.
def _brute(expression: dict[str, Any], truths: dict[str, bool]) -> bool:
    if "assessment" in expression:
        name: str = expression["assessment"]
        return truths[name]
    if "n_of" in expression:
        parts = [_brute(part, truths) for part in expression["n_of"]["of"]]
        return bool(sum(parts) >= expression["n_of"]["n"])
    if "all_of" in expression:
        return all(_brute(part, truths) for part in expression["all_of"])
    return any(_brute(part, truths) for part in expression["any_of"])


@given(
    EXPRESSIONS, st.lists(st.sampled_from(["met", "unmet", "undecided"]), min_size=3, max_size=3)
)
def test_an_answer_holds_however_the_open_facts_turn_out(
    expression: dict[str, object], truths: list[Truth]
) -> None:
    known = dict(zip(LEAVES, truths, strict=True))
    facts = Facts(assessments={leaf: AssessmentFact(truth, 1) for leaf, truth in known.items()})
    choices = [[True] if t == "met" else [False] if t == "unmet" else [True, False] for t in truths]

    outcomes = {
        _brute(expression, dict(zip(LEAVES, turn, strict=True))) for turn in product(*choices)
    }

    said = evaluate(expression, facts, NOON).truth
    assert said == {True: "met", False: "unmet"}.get(next(iter(outcomes))) or said == "undecided"
    if len(outcomes) == 2:
        assert said == "undecided"
