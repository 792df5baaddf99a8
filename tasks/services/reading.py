"""Read an import file as rows of its batch's format, the same way when checking and loading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from marketplace.formats import registry
from marketplace.formats.mapping import Coverage, InvalidMapping, Mapping, read_payload, value_at
from marketplace.formats.problems import RowProblem
from marketplace.formats.rows import Row, read_rows
from tasks.gateways import open_upload
from tasks.models import Import

ROW_KEY = "row_key="
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class GoodRow:
    """A row ready to become a task. `key` is the client's own id, or made of file and place."""

    number: int
    key: str
    payload: dict[str, JsonValue]


def split_mapping(*, mapping: Sequence[str]) -> tuple[list[str], str | None]:
    """The lines for fields, and the path of the row key if one is named. Raises InvalidMapping."""
    keys = [line.removeprefix(ROW_KEY).strip() for line in mapping if line.startswith(ROW_KEY)]
    if len(keys) > 1:
        raise InvalidMapping("Name one row_key, not several.")
    return [line for line in mapping if not line.startswith(ROW_KEY)], keys[0] if keys else None


def read_upload(*, upload: Import) -> Iterator[list[GoodRow | RowProblem]]:
    """Each row as one good row or everything wrong with it; at last, paths that no row has."""
    form = registry.get(upload.batch.project.format)
    fields, key_path = split_mapping(mapping=upload.mapping)
    mapping = Mapping.parse(fields or [f"{name}={name}" for name in form.Prompt.model_fields])
    coverage = Coverage(mapping)
    seen: set[int] = set()
    with open_upload(upload.path) as file:
        for row in read_rows(file, name=upload.file_name):
            if isinstance(row, RowProblem):
                yield [row]
                continue
            coverage.see(row)
            payload = read_payload(form, mapping, row)
            key = _key(upload, row, key_path)
            problems = [] if isinstance(payload, dict) else payload
            problems += _key_problems(row, key, key_path, seen)
            if problems or isinstance(payload, list):
                yield [*problems]
            else:
                yield [GoodRow(row.number, key, payload)]
    if fields:
        yield [*coverage.problems()]


def _key(upload: Import, row: Row, path: str | None) -> str:
    if path is not None:
        value = value_at(row.data, path)
        return str(value) if isinstance(value, str | int) else ""
    return row.key or f"{upload.sha256[:8]}:{row.number}"


def _key_problems(row: Row, key: str, path: str | None, seen: set[int]) -> list[RowProblem]:
    """A key that is missing, too long, or was seen before (hashes are enough to notice)."""
    name = path or "row_key"
    if not key:
        return [RowProblem(row.number, name, "is the row key and is empty")]
    if len(key) > LONGEST_KEY:
        return [RowProblem(row.number, name, f"is longer than {LONGEST_KEY} characters")]
    mark = hash(key)
    if mark in seen:
        return [RowProblem(row.number, name, f"“{key[:60]}” came before in this file")]
    seen.add(mark)
    return []
