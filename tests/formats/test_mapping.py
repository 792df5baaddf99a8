"""A lab's own columns become the fields of a prompt."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from marketplace.formats import registry
from marketplace.formats.mapping import (
    Coverage,
    InvalidMapping,
    Mapping,
    apply,
    read_payload,
    value_at,
)
from marketplace.formats.problems import InvalidPayload, RowProblem
from marketplace.formats.rows import Row

PREFERENCE = registry.get("preference")
PAIR = ["prompt=instruction", "prompt=input", "response_a=response1", "response_b=response2"]


def mapped(lines: list[str], data: dict[str, JsonValue]) -> object:
    return apply(Mapping.parse(lines), Row(7, data))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("prediction 1", "p1"),
        ("meta.title", "t"),
        ("choices[0].turns", ["x", "y"]),
        ("choices[0].turns[-1]", "y"),
        ("feedback.errors[1].error type", "missing"),
        ("dotted.name", "exact column"),
        ("score [1-5]", "4"),
    ],
)
def test_a_path_reaches_into_objects_and_lists(path: str, found: object) -> None:
    data: dict[str, JsonValue] = {
        "prediction 1": "p1",
        "meta": {"title": "t"},
        "choices": [{"turns": ["x", "y"]}],
        "feedback": {"errors": [{}, {"error type": "missing"}]},
        "dotted": {"name": "inner"},
        "dotted.name": "exact column",
        "score [1-5]": "4",
    }

    assert mapped([f"prompt={path}"], data) == {"prompt": found}


@pytest.mark.parametrize("path", ["a.b", "a[0]", "b[5]", "b[0].c", "c"])
def test_a_path_that_leads_nowhere_leaves_the_field_out(path: str) -> None:
    assert mapped([f"prompt={path}"], {"a": "text", "b": ["x"]}) == {}


def test_a_repeated_field_joins_its_parts_that_are_not_empty() -> None:
    lines = ["prompt=instruction", "prompt=input", "prompt=hint", "prompt=turns"]
    data: dict[str, JsonValue] = {
        "instruction": "Do it.",
        "input": "",
        "hint": None,
        "turns": ["a", "b"],
    }

    assert mapped(lines, data) == {"prompt": "Do it.\n\na\n\nb"}


def test_a_part_that_is_no_text_cannot_be_joined() -> None:
    assert mapped(["prompt=a", "prompt=b"], {"a": "x", "b": {"c": 1}}) == [
        RowProblem(7, "prompt", "has a part that is an object; only texts can be joined")
    ]


def test_a_fixed_value_is_the_same_in_every_row() -> None:
    assert mapped(['labels:=["safe", "unsafe"]'], {}) == {"labels": ["safe", "unsafe"]}


def test_lines_are_read_back_as_they_were() -> None:
    lines = [*PAIR, 'criteria:=["clear"]']

    assert Mapping.parse(lines).lines() == lines


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["prompt"], "“prompt” is not a mapping; write field=path."),
        (["=x"], "“=x” is not a mapping; write field=path."),
        (["prompt= "], "“prompt= ” names no column after the equals sign."),
        (["labels:=[1"], "“labels:=[1”: what follows := is not JSON."),
        (
            ['labels:="\\u0000"'],
            '“labels:="\\u0000"” holds a NUL character (\\u0000), which cannot be stored.',
        ),
        (["a:=1", "a=b"], "“a” has a fixed value and another line besides."),
    ],
)
def test_a_line_that_means_nothing_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(InvalidMapping) as refused:
        Mapping.parse(lines)

    assert refused.value.message == said


def test_a_field_the_format_does_not_have_is_named_with_those_it_has() -> None:
    with pytest.raises(InvalidMapping) as refused:
        Mapping.parse([*PAIR, "promt=x"]).require_fields(PREFERENCE)

    assert refused.value.message == (
        "Preference has no field “promt”. Its fields: prompt, response_a, response_b, criteria."
    )


def test_a_needed_field_without_a_line_is_named() -> None:
    with pytest.raises(InvalidMapping) as refused:
        Mapping.parse(PAIR[:2]).require_fields(PREFERENCE)

    assert refused.value.message == "Say where response_a, response_b comes from."


def test_a_path_that_no_row_has_is_named_with_the_columns_that_exist() -> None:
    mapping = Mapping.parse(["prompt=question", "response_a=nope", "response_b=rare"])
    coverage = Coverage(mapping)

    coverage.see(Row(1, {"question": "q", "answer": "a"}))
    coverage.see(Row(2, {"question": "q", "answer": "a", "rare": "r"}))

    assert coverage.problems() == [
        RowProblem(0, "response_a", "No row has “nope”. Columns: question, answer, rare.")
    ]


def test_a_row_becomes_a_checked_payload() -> None:
    row = Row(1, {"instruction": "Say hi.", "input": "", "response1": "hi", "response2": ""})

    assert read_payload(PREFERENCE, Mapping.parse(PAIR), row) == {
        "prompt": "Say hi.",
        "response_a": "hi",
        "response_b": "",
        "criteria": [],
    }


def test_each_fault_of_a_row_is_named_by_its_field() -> None:
    row = Row(4, {"instruction": " ", "response1": {"x": 1}})

    assert read_payload(PREFERENCE, Mapping.parse(PAIR), row) == [
        RowProblem(4, "prompt", "is empty"),
        RowProblem(4, "response_a", "must be a text"),
        RowProblem(4, "response_b", "is missing"),
    ]


def test_lists_and_numbers_of_a_file_become_text_and_those_of_an_api_do_not() -> None:
    payload = {"prompt": ["a", "b"], "response_a": 1, "response_b": True, "criteria": ["How true"]}

    prompt = PREFERENCE.read_row(payload)

    assert (prompt.prompt, prompt.response_a, prompt.response_b) == ("a\n\nb", "1", "true")
    assert prompt.criteria[0].key == "how_true"
    with pytest.raises(InvalidPayload):
        PREFERENCE.read_prompt(payload)


def test_one_label_set_may_be_one_text_in_a_file() -> None:
    prompt = registry.get("classification").read_row({"text": "t", "labels": "safe | unsafe"})

    assert prompt.labels == ["safe", "unsafe"]


def test_a_single_value_is_found_by_its_path() -> None:
    assert value_at({"a": {"b": 2}}, "a.b") == 2
    assert value_at({"a": {}}, "a.b", "none") == "none"
