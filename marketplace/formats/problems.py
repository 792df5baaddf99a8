"""What is wrong with a file, a row or a field, in sentences for the person who sent it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue, ValidationError

from marketplace.kit.errors import InvalidInput

DEEPEST = 64
_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "empty",
}
_SHORT = frozenset({"string_too_short", "too_short"})
_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this format",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "list_type": "must be a list",
    "bool_parsing": "must be true or false",
    "model_type": "must be an object with named fields",
    "dict_type": "must be an object with named fields",
    "string_too_long": "has more than {max_length} characters",
    "too_long": "has more than {max_length} entries",
    "too_short": "needs at least {min_length} entries",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "value_error": "{error}",
}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that cannot be used. `row` counts from 1, 0 is the whole file; `field` may be empty."""

    row: int
    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a prompt or an answer, at a dotted path.

    `refuse` must be mended before it is accepted; `mark` is told to reviewers and costs nothing.
    """

    path: str
    message: str
    severity: Literal["refuse", "mark"] = "refuse"


class InvalidPayload(InvalidInput):
    """A prompt or an answer does not have the shape of its format; `problems` say where."""

    code = "invalid_payload"

    def __init__(self, problems: list[Problem]) -> None:
        errors = [{"field": p.path, "problem": p.message} for p in problems]
        first = problems[0]
        super().__init__(f"{first.path or 'It'} {first.message}.", errors=errors)
        self.problems = problems


def kind_of(value: object) -> str:
    """What a JSON value is, in words: an object, a list, a text, a number."""
    return _KINDS.get(type(value), "something else")


def problems_of(error: ValidationError) -> list[Problem]:
    """Pydantic's findings as sentences without the offending value."""
    found = []
    for item in error.errors(include_url=False, include_input=False):
        context = item.get("ctx", {})
        path = ".".join(str(step) for step in item["loc"])
        found.append(Problem(path, _sentence(item["type"], context, item["msg"])))
    return found


# Any: pydantic's context holds the limits that were crossed.
def _sentence(kind: str, context: dict[str, Any], otherwise: str) -> str:
    is_text = kind.startswith("string_") or context.get("field_type") == "Value"
    if kind in _SHORT and is_text:
        least = context["min_length"]
        return "is empty" if least == 1 else f"needs at least {least} characters"
    if kind == "too_long" and is_text:
        kind = "string_too_long"
    return _SENTENCES.get(kind, otherwise).format(**context)


def fault_of(value: JsonValue) -> str | None:
    """Why the database could not keep this JSON value, or None.

    Text with NUL characters or half surrogate pairs, numbers that are not finite, and nesting
    deeper than 64 are refused here, so that no row fails later inside a transaction.
    """
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, str):
            fault = text_fault(item)
            if fault:
                return fault
        elif isinstance(item, float) and not math.isfinite(item):
            return "holds a number that is too large"
        elif isinstance(item, (dict, list)):
            if depth > DEEPEST:
                return f"is nested deeper than {DEEPEST} levels"
            if isinstance(item, dict):
                waiting += [(key, depth) for key in item]
                waiting += [(member, depth + 1) for member in item.values()]
            else:
                waiting += [(member, depth + 1) for member in item]
    return None


def text_fault(text: str) -> str | None:
    """Why this text could not be kept, or None."""
    if "\x00" in text:
        return "holds a NUL character (\\u0000), which cannot be stored"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "holds bytes that are not UTF-8; save the file as UTF-8"
    return None
