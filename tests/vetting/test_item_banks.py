"""Banks of questions come in whole or not at all."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pydantic import JsonValue

from marketplace.formats.problems import RowProblem
from marketplace.formats.rows import Row, read_rows
from tests.vetting import build
from tests.vetting.build import NOON
from vetting.gateways.banks import BANKS, read_bank
from vetting.models import Assessment, Item
from vetting.services.assessments import Rules, create_assessment, publish_version
from vetting.services.item_banks import BankRefused, Question, import_items, read_question

pytestmark = pytest.mark.django_db


def bare() -> Assessment:
    return create_assessment(
        skill=build.skill(), slug="bank", name="Bank", by=build.person(), at=NOON
    )


# Any: the options of read_rows.
def brought(
    assessment: Assessment, content: bytes, name: str = "bank.csv", **more: Any
) -> list[Item]:
    rows = read_rows(io.BytesIO(content), name=name, **more)
    return import_items(assessment=assessment, rows=rows, by=build.person(), at=NOON)


def test_a_table_with_lettered_columns_is_a_bank() -> None:
    content = b"question,A,B,C,key,band,topic\nWhich?,one,two,,b,hard,Heart failure\n"

    (item,) = brought(bare(), content)

    assert (item.prompt, item.options, item.key) == ("Which?", ["one", "two"], [1])
    assert (item.band, item.topic, item.state, item.version) == (1, "heart-failure", "live", 1)


def test_a_table_without_a_header_is_a_bank_with_named_columns() -> None:
    (item,) = brought(
        bare(), b'"Which, then?",one,two,three,D4,C\n', columns=("prompt", *"ABCD", "key")
    )

    assert (item.options, item.key) == (["one", "two", "three", "D4"], [2])


def test_a_list_of_objects_is_a_bank() -> None:
    content = b'[{"ref": "q1", "prompt": "Which?", "options": ["x", "y, z"], "key": "y, z"}]'

    (item,) = brought(bare(), content, "bank.json")

    assert (item.ref, item.key, item.band, item.topic) == ("q1", [1], 0, "general")


def test_several_right_options_are_letters_with_commas() -> None:
    row = Row(1, {"prompt": "Which?", "options": ["x", "y", "z"], "key": "C, A"})

    question = read_question(row)

    assert isinstance(question, Question)
    assert question.key == (0, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt": " "}, "prompt"),
        ({"options": ["one"]}, "options"),
        ({"options": ["one", "one"]}, "options"),
        ({"options": ["x"] * 9}, "options"),
        ({"key": "D"}, "key"),
        ({"key": ""}, "key"),
        ({"key": None}, "key"),
        ({"key": "A,,"}, "key"),
        ({"band": "brutal"}, "band"),
    ],
)
def test_a_row_that_is_no_question_is_named_by_its_field(
    change: dict[str, JsonValue], field: str
) -> None:
    usual: dict[str, JsonValue] = {"prompt": "Which?", "options": ["x", "y"], "key": "A"}
    row = Row(3, usual | change)

    problem = read_question(row)

    assert isinstance(problem, RowProblem)
    assert (problem.row, problem.field) == (3, field)


def test_one_bad_row_keeps_the_whole_bank_out_and_every_bad_row_is_named() -> None:
    content = b"prompt,A,B,key\nWhich?,1,2,A\nWhich?,1,2,A\nWho?,1,2\nWho?,1,2,F\n"

    with pytest.raises(BankRefused) as refused:
        brought(bare(), content)

    assert [(error["row"], error["field"]) for error in refused.value.data["errors"]] == [
        (2, "prompt"),
        (3, ""),
        (4, "key"),
    ]
    assert refused.value.data["errors"][0]["problem"] == "repeats row 1"
    assert not Item.objects.exists()


def test_an_empty_bank_is_refused() -> None:
    with pytest.raises(BankRefused):
        brought(bare(), b"[]", "bank.json")


def test_a_changed_question_becomes_its_next_version_and_the_same_one_stays() -> None:
    assessment = bare()
    first = b"ref,prompt,A,B,key\nq1,Which?,1,2,A\nq2,Who?,1,2,A\n"
    brought(assessment, first)

    items = brought(assessment, first.replace(b"q1,Which?,1,2,A", b"q1,Which?,1,2,B"))

    assert [(item.ref, item.version, item.key) for item in items] == [("q1", 2, [1])]
    states = Item.objects.order_by("ref", "version").values_list("ref", "version", "state")
    assert list(states) == [("q1", 1, "retired"), ("q1", 2, "live"), ("q2", 1, "live")]


def test_the_words_of_a_question_are_never_edited() -> None:
    brought(bare(), b"prompt,A,B,key\nWhich?,1,2,A\n")

    with pytest.raises(IntegrityError, match="corrected by a new version"), transaction.atomic():
        Item.objects.update(key=[1])
    Item.objects.update(state="leaked")

    assert Item.objects.get().state == "leaked"


@pytest.mark.parametrize("name", BANKS)
def test_a_bank_that_comes_with_the_product_makes_a_fair_test(name: str) -> None:
    assessment = bare()

    items = import_items(assessment=assessment, rows=read_bank(name), by=build.person(), at=NOON)
    version = publish_version(assessment=assessment, rules=Rules(), by=build.person(), at=NOON)

    assert len(items) >= 30
    assert {item.band for item in items} == {-1, 0, 1}
    assert len(version.blueprint) >= 5
    assert len(version.item_ids) == len(items)
