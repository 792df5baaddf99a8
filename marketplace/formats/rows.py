"""Read the rows of an import file, one at a time, whatever its size.

JSON Lines, a JSON list, a JSON object keyed by id, CSV and TSV, each also gzipped. Memory stays
near one row: a longer row is skipped and named. What cannot be read is a `RowProblem`, never an
exception, and the rows after it are still read where the file allows.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import IO

from marketplace.formats.json_rows import is_json_lines, read_json_document, read_json_lines
from marketplace.formats.problems import RowProblem
from marketplace.formats.source import Limits, Row, Source, Unreadable
from marketplace.formats.tables import read_table

__all__ = ["Limits", "Row", "RowError", "read_rows"]

RowError = RowProblem
_DEFAULT = Limits()
_JSON = frozenset({".json", ".jsonl", ".ndjson"})
_TABLE = frozenset({".csv", ".tsv"})


def read_rows(
    file: IO[bytes],
    *,
    name: str,
    limits: Limits = _DEFAULT,
    columns: Sequence[str] | None = None,
) -> Iterator[Row | RowError]:
    """Every row of an open, seekable binary file, in order, or what is wrong with it.

    `name` tells the kind by its ending; without a known one the first character decides. `columns`
    names the columns of a table that has no header line. The file is read from its start.
    """
    try:
        source = Source(file, limit=limits.file_bytes)
        fault = _file_fault(source.head)
        if fault:
            yield RowProblem(0, "", fault)
        else:
            yield from _read(source, name, limits, columns)
    except Unreadable as stopped:
        yield RowProblem(0, "", stopped.problem)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield RowProblem(0, "", "The compressed file is broken or only half there.")


def _read(
    source: Source, name: str, limits: Limits, columns: Sequence[str] | None
) -> Iterator[Row | RowError]:
    ending = PurePath(name.lower().removesuffix(".gz")).suffix
    first = source.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    is_json = first in (b"{", b"[")
    if ending in _TABLE or (ending not in _JSON and not is_json):
        return read_table(source, limits, columns)
    if ending in {".jsonl", ".ndjson"} or (first == b"{" and is_json_lines(source, limits)):
        return read_json_lines(source, limits)
    if not is_json:
        return iter([RowProblem(0, "", "A JSON file starts with [ or {; this one does not.")])
    return read_json_document(source, limits)


def _file_fault(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head[:64]:
        return "The file is in UTF-16, or not a text file. Save it as UTF-8 and send it again."
    if head.startswith(b"PK\x03\x04"):
        return "This is a zip archive or an Excel file. Save the sheet as CSV and send that."
    if head.startswith(b"PAR1"):
        return "This is a Parquet file. Save it as JSON Lines or CSV and send that."
    return None if head.strip(b"\xef\xbb\xbf \t\r\n") else "The file is empty."
