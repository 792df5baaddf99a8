"""Two responses to one prompt, and which is better."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from marketplace.formats.text import Line, Response, Shape, Text, is_from_file


class Criterion(Shape):
    """One quality on which both responses are scored."""

    key: Annotated[Line, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    title: Annotated[Line, Field(min_length=1, max_length=80)]
    question: Annotated[Line, Field(max_length=300)] = ""


class CriterionScore(Shape):
    """Scores of both responses on one criterion, 1 (poor) to 5 (excellent)."""

    criterion: Annotated[Line, Field(min_length=1, max_length=40)]
    a: Annotated[int, Field(ge=1, le=5, title="Answer A")]
    b: Annotated[int, Field(ge=1, le=5, title="Answer B")]


def _named(value: object, info: ValidationInfo) -> object:
    """In files a criterion may be just its name."""
    if is_from_file(info) and isinstance(value, str):
        key = "_".join("".join(c if c.isalnum() else " " for c in value.lower()).split())
        return {"key": key, "title": value}
    return value


class Prompt(Shape):
    """What the expert reads. A and B stand in the client's order; pages may swap them."""

    prompt: Annotated[Text, Field(title="Prompt")]
    response_a: Annotated[Response, Field(title="Answer A")]
    response_b: Annotated[Response, Field(title="Answer B")]
    criteria: Annotated[
        list[Annotated[Criterion, BeforeValidator(_named)]], Field(max_length=8, title="Criteria")
    ] = []

    @field_validator("criteria")
    @classmethod
    def _different(cls, criteria: list[Criterion]) -> list[Criterion]:
        if len({criterion.key for criterion in criteria}) < len(criteria):
            raise ValueError("names one criterion twice")
        return criteria


class Answer(Shape):
    """Negative prefers A, positive prefers B, 0 is a tie."""

    overall: Annotated[
        int,
        Field(
            ge=-3,
            le=3,
            title="Which answer is better?",
            description="From A is much better to B is much better; the middle is a tie.",
            json_schema_extra={"x-widget": "scale"},
        ),
    ]
    scores: Annotated[list[CriterionScore], Field(max_length=8, title="Criteria")] = []
    rationale: Annotated[
        Line,
        Field(
            min_length=20,
            max_length=5_000,
            title="Why?",
            description="Point at what in the answers decided it.",
        ),
    ]
    both_bad: Annotated[bool, Field(title="Both answers are unusable")] = False
