"""Waiting for something that other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(
    look: Callable[[], Found | None],
    *,
    seconds: float = 20,
    else_tell: Callable[[], str] = lambda: "waited in vain",
) -> Found:
    """What `look` finds, as soon as it finds something; fails after the given time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, else_tell()
        time.sleep(0.02)
    return found
