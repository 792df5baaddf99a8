"""Many threads at one verb, each with its own connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def together(calls: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start all calls at once; each result, or the exception it ended with, in their order."""
    start = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | Exception:
        start.wait()
        try:
            return call()
        except Exception as error:  # noqa: BLE001 what went wrong is the result
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return list(pool.map(run, calls))
