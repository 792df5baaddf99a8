"""What every format keeps, and what each of the two says about answers."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.formats import registry
from marketplace.formats.interface import Context, Format, Record, Vote
from marketplace.formats.problems import InvalidPayload, Problem

PREFERENCE = registry.get("preference")
CLASSIFICATION = registry.get("classification")
AnyFormat: TypeAlias = Format[Any, Any]  # Any: every kind has its own shapes
EVERY = pytest.mark.parametrize("form", registry.FORMATS.values(), ids=registry.FORMATS)
PAIR = {"prompt": "Which is larger?", "response_a": "The sun is.", "response_b": "The moon is."}
CHOICE = {"text": "Pay within ten days.", "labels": ["payment", "liability"]}


def preferring(overall: int, **more: object) -> dict[str, object]:
    return {"overall": overall, "rationale": "The larger one is the sun.", **more}


def finished(*overalls: int) -> Record[Any, Any]:  # Any: looked up by name
    votes = [
        Vote(f"expert-{place}", PREFERENCE.read_answer(preferring(overall)), confidence=4)
        for place, overall in enumerate(overalls, start=1)
    ]
    return Record("t1", PREFERENCE.read_prompt(PAIR), votes)


# Any: rows are JSON.
def exported(form: AnyFormat, record: Record[Any, Any]) -> dict[str, Any]:
    row = form.export(record)
    assert row is not None
    return row


def labelled(
    *labels: str, published: str | None = None
) -> Record[Any, Any]:  # Any: looked up by name
    votes = [Vote("e", CLASSIFICATION.read_answer({"label": label})) for label in labels]
    return Record("t1", CLASSIFICATION.read_prompt(CHOICE), votes, published)


@EVERY
def test_the_example_of_a_format_passes_its_own_checks(form: AnyFormat) -> None:
    found = form.problems(prompt=form.example["prompt"], answer=form.example["answer"])

    assert found == []


@EVERY
def test_gold_grades_itself_as_right_and_is_no_distance_from_itself(form: AnyFormat) -> None:
    gold = form.read_answer(form.example["gold"])

    assert form.grade(gold, gold) == 1.0
    assert form.distance(gold, gold) == 0.0


@EVERY
def test_what_a_format_shows_and_asks_exists_in_its_schema(form: AnyFormat) -> None:
    prompt = form.read_prompt(form.example["prompt"])
    page = form.presentation(prompt)
    fields = [*form.Prompt.model_fields]

    assert all(any(name.startswith(show.path) for name in fields) for show in page.shows)
    assert {ask.path for ask in page.asks} == set(form.Answer.model_fields)
    assert {ask.per for ask in page.asks} - {None} <= set(fields)
    assert form.estimate_seconds(prompt) > 10


WIDGETS = {"integer", "number", "string", "boolean"}


# Any: JSON Schema.
def _has_widget(schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if "$ref" in schema:
        return _has_widget(root["$defs"][schema["$ref"].split("/")[-1]], root)
    if schema.get("type") == "array":
        return _has_widget(schema["items"], root)
    if schema.get("type") == "object":
        return all(_has_widget(member, root) for member in schema["properties"].values())
    return "enum" in schema or schema.get("type") in WIDGETS


@EVERY
def test_every_part_of_an_answer_has_a_widget(form: AnyFormat) -> None:
    schema = form.Answer.model_json_schema()

    assert _has_widget(schema, schema)
    assert schema["additionalProperties"] is False


def test_an_unknown_format_is_named_with_those_that_exist() -> None:
    with pytest.raises(registry.UnknownFormat) as refused:
        registry.get("nope")

    assert refused.value.message == (
        "There is no format 'nope'. Known: preference, classification."
    )


def test_an_answer_of_the_wrong_shape_is_refused_field_by_field() -> None:
    found = PREFERENCE.problems(prompt=PAIR, answer={"overall": 4, "rationale": "x", "extra": 1})

    assert found == [
        Problem("overall", "must be at most 3"),
        Problem("rationale", "needs at least 20 characters"),
        Problem("extra", "is not a field of this format"),
    ]


def test_text_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(InvalidPayload) as refused:
        PREFERENCE.read_prompt({**PAIR, "response_a": "a\x00b"})

    assert refused.value.data["errors"] == [
        {
            "field": "response_a",
            "problem": "holds a NUL character (\\u0000), which cannot be stored",
        }
    ]


def test_every_criterion_is_scored_once() -> None:
    criteria = [{"key": "true", "title": "True"}, {"key": "clear", "title": "Clear"}]
    scores = [
        {"criterion": "true", "a": 1, "b": 2},
        {"criterion": "true", "a": 1, "b": 2},
        {"criterion": "kind", "a": 1, "b": 2},
    ]

    found = PREFERENCE.problems(
        prompt={**PAIR, "criteria": criteria}, answer=preferring(1, scores=scores)
    )

    assert found == [
        Problem("scores", "leaves out Clear"),
        Problem("scores.2.criterion", "kind was not asked"),
        Problem("scores", "scores one criterion twice"),
    ]


def test_haste_vagueness_and_contradiction_are_marked_and_not_refused() -> None:
    criteria = [{"key": "true", "title": "True"}]
    answer = {
        "overall": -2,
        "scores": [{"criterion": "true", "a": 1, "b": 5}],
        "rationale": "aaaa bbbb cccc dddd eeee",
    }

    found = PREFERENCE.problems(
        prompt={**PAIR, "criteria": criteria}, answer=answer, context=Context(active_seconds=2)
    )

    assert [(problem.path, problem.severity) for problem in found] == [
        ("overall", "mark"),
        ("rationale", "mark"),
        ("", "mark"),
    ]


@pytest.mark.parametrize(
    ("answer", "gold", "credit"), [(-1, -3, 1.0), (1, -3, 0.0), (0, -3, 0.0), (0, 0, 1.0)]
)
def test_a_preference_is_graded_by_its_side(answer: int, gold: int, credit: float) -> None:
    given_answer = PREFERENCE.read_answer(preferring(answer))
    gold_answer = PREFERENCE.read_answer(preferring(gold))

    assert PREFERENCE.grade(given_answer, gold_answer) == credit


def test_two_preferences_are_as_far_apart_as_their_points() -> None:
    one, other = (PREFERENCE.read_answer(preferring(overall)) for overall in (-3, 0))

    assert PREFERENCE.distance(one, other) == 0.5


def test_a_preference_row_has_the_columns_that_trainers_read() -> None:
    assert PREFERENCE.export(finished(-1, -2, 3)) == {
        "prompt": "Which is larger?",
        "chosen": "The sun is.",
        "rejected": "The moon is.",
    }
    assert exported(PREFERENCE, finished(1, 1, -3))["chosen"] == "The moon is."


@pytest.mark.parametrize("overalls", [(), (0,), (-1, 1), (0, 3, -3)])
def test_an_even_vote_gives_no_preference_row(overalls: tuple[int, ...]) -> None:
    assert PREFERENCE.export(finished(*overalls)) is None


def test_the_rich_row_holds_every_vote() -> None:
    row: dict[str, Any] = PREFERENCE.export_rich(finished(-3, 1))  # Any: JSON

    assert row["context"] == [{"role": "user", "content": "Which is larger?"}]
    assert (row["response1"], row["response2"]) == ("The sun is.", "The moon is.")
    assert (row["overall_preference"], row["majority"]) == (-1.0, "tie")
    assert row["individual_preference"][0] == {
        "expert": "expert-1",
        "score": -3,
        "reasoning": "The larger one is the sun.",
        "criteria": {},
        "both_bad": False,
        "confidence": 4,
    }


@given(st.integers(-3, 3), st.integers(1, 5), st.integers(1, 5))
def test_swapping_sides_twice_changes_nothing_and_keeps_the_preferred_text(
    overall: int, a: int, b: int
) -> None:
    swap, turn = PREFERENCE.mirror_answer, PREFERENCE.mirror_prompt
    assert swap is not None
    assert turn is not None
    prompt = PREFERENCE.read_prompt(PAIR)
    scores = [{"criterion": "true", "a": a, "b": b}]
    answer = PREFERENCE.read_answer(preferring(overall, scores=scores))
    swapped = swap(answer)

    assert swap(swapped) == answer
    assert turn(turn(prompt)) == prompt
    assert PREFERENCE.export(Record("t", prompt, [Vote("e", answer)])) == PREFERENCE.export(
        Record("t", turn(prompt), [Vote("e", swapped)])
    )


def test_a_label_outside_the_set_is_refused() -> None:
    found = CLASSIFICATION.problems(
        prompt=CHOICE, answer={"label": "other"}, context=Context(active_seconds=0)
    )

    assert found == [
        Problem("label", "must be one of payment, liability"),
        Problem("", "was sent in less than the 1 s that reading takes", "mark"),
    ]


def test_a_classification_row_has_the_published_label_or_the_majority() -> None:
    assert CLASSIFICATION.export(labelled("payment", "payment", "liability")) == {
        "text": "Pay within ten days.",
        "label": "payment",
    }
    published = labelled("payment", "payment", published="liability")
    assert exported(CLASSIFICATION, published)["label"] == "liability"
    assert CLASSIFICATION.export(labelled("payment", "liability")) is None
    assert CLASSIFICATION.export(labelled()) is None


def test_the_rich_row_of_a_classification_holds_every_vote() -> None:
    row: dict[str, Any] = CLASSIFICATION.export_rich(labelled("payment", "liability"))

    assert row["labels"] == ["payment", "liability"]
    assert [vote["label"] for vote in row["votes"]] == ["payment", "liability"]
    assert row["label"] is None


def test_only_objective_kinds_offer_labels_to_consensus() -> None:
    assert CLASSIFICATION.labels(CLASSIFICATION.read_prompt(CHOICE)) == ("payment", "liability")
    assert PREFERENCE.labels(PREFERENCE.read_prompt(PAIR)) is None
    answer = CLASSIFICATION.read_answer({"label": "payment"})
    assert CLASSIFICATION.label_of(answer) == "payment"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": ["a", "a"]}, "names one label twice"),
        ({"labels": ["a"]}, "needs at least 2 entries"),
        ({"labels": "a|b"}, "must be a list"),
    ],
)
def test_a_label_set_is_closed_and_without_repeats(change: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        CLASSIFICATION.read_prompt({**CHOICE, **change})

    assert refused.value.problems == [Problem("labels", said)]


def test_criteria_of_a_pair_are_different() -> None:
    criteria = [{"key": "true", "title": "True"}, {"key": "true", "title": "Also true"}]

    with pytest.raises(InvalidPayload) as refused:
        PREFERENCE.read_prompt({**PAIR, "criteria": criteria})

    assert refused.value.problems == [Problem("criteria", "names one criterion twice")]
    plain = PREFERENCE.presentation(PREFERENCE.read_prompt(PAIR))
    assert [ask.path for ask in plain.asks] == ["overall", "rationale", "both_bad"]
