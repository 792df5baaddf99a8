"""A child process of a worker, made by a server that never had a socket of ours.

A plain fork would share this process's connection, and beside a browser its event loop.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable

from django.conf import settings
from django.db import connection

from tests.payouts.calm import CALM
from tests.payouts.crashing import DYING, await_its_end
from tests.payouts.dying import Death, die_at

DIED = 9
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "tests.ready", "tests.payouts.child"])


def die_working(work: Callable[[], object], death: Death) -> int:
    """Do the work in a child that ends there; its exit code, once its session is over."""
    database = connection.settings_dict["NAME"]
    child = _FORKS.Process(target=_work, args=(work, death, database), daemon=True)
    child.start()
    child.join()
    await_its_end()
    return child.exitcode or 0


def _work(work: Callable[[], object], death: Death, database: str) -> None:
    for name, value in CALM.items():
        setattr(settings, name, value)
    connection.settings_dict["NAME"] = database
    connection.settings_dict["OPTIONS"]["application_name"] = DYING
    die_at(death.place, death.call, lambda: os._exit(DIED))
    work()
    connection.close()
