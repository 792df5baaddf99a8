"""Answer forms made from a format: what is drawn, what is read back, where problems stand."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from marketplace.formats.problems import Problem
from marketplace.formats.registry import FORMATS, get
from marketplace.web.answers.fields import Option, fields_of
from marketplace.web.answers.given import Line, lines_of
from marketplace.web.answers.problems import located
from marketplace.web.answers.reading import UnknownFields, read_answer
from marketplace.web.answers.showing import parts_of

PREFERENCE = get("preference")
PROMPT: Any = PREFERENCE.example["prompt"]
ANSWER: Any = PREFERENCE.example["answer"]
CLAUSE: Any = get("classification").example["prompt"]


def _sent(**values: str) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update({name.replace("__", "."): value for name, value in values.items()})
    return query


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_can_be_drawn_and_its_example_comes_back_whole(kind: str) -> None:
    form = get(kind)
    prompt, answer = form.example["prompt"], form.example["answer"]
    assert isinstance(answer, dict)

    fields = fields_of(form, prompt, answer)
    sent = QueryDict(mutable=True)
    for field in fields:
        if field.rows:
            for row in field.rows:
                sent.update({slider.path: slider.value for slider in row.sliders})
        elif field.kind != "checkbox" or field.value == "true":
            sent[field.path] = field.value

    assert parts_of(form, prompt) != []
    assert read_answer(fields, sent) == answer


def test_scale_between_two_answers_has_their_colours() -> None:
    scale = fields_of(PREFERENCE, PROMPT)[0]

    assert [option.side for option in scale.options] == ["a", "a", "a", "mid", "b", "b", "b"]


def test_closed_set_is_drawn_as_cards_with_its_words() -> None:
    label = fields_of(get("classification"), CLAUSE, {"label": "payment"})[0]

    assert (label.kind, label.title) == ("choice", "Which kind of clause is this?")
    assert label.options[1] == Option("payment", "payment", is_chosen=True)


def test_large_closed_set_is_a_list() -> None:
    prompt = {"text": "x", "labels": [f"label {n}" for n in range(8)]}

    assert fields_of(get("classification"), prompt)[0].kind == "select"


def test_untouched_field_is_absent_and_never_a_default() -> None:
    fields = fields_of(PREFERENCE, PROMPT)

    read = read_answer(fields, _sent(scores__1__b="4", rationale="  "))

    assert read == {"scores": [{"criterion": "helpful", "b": 4}], "both_bad": False}


def test_unknown_names_are_refused_by_name() -> None:
    with pytest.raises(UnknownFields, match=r"no field pay, state"):
        read_answer(fields_of(PREFERENCE, PROMPT), _sent(state="approved", pay="1"))


def test_number_that_is_none_is_left_for_the_format_to_refuse() -> None:
    fields = fields_of(PREFERENCE, PROMPT)

    assert read_answer(fields, _sent(overall="many"))["overall"] == "many"


def test_problem_stands_at_the_slider_of_its_criterion_and_not_of_its_place() -> None:
    fields = fields_of(PREFERENCE, PROMPT)
    answer = {"scores": [{"criterion": "helpful", "b": 4}]}

    found = located(fields, answer, [Problem("scores.0.a", "is missing")])

    assert found == [{"field": "scores.1.a", "message": "Helpful is missing."}]


def test_problem_of_the_whole_answer_stands_at_the_form() -> None:
    assert located([], {}, [Problem("", "was sent in haste")]) == [
        {"field": "fields", "message": "This answer was sent in haste."}
    ]


def test_given_answer_reads_in_the_order_of_the_form() -> None:
    assert lines_of(PREFERENCE, PROMPT, ANSWER)[:3] == [
        Line("Which answer is better?", "B is much better"),
        Line("Correct, answer A", "1 of 5"),
        Line("Correct, answer B", "5 of 5"),
    ]


def test_what_was_left_out_says_so() -> None:
    words = [line.words for line in lines_of(PREFERENCE, PROMPT, {})]

    assert words == ["not answered", *["not rated"] * 4, "not answered", "no"]
