"""Cut one huge JSON array or object into its elements without loading it."""

from __future__ import annotations

import re
from collections.abc import Iterator

# JSON is cut in bytes: its marks are ASCII, and no byte of a longer UTF-8 character looks like one.
_MARK = re.compile(rb'["{}\[\],]')
_REST_OF_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*("?)', re.DOTALL)
_OPENING, _CLOSING, _QUOTE, _COMMA = frozenset(b"{["), frozenset(b"}]"), ord('"'), ord(",")


class Elements:
    """Feed it the bytes of a document; it yields the bytes of each element of the top level.

    An element of an object is its whole member, `"key": value`. None stands for an element longer
    than `limit` bytes; no more than that is ever held. `is_done` once the top level has closed,
    with whatever follows in `tail`.
    """

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self.is_done = False
        self.tail = b""
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._held = bytearray()
        self._is_long = False

    @property
    def has_started_element(self) -> bool:
        """Whether bytes of an unfinished element wait for their rest."""
        return self._is_long or bool(self._held.strip())

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """The elements that end in this chunk."""
        start = 0
        for position in self._cuts(chunk):
            if self._depth == 1 and chunk[position] in _OPENING:
                start = position + 1  # the container itself opens here
                continue
            yield self._take(chunk[start:position])
            start = position + 1
        if self.is_done:
            self.tail = chunk[start:].strip()
        elif self._depth:
            self._hold(chunk[start:])

    def _cuts(self, chunk: bytes) -> Iterator[int]:
        """Where the container opens, where its commas are, and where it closes."""
        position = 0
        while position < len(chunk) and not self.is_done:
            if self._in_string:
                position = self._skip_string(chunk, position)
                continue
            found = _MARK.search(chunk, position)
            if found is None:
                return
            position = found.end()
            if self._is_cut(chunk[found.start()]):
                yield found.start()

    def _is_cut(self, mark: int) -> bool:
        if mark == _QUOTE:
            self._in_string = True
        elif mark in _OPENING:
            self._depth += 1
            return self._depth == 1
        elif mark in _CLOSING:
            self._depth -= 1
            self.is_done = self._depth == 0
            return self.is_done
        return mark == _COMMA and self._depth == 1

    def _skip_string(self, chunk: bytes, position: int) -> int:
        if self._escaped:
            self._escaped = False
            position += 1
        rest = _REST_OF_STRING.match(chunk, position)
        assert rest is not None  # every part of the pattern may be empty
        if rest.group(1):
            self._in_string = False
        elif rest.end() < len(chunk):
            self._escaped = True  # the chunk ends between a backslash and its character
            return len(chunk)
        return rest.end()

    def _hold(self, piece: bytes) -> None:
        if self._is_long or len(self._held) + len(piece) > self.limit:
            self._is_long = True
            self._held.clear()
        else:
            self._held += piece

    def _take(self, piece: bytes) -> bytes | None:
        self._hold(piece)
        element = None if self._is_long else bytes(self._held)
        self._held.clear()
        self._is_long = False
        return element
