"""Wait for what the worker does, without looking over its shoulder too often."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE = 0.1  # seconds between two looks


class TookTooLong(Exception):
    """The worker did not get there in time."""


def until(reached: Callable[[], bool], *, what: str, seconds: float) -> None:
    """Come back once `reached` says so. Raises TookTooLong, naming what was waited for."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise TookTooLong(f"{what}: not there after {seconds:.0f} s")
        time.sleep(PAUSE)
