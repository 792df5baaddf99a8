"""From rows of any hashable ids to arrays of positions, and back: the batch part's only reader."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from marketplace.quality.errors import InvalidRow

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Id = TypeVar("Id", bound=Hashable)


class Column(Generic[Id]):
    """One column: its distinct `ids`, and the position `at` which each row's id stands there.

    Integers in a narrow range stand in ascending order, anything else by first appearance.
    """

    __slots__ = ("at", "ids")

    def __init__(self, values: Sequence[Id]) -> None:
        self.ids: list[Any]  # Any: integers come back from numpy
        self.at: Ints
        numbers = _integers(values)
        low = int(numbers.min()) if len(numbers) else 0
        if len(numbers) and int(numbers.max()) - low <= 4 * len(numbers):
            numbers -= low
            seen = np.bincount(numbers) > 0
            self.ids = (np.flatnonzero(seen) + low).tolist()
            self.at = (np.cumsum(seen) - 1)[numbers]
        else:
            positions = {value: i for i, value in enumerate(dict.fromkeys(values))}
            self.ids = list(positions)
            self.at = np.fromiter(map(positions.__getitem__, values), np.int64, len(values))

    def __len__(self) -> int:
        return len(self.ids)


def _integers(values: Sequence[Any]) -> Ints:  # Any: looked at here
    """The values when all are integers of 64 bits, else nothing."""
    if len(values) and type(values[0]) is int and set(map(type, values)) == {int}:
        with suppress(OverflowError):
            return np.fromiter(values, np.int64, len(values))
    return np.empty(0, dtype=np.int64)


def split(rows: Sequence[Sequence[Any]], *, width: int) -> list[list[Any]]:  # Any: rows are mixed
    """The columns of equally wide rows."""
    if set(map(len, rows)) - {width}:
        odd = next(row for row in rows if len(row) != width)
        raise InvalidRow(f"row {odd!r} has {len(odd)} entries instead of {width}")
    return [list(map(itemgetter(i), rows)) for i in range(width)]


def as_list(rows: Iterable[Any]) -> list[Any]:  # Any: rows are mixed
    """The rows as a list, without a copy when they are one."""
    return rows if isinstance(rows, list) else list(rows)


def last_of_each(first: Ints, second: Ints) -> Ints | None:
    """Indices of the last row of every (first, second) pair, ascending; None when none repeats."""
    keys = first * (int(second.max(initial=0)) + 1) + second
    in_order = np.sort(keys)
    if not np.any(in_order[1:] == in_order[:-1]):
        return None
    _, from_end = np.unique(keys[::-1], return_index=True)
    return np.sort(len(keys) - 1 - from_end)


def sums(groups: Ints, values: Floats, n: int) -> Floats:
    """Σ values per group 0 … n-1."""
    return np.bincount(groups, weights=values, minlength=n).astype(np.float64, copy=False)


def counts(groups: Ints, n: int) -> Floats:
    """Rows per group 0 … n-1, as floats."""
    return np.bincount(groups, minlength=n).astype(np.float64)


def components(left: Ints, right: Ints, n: int) -> Ints:
    """The connected component of each node 0 … n-1 under edges (left, right): its least node.

    Least labels spread along edges and shortcut to their label's label: O(edges · log nodes).
    """
    name = np.arange(n, dtype=np.int64)
    while True:
        least = np.minimum(name[left], name[right])
        new = name.copy()
        np.minimum.at(new, name[left], least)
        np.minimum.at(new, name[right], least)
        while not np.array_equal(jumped := new[new], new):
            new = jumped
        if np.array_equal(new, name):
            return name
        name = new
