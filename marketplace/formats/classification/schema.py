"""One text and a closed set of labels, of which one is right."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from marketplace.formats.text import Line, Shape, Text, is_from_file


def _split(value: object, info: ValidationInfo) -> object:
    """In files a label set may be one text: `safe|unsafe`."""
    if is_from_file(info) and isinstance(value, str):
        return [part.strip() for part in value.split("|")]
    return value


class Prompt(Shape):
    """What the expert reads and may choose from."""

    text: Annotated[Text, Field(title="Text")]
    labels: Annotated[
        list[Annotated[Line, Field(min_length=1, max_length=120)]],
        Field(min_length=2, max_length=50, title="Labels"),
        BeforeValidator(_split),
    ]
    question: Annotated[Line, Field(max_length=500, title="Question")] = "Which label fits?"

    @field_validator("labels")
    @classmethod
    def _different(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) < len(labels):
            raise ValueError("names one label twice")
        return labels


class Answer(Shape):
    """The label that fits, and a remark if one is needed."""

    label: Annotated[Line, Field(min_length=1, max_length=120, title="Label")]
    note: Annotated[Line, Field(max_length=2_000, title="Remark", description="Optional.")] = ""
