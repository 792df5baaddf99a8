"""Ticks: periodic work that writes no row and may be lost, late or doubled."""

from __future__ import annotations

import logging
import time

from django.conf import settings

from marketplace.jobs.gateways import function_of, is_registered

logger = logging.getLogger(__name__)
_last_run: dict[str, float] = {}


def run_tick(*, name: str) -> None:
    """Run a tick unless it ran in this process less than half its period ago.

    So a day of ticks piled up in the broker drains in moments.
    """
    now = time.monotonic()
    if now - _last_run.get(name, float("-inf")) < settings.JOBS_TICKS[name] / 2:
        return
    _last_run[name] = now
    function_of(name)()


def run_ticks() -> None:
    """Run every tick of the settings once, now. One that fails does not stop the others.

    Raises an ExceptionGroup of what failed, at the end.
    """
    errors: list[Exception] = []
    for name in settings.JOBS_TICKS:
        if not is_registered(name):
            logger.error("No package registers this tick", extra={"tick": name})
            continue
        try:
            function_of(name)()
        except Exception as error:
            logger.exception("Tick failed", extra={"tick": name})
            errors.append(error)
    if errors:
        raise ExceptionGroup("ticks failed", errors)
