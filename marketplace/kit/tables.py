"""Tables to download, which a spreadsheet may open: no cell is ever run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Line:
    """What `csv` writes into: the last line only, so that a long table needs no memory."""

    text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def csv_lines(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV line by line. Text that a spreadsheet would run begins with an apostrophe."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(head)
    yield line.text
    for cells in rows:
        writer.writerow([safe_cell(cell) for cell in cells])
        yield line.text


def safe_cell(cell: object) -> object:
    """Numbers as they are; text with an apostrophe where it begins like a formula."""
    if isinstance(cell, int):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
