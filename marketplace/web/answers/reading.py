"""What was typed into an answer form, as the answer's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import QueryDict

from marketplace.kit.errors import InvalidInput
from marketplace.web.answers.fields import Field

ENVELOPE = ("assistance", "assistance_note", "confidence", "is_unclear")
FRAME = frozenset({"csrfmiddlewaretoken", "revision", "active_seconds", "sends", "stop", *ENVELOPE})
_WHOLE = re.compile(r"-?\d{1,9}")
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,6})?")


class UnknownFields(InvalidInput):
    """The form sent names that its format does not have."""

    code = "unknown_fields"


def read_answer(fields: Iterable[Field], sent: QueryDict) -> dict[str, Any]:
    """The answer so far: a field nobody touched is absent, never a default.

    Any: an answer of whatever format. Numbers that are none stay text, so that the format's own
    check says what is wrong. Raises UnknownFields.
    """
    listed = list(fields)
    _refuse_unknown(listed, sent)
    answer: dict[str, Any] = {}
    for drawn in listed:
        if drawn.kind == "rows":
            rows = list(_rows(drawn, sent))
            if rows:
                answer[drawn.path] = rows
        elif drawn.kind == "checkbox":
            answer[drawn.path] = sent.get(drawn.path) == "true"
        elif sent.get(drawn.path, "").strip():
            answer[drawn.path] = _typed(drawn, str(sent[drawn.path]))
    return answer


def _rows(drawn: Field, sent: QueryDict) -> Iterator[dict[str, Any]]:
    for row in drawn.rows:
        given = {
            slider.path.rsplit(".", 1)[-1]: _typed(slider, str(sent[slider.path]))
            for slider in row.sliders
            if sent.get(slider.path, "").strip()
        }
        if given:
            yield {row.name.rsplit(".", 1)[-1]: row.key, **given}


def _typed(drawn: Field, text: str) -> Any:  # Any: text, number or truth by the schema
    text = text.strip() if drawn.kind != "code" else text
    if drawn.type == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if drawn.type == "number" and _NUMBER.fullmatch(text):
        return float(text)
    if drawn.type == "boolean":
        return text == "true"
    return text.replace("\r\n", "\n")


def _refuse_unknown(fields: list[Field], sent: QueryDict) -> None:
    known = set(FRAME)
    for drawn in fields:
        known.add(drawn.path)
        for row in drawn.rows:
            known.add(row.name)
            known.update(slider.path for slider in row.sliders)
    unknown = sorted(set(sent) - known)
    if unknown:
        raise UnknownFields(
            f"This form has no field {', '.join(unknown)}.",
            errors=[{"field": name, "problem": "is not a field of this form"} for name in unknown],
        )
