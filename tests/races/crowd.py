"""Many threads at one verb, each with its own connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import monotonic
from typing import Any

from django.db import connection, connections


def together(calls: Sequence[Callable[[], object]]) -> list[Any]:  # Any: results and errors
    """Start all calls at once; each result, or the exception it ended with, in their order."""
    start = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        start.wait()
        try:
            return call()
        except Exception as error:  # noqa: BLE001 what went wrong is the result
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return list(pool.map(run, calls))


def wait_until_somebody_waits() -> None:
    """Return once another connection of this database waits for a lock; give up after 5 s."""
    end = monotonic() + 5
    with connection.cursor() as cursor:
        while monotonic() < end:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_stat_clear_snapshot()")
