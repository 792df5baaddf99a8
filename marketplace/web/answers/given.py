"""An answer somebody gave, as lines to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.formats.interface import Format
from marketplace.web.answers.fields import Field, fields_of


@dataclass(frozen=True, slots=True)
class Line:
    """A question and what was answered; `is_long` asks for a paragraph of its own."""

    title: str
    words: str
    is_long: bool = False


# Any: each kind of work has its own prompt and answer.
def lines_of(format: Format[Any, Any], payload: object, answer: Mapping[str, Any]) -> list[Line]:  # noqa: A002
    """The answer in the order in which the form asked for it; what was left out says so."""
    lines: list[Line] = []
    for drawn in fields_of(format, payload, answer):
        if drawn.kind == "rows":
            lines += [
                Line(slider.title, _out_of(slider)) for row in drawn.rows for slider in row.sliders
            ]
        else:
            lines.append(Line(drawn.title, _words(drawn), is_long=drawn.kind in {"text", "code"}))
    return lines


def _words(drawn: Field) -> str:
    if drawn.kind == "checkbox":
        return "yes" if drawn.value == "true" else "no"
    chosen = [option.label for option in drawn.options if option.is_chosen]
    return (chosen[0] if chosen else drawn.value) or "not answered"


def _out_of(slider: Field) -> str:
    return f"{slider.value} of {slider.maximum:g}" if slider.value else "not rated"
