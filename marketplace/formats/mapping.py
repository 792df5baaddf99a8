"""How the fields of a lab's own file become the fields of a prompt.

Each line is `field=path`. A path goes into objects and lists: `meta.title`, `choices[0].turns`,
`prediction 1`. A repeated field joins its parts that are not empty by a blank line. `field:=JSON`
gives every row the same value: `labels:=["safe","unsafe"]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import JsonValue

from marketplace.formats.interface import Format
from marketplace.formats.problems import InvalidPayload, RowProblem, fault_of, kind_of
from marketplace.formats.source import Row
from marketplace.formats.text import join_texts
from marketplace.kit.errors import InvalidInput

_STEP = re.compile(r"[^.\[\]]+|\[-?\d+\]")
_FEW = 12


class _Nothing:
    """What a path finds where a row has no such place; an empty value is something."""


_NOTHING = _Nothing()


class InvalidMapping(InvalidInput):
    """A line of the mapping cannot be read, or names a field the format does not have."""

    code = "invalid_mapping"


@dataclass(frozen=True, slots=True)
class Part:
    """One line: a target field filled from `path`, or from the same `constant` in every row."""

    field: str
    path: str | None
    constant: JsonValue = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """The lines in their order."""

    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Self:
        """Read `field=path` and `field:=JSON` lines, or InvalidMapping."""
        parts = tuple(_part(line) for line in lines)
        fixed = [part.field for part in parts if part.path is None]
        fields = [part.field for part in parts]
        for name in fixed:
            if fields.count(name) > 1:
                raise InvalidMapping(f"“{name}” has a fixed value and another line besides.")
        return cls(parts)

    def lines(self) -> list[str]:
        """The lines that `parse` reads back into this mapping."""
        return [
            f"{part.field}:={json.dumps(part.constant, ensure_ascii=False)}"
            if part.path is None
            else f"{part.field}={part.path}"
            for part in self.parts
        ]

    # Any: the mapping serves every kind of work.
    def require_fields(self, form: Format[Any, Any]) -> None:
        """Refuse fields that the format does not have, and needed ones that no line fills."""
        known = form.Prompt.model_fields
        given = {part.field for part in self.parts}
        for name in sorted(given - known.keys()):
            fields = ", ".join(known)
            raise InvalidMapping(f"{form.title} has no field “{name}”. Its fields: {fields}.")
        missing = [name for name, of in known.items() if of.is_required() and name not in given]
        if missing:
            raise InvalidMapping(f"Say where {', '.join(missing)} comes from.", missing=missing)


def apply(mapping: Mapping, row: Row) -> dict[str, JsonValue] | list[RowProblem]:
    """The payload of one row; a path that this row does not have leaves its part out."""
    payload: dict[str, JsonValue] = {}
    problems = []
    for name in dict.fromkeys(part.field for part in mapping.parts):
        parts = [part for part in mapping.parts if part.field == name]
        found = [_value(part, row) for part in parts]
        values = [value for value in found if not isinstance(value, _Nothing)]
        if len(parts) == 1 and values:
            payload[name] = values[0]
        elif values:
            odd = [value for value in values if not _is_text(value)]
            problems += [RowProblem(row.number, name, _cannot_join(odd[0]))] if odd else []
            payload[name] = "" if odd else join_texts([_flat(value) for value in values])
    return problems or payload


# Any: the kind of work is only known by name here.
def read_payload(
    form: Format[Any, Any], mapping: Mapping, row: Row
) -> dict[str, JsonValue] | list[RowProblem]:
    """The checked prompt of one row as JSON, ready to keep, or everything wrong with the row."""
    payload = apply(mapping, row)
    if isinstance(payload, list):
        return payload
    try:
        prompt = form.read_row(payload)
    except InvalidPayload as refused:
        return [RowProblem(row.number, p.path, p.message) for p in refused.problems]
    read: dict[str, JsonValue] = prompt.model_dump(mode="json")
    return read


def value_at(data: dict[str, JsonValue], path: str, default: JsonValue = None) -> JsonValue:
    """The value at a path of a row, or the default. A column of exactly that name goes first."""
    found = _look_up(data, path)
    return default if isinstance(found, _Nothing) else found


@dataclass(slots=True)
class Coverage:
    """Which paths of a mapping occurred at all, gathered over the whole file."""

    mapping: Mapping
    _missing: set[str] = field(init=False)
    _columns: dict[str, None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._missing = {part.path for part in self.mapping.parts if part.path is not None}

    def see(self, row: Row) -> None:
        """Take note of what this row has."""
        found = {path for path in self._missing if _look_up(row.data, path) is not _NOTHING}
        self._missing -= found
        if len(self._columns) < 200:
            self._columns.update(dict.fromkeys(row.data))

    def problems(self) -> list[RowProblem]:
        """One for each path that no row has, naming the columns that exist."""
        shown = [name[:60] for name in list(self._columns)[:_FEW]]
        rest = f" and {len(self._columns) - _FEW} more" if len(self._columns) > _FEW else ""
        columns = ", ".join(shown) + rest
        return [
            RowProblem(0, part.field, f"No row has “{part.path}”. Columns: {columns}.")
            for part in self.mapping.parts
            if part.path in self._missing
        ]


def _part(line: str) -> Part:
    name, equals, path = line.partition("=")
    is_constant = name.endswith(":")
    name = name.removesuffix(":").strip()
    if not equals or not name.isidentifier():
        raise InvalidMapping(f"“{line[:80]}” is not a mapping; write field=path.")
    if is_constant:
        return Part(name, None, _constant(path, line))
    if not path.strip():
        raise InvalidMapping(f"“{line[:80]}” names no column after the equals sign.")
    return Part(name, path.strip())


def _constant(text: str, line: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        raise InvalidMapping(f"“{line[:80]}”: what follows := is not JSON.") from None
    fault = fault_of(value)
    if fault:
        raise InvalidMapping(f"“{line[:80]}” {fault}.")
    return value


def _value(part: Part, row: Row) -> JsonValue | _Nothing:
    return part.constant if part.path is None else _look_up(row.data, part.path)


def _look_up(data: dict[str, JsonValue], path: str) -> JsonValue | _Nothing:
    if path in data:
        return data[path]
    here: JsonValue = data
    for step in _STEP.findall(path):
        if step.startswith("["):
            place = int(step[1:-1])
            if not isinstance(here, list) or not -len(here) <= place < len(here):
                return _NOTHING
            here = here[place]
        elif isinstance(here, dict) and step in here:
            here = here[step]
        else:
            return _NOTHING
    return here


def _is_text(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(part, (str, int, float)) or part is None for part in value)
    return value is None or isinstance(value, (str, int, float))


def _flat(value: object) -> object:
    return join_texts(value) if isinstance(value, list) else value


def _cannot_join(value: object) -> str:
    return f"has a part that is {kind_of(value)}; only texts can be joined"
