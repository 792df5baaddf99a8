"""What must always hold of the books (MONEY 12). Higher packages add their own by `invariant`."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from uuid import UUID

from django.db import connection, transaction
from django.utils.module_loading import autodiscover_modules

from payouts import selectors

# The ledger as a whole, as the object of events.
LEDGER = UUID("00000000-0000-7000-8000-000000000001")
Check = Callable[[datetime], Iterable[str]]
_CHECKS: dict[str, list[Check]] = {}
_WARNINGS: dict[str, list[Check]] = {}


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that does not hold: the invariant's number and a sentence with the amounts."""

    invariant: str
    problem: str


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What was checked and what was found; sound when nothing is broken, whatever it warns of."""

    checked: tuple[str, ...]
    broken: tuple[Broken, ...]
    warnings: tuple[Broken, ...] = ()


def invariant(number: str) -> Callable[[Check], Check]:
    """Register a check: it takes `at` and yields a sentence for each thing that does not hold.

    Checks of the money are in its `selectors/*_checks.py`, those of a higher package in its
    `selectors/invariants.py`; both are found by themselves.
    """

    def register(check: Check) -> Check:
        _CHECKS.setdefault(number, []).append(check)
        return check

    return register


def warning(number: str) -> Callable[[Check], Check]:
    """Register a check whose finding a person should know, though the books are sound."""

    def register(check: Check) -> Check:
        _WARNINGS.setdefault(number, []).append(check)
        return check

    return register


def check_ledger(at: datetime) -> LedgerReport:
    """Run every registered check in one snapshot of the database."""
    for found in pkgutil.iter_modules(selectors.__path__):
        if found.name.endswith("_checks"):
            import_module(f"{selectors.__name__}.{found.name}")
    autodiscover_modules("selectors.invariants")
    with _snapshot():
        return LedgerReport(_numbers(), _found(_CHECKS, at), _found(_WARNINGS, at))


def problems_of(sql: str, **values: datetime | list[str]) -> list[str]:
    """The first column of every row that a query of violations returns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return [str(row[0]) for row in cursor.fetchall()]


def _numbers() -> tuple[str, ...]:
    return tuple(sorted(_CHECKS | _WARNINGS, key=lambda number: (len(number), number)))


def _found(checks: dict[str, list[Check]], at: datetime) -> tuple[Broken, ...]:
    return tuple(
        Broken(number, problem)
        for number in _numbers()
        for check in checks.get(number, ())
        for problem in check(at)
    )


@contextmanager
def _snapshot() -> Iterator[None]:
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
