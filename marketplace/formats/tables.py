"""Rows of CSV and TSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from marketplace.formats.problems import RowProblem, fault_of
from marketplace.formats.source import CHUNK, Limits, Row, Source, too_long

# The module's own limit (128 KB a cell) is process-wide; ours, per row, is checked below.
csv.field_size_limit(1 << 30)


class _TooLong(Exception):
    """The record that is being read is over the limit."""


class _Lines:
    """Feeds the CSV reader, and stops it before one record fills the memory."""

    def __init__(self, source: Source, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._size = 0
        self._quotes = 0
        self._is_inside_line = False

    def start_record(self) -> None:
        self._size = self._quotes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._read(self._limit + 1)
        if not line:
            raise StopIteration
        if self._size > self._limit:
            raise _TooLong
        # Bytes that are not UTF-8 become half surrogates, which the check of the row names.
        return line.decode(errors="surrogateescape")

    def skip_record(self) -> None:
        """Read on to the end of the record without keeping it: outside quotes, at a line end."""
        while self._is_inside_line or self._quotes % 2:
            if not self._read(CHUNK):
                return

    def _read(self, size: int) -> bytes:
        line = self._source.read_line(size)
        self._size += len(line)
        self._quotes += line.count(b'"')
        self._is_inside_line = bool(line) and not line.endswith(b"\n")
        return line


def read_table(
    source: Source, limits: Limits, columns: Sequence[str] | None
) -> Iterator[Row | RowProblem]:
    """Rows of texts under the names of the header line, or under `columns` if there is none."""
    if b"\r" in source.head and b"\n" not in source.head:
        yield RowProblem(
            0, "", "Lines end in CR only. Save the file with Unix or Windows line ends."
        )
        return
    records = _records(source, limits)
    names = list(columns) if columns is not None else next(records, [])
    if isinstance(names, str):
        yield RowProblem(0, "", f"The header line cannot be read: it {names}.")
        return
    fault = _header_fault(names)
    if fault:
        yield RowProblem(0, "", fault)
        return
    number = 0
    for cells in records:
        if cells == []:
            continue
        number += 1
        yield _row(names, cells, number, limits)


def _header_fault(names: list[str]) -> str | None:
    if not any(name.strip() for name in names):
        return "The first line holds no column names."
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return f"Two columns have the same name: {', '.join(twice) or '(empty)'}."
    fault = fault_of("".join(names))
    return f"The header line {fault}." if fault else None


def _records(source: Source, limits: Limits) -> Iterator[list[str] | str]:
    """Cells of each record, or what is wrong with it; an empty list for an empty line."""
    delimiter = _delimiter(source.head)
    lines = _Lines(source, limits.row_bytes)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.start_record()
        try:
            yield next(reader)
        except StopIteration:
            return
        except _TooLong:
            lines.skip_record()
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            yield "is too long"
        except csv.Error as error:
            yield f"is not valid CSV ({error})"


def _row(names: list[str], cells: list[str] | str, number: int, limits: Limits) -> Row | RowProblem:
    if cells == "is too long":
        return RowProblem(number, "", too_long(number, limits))
    if isinstance(cells, str):
        return RowProblem(number, "", f"Row {number} {cells}.")
    if len(cells) != len(names):
        sentence = f"Row {number} has {len(cells)} cells; the header has {len(names)}."
        return RowProblem(number, "", sentence)
    for name, cell in zip(names, cells, strict=True):
        fault = fault_of(cell)
        if fault:
            return RowProblem(number, name, f"Row {number}, “{name}” {fault}.")
    return Row(number, dict(zip(names, cells, strict=True)))


def _delimiter(head: bytes) -> str:
    """Comma, semicolon or tab: what the first line has most of."""
    line = head.split(b"\n", 1)[0]
    return max((",", ";", "\t"), key=lambda mark: line.count(mark.encode()))
