"""The one place where the time is read. Verbs take `at`; edges call `now()`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.db import connection

_set_instant: ContextVar[datetime | None] = ContextVar("set_instant", default=None)


def now() -> datetime:
    """The database's time as aware UTC, or the instant set by `at`.

    Machines of one instance need not agree on the time: they all ask the same database.
    """
    instant = _set_instant.get()
    if instant is not None:
        return instant
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Pin `now()` to an aware instant in this context. For seeds and tests only."""
    if instant.utcoffset() != timedelta(0):
        raise ValueError("clock.at takes an aware UTC instant")
    token = _set_instant.set(instant)
    try:
        yield
    finally:
        _set_instant.reset(token)
