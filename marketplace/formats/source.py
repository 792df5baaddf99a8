"""The bytes of an import file, unpacked and counted, and the row they become."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import IO

from pydantic import JsonValue

CHUNK = 1 << 18
_HEAD = 4096
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest row and the largest file (unpacked), in bytes."""

    row_bytes: int = 1_000_000
    file_bytes: int = 4_000_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` is its line in JSON Lines, else its place in the file, from 1.

    `key` is its name in an object keyed by id, else None.
    """

    number: int
    data: dict[str, JsonValue]
    key: str | None = None


class Unreadable(Exception):
    """Reading cannot go on; `problem` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Source:
    """A file from its start, without its byte order mark, gzip unpacked on the way."""

    def __init__(self, file: IO[bytes], *, limit: int) -> None:
        file.seek(0)
        is_packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        # Not closed here: the caller opened the file below it and closes that.
        self._file: IO[bytes] | gzip.GzipFile = gzip.open(file) if is_packed else file  # noqa: SIM115
        self._limit = limit
        self._left = limit
        self.head = self._file.read(_HEAD)
        self.rewind()

    def rewind(self) -> None:
        """Go back to the first byte after the mark."""
        self._file.seek(0)
        if self.head.startswith(_BOM):
            self._file.read(len(_BOM))
        self._left = self._limit

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        return self._count(self._file.read(size))

    def read_line(self, size: int) -> bytes:
        """The line with its end, or its first `size` bytes; none at the end of the file."""
        return self._count(self._file.readline(size))

    def _count(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise Unreadable(f"The file is larger than {in_words(self._limit)} (unpacked).")
        return piece


def in_words(size: int) -> str:
    """Bytes as people say them: `1 MB`, `512 bytes`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= factor:
            return f"{size / factor:g} {unit}"
    return f"{size} bytes"


def too_long(number: int, limits: Limits) -> str:
    """The sentence for a row above the limit."""
    return f"Row {number} is larger than {in_words(limits.row_bytes)}, the most one row may have."
