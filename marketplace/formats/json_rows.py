"""Rows of JSON Lines, of a JSON list and of a JSON object keyed by id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from pydantic import JsonValue

from marketplace.formats.json_elements import Elements
from marketplace.formats.problems import DEEPEST, RowProblem, fault_of, kind_of
from marketplace.formats.source import CHUNK, Limits, Row, Source, too_long


class _Unusable(ValueError):
    """A row whose JSON is well formed but means nothing certain."""


def read_json_lines(source: Source, limits: Limits) -> Iterator[Row | RowProblem]:
    """One object a line; empty lines are skipped."""
    number = 0
    while line := source.read_line(limits.row_bytes + 1):
        number += 1
        if len(line) > limits.row_bytes and not line.endswith(b"\n"):
            while (rest := source.read_line(CHUNK)) and not rest.endswith(b"\n"):
                pass
            yield RowProblem(number, "", too_long(number, limits))
        elif line.strip():
            yield _row(line, number)


def read_json_document(source: Source, limits: Limits) -> Iterator[Row | RowProblem]:
    """The rows of a list, of an object keyed by id, or the one row that the document is."""
    if source.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        yield from _list(source, limits)
    elif _is_keyed(source, limits):
        yield from _keyed(source, limits)
    else:
        document = source.read(limits.row_bytes + 1)
        is_long = len(document) > limits.row_bytes
        yield RowProblem(1, "", too_long(1, limits)) if is_long else _row(document, 1)


def is_json_lines(source: Source, limits: Limits) -> bool:
    """Whether the first line is one whole object and something follows it."""
    line = source.read_line(limits.row_bytes + 1)
    rest = source.read(CHUNK)
    source.rewind()
    try:
        return isinstance(json.loads(line), dict) and bool(rest.strip())
    except (ValueError, RecursionError):
        return False


def _is_keyed(source: Source, limits: Limits) -> bool:
    """Whether the first member of the object is itself an object."""
    elements = Elements(limit=limits.row_bytes)
    first = next(_cut(source, elements), None)
    source.rewind()
    return first is not None and first.rstrip().endswith(b"}")


def _cut(source: Source, elements: Elements) -> Iterator[bytes | None]:
    while not elements.is_done and (chunk := source.read(CHUNK)):
        yield from elements.feed(chunk)


def _list(source: Source, limits: Limits) -> Iterator[Row | RowProblem]:
    elements = Elements(limit=limits.row_bytes)
    number = 0
    for element in _cut(source, elements):
        if element is not None and not element.strip() and elements.is_done and not number:
            continue
        number += 1
        if element is None:
            yield RowProblem(number, "", too_long(number, limits))
        else:
            yield _row(element, number)
    yield from _ending(source, elements, number)


def _keyed(source: Source, limits: Limits) -> Iterator[Row | RowProblem]:
    elements = Elements(limit=limits.row_bytes)
    seen: set[str] = set()
    number = 0
    for number, element in enumerate(_cut(source, elements), start=1):
        if element is None:
            yield RowProblem(number, "", too_long(number, limits))
            continue
        member = _load(b"{" + element + b"}", number)
        if isinstance(member, RowProblem):
            yield member
            continue
        key, value = next(iter(member.items()), ("", None))
        if key in seen:
            yield RowProblem(number, "", f"Row {number}: the key “{key[:80]}” occurs twice.")
        else:
            seen.add(key)
            yield _checked(value, number, key=key)
    yield from _ending(source, elements, number)


def _ending(source: Source, elements: Elements, number: int) -> Iterator[RowProblem]:
    if not elements.is_done:
        cut = f"in row {number + 1}" if elements.has_started_element else f"after row {number}"
        yield RowProblem(
            0, "", f"The file ends {cut}, before its JSON does: it is only half there."
        )
    elif elements.tail or source.read(CHUNK).strip():
        yield RowProblem(0, "", f"Something follows the end of the JSON, after row {number}.")


def _row(raw: bytes, number: int) -> Row | RowProblem:
    value = _load(raw, number)
    return value if isinstance(value, RowProblem) else _checked(value, number)


def _checked(value: JsonValue, number: int, *, key: str | None = None) -> Row | RowProblem:
    if not isinstance(value, dict):
        sentence = f"Row {number} is {kind_of(value)}; a row is an object with named fields."
        return RowProblem(number, "", sentence)
    for field, content in value.items():
        fault = fault_of({field: content})
        if fault:
            return RowProblem(number, field[:80], f"Row {number}, “{field[:80]}” {fault}.")
    return Row(number, value, key)


# Any: whatever the JSON holds; `_checked` narrows it.
def _load(raw: bytes, number: int) -> Any | RowProblem:
    try:
        return json.loads(
            raw.decode().strip(),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1} of it is not UTF-8; save the file as UTF-8"
        return RowProblem(number, "", f"Row {number} cannot be read: {place}.")
    except json.JSONDecodeError as error:
        place = f"{error.msg.lower()} at character {error.pos + 1}"
        return RowProblem(number, "", f"Row {number} is not valid JSON: {place}.")
    except RecursionError:
        return RowProblem(number, "", f"Row {number} is nested deeper than {DEEPEST} levels.")
    except ValueError as error:
        return RowProblem(number, "", f"Row {number} cannot be used: {error}.")


def _without_repeats(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Unusable(f"the key “{twice[:80]}” occurs twice")
    return members


def _refuse_constant(word: str) -> NoReturn:
    raise _Unusable(f"{word} is not a JSON value")
