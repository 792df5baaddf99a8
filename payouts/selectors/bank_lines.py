"""The lines of a bank's confirmation, read strictly: what is wrong is named by its line."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from marketplace.kit.money import Money, exponent

COLUMNS = ("reference", "status", "amount", "currency", "bank_reference", "reason")
MOST_LINES = 10_000
LONGEST_CELL = 100


@dataclass(frozen=True, slots=True)
class BankLine:
    """What the bank says of one payment. `number` is the line in the file, from 1."""

    number: int
    reference: str
    is_paid: bool
    amount: Money
    bank_reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Why a line was left out, in words; line 0 is about the whole file."""

    number: int
    words: str


def amount_cell(minor: int, currency: str) -> str:
    """`1234.50`: digits as banks read them, no separators of thousands."""
    places = exponent(currency)
    whole, rest = divmod(minor, 10**places)
    return f"{whole}.{rest:0{places}d}" if places else str(whole)


def read_lines(content: bytes) -> tuple[list[BankLine], list[LineProblem]]:
    """Every line that can be read, and what is wrong with the others."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [LineProblem(0, "The file is not UTF-8 text.")]
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in head else ",")
    missing = [name for name in COLUMNS[:5] if name not in (reader.fieldnames or ())]
    if missing:
        return [], [LineProblem(1, f"These columns are missing: {', '.join(missing)}.")]
    return _read(reader)


def _read(reader: csv.DictReader[str]) -> tuple[list[BankLine], list[LineProblem]]:
    lines, problems, seen = list[BankLine](), list[LineProblem](), dict[str, int]()
    for row in reader:
        number = reader.line_num
        if number > MOST_LINES:
            problems.append(LineProblem(number, f"Only {MOST_LINES:,} lines are read at a time."))
            break
        cells = {name: (row.get(name) or "").strip()[:LONGEST_CELL] for name in COLUMNS}
        if not any(cells.values()):
            continue
        read = _line(number, cells)
        if isinstance(read, str):
            problems.append(LineProblem(number, read))
        elif read.reference in seen:
            words = f"The reference stands on line {seen[read.reference]} already."
            problems.append(LineProblem(number, words))
        else:
            seen[read.reference] = number
            lines.append(read)
    return lines, problems


def _line(number: int, cells: dict[str, str]) -> BankLine | str:
    status = cells["status"].lower()
    if not cells["reference"]:
        return "The reference is missing."
    if status not in {"paid", "rejected"}:
        return f"The status is {cells['status'] or 'empty'}; it must be paid or rejected."
    amount = _amount(cells["amount"], cells["currency"].upper())
    if amount is None:
        return f"{cells['amount'] or 'Nothing'} {cells['currency']} is not an amount."
    if status == "paid" and not cells["bank_reference"]:
        return "A paid line needs the bank's own reference."
    if status == "rejected" and not cells["reason"]:
        return "A rejected line needs the bank's reason."
    return BankLine(
        number,
        cells["reference"].lower(),
        status == "paid",
        amount,
        cells["bank_reference"],
        cells["reason"],
    )


def _amount(text: str, currency: str) -> Money | None:
    whole, point, rest = text.partition(".")
    is_code = len(currency) == len("USD") and currency.isascii() and currency.isalpha()
    if not is_code or not (whole.isdecimal() and whole.isascii()):
        return None
    places = exponent(currency)
    if point and not (rest.isdecimal() and rest.isascii() and len(rest) <= places):
        return None
    return Money(int(whole) * 10**places + int(rest.ljust(places, "0") or 0), currency)
