"""The question banks that come with the product: a start for an instance, and its demo."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from marketplace.formats.problems import RowProblem
from marketplace.formats.rows import Row, read_rows

BANKS = ("law", "medicine", "physics", "software")


def read_bank(name: str) -> Iterator[Row | RowProblem]:
    """The rows of one of BANKS, as `item_banks.import_items` takes them."""
    with resources.files("vetting").joinpath("banks", f"{name}.json").open("rb") as file:
        yield from read_rows(file, name=f"{name}.json")
