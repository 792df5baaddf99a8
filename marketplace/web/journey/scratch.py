"""A scratch instance: servers, database, worker and beat of its own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from marketplace.kit.ids import uuid7
from marketplace.kit.servers.folders import make_folder, private_mode
from marketplace.kit.servers.processes import ROLE, SUPERVISED, end, marked
from marketplace.kit.servers.stack import Stack
from marketplace.kit.servers.supervisor import Child, worker_children

# The run's policy: no hold, the smallest minimum, no pause between transfers worth the name.
POLICY = {
    "DEBUG": "1",
    "EMBEDDED": "1",
    "PAYMENTS_MODE": "sandbox",
    "CURRENCIES": "USD",
    "PAYOUT_HOLD_HOURS": "0",
    "PAYOUT_MINIMUM_USD": "1",
    "PAYOUT_RATE_PER_S": "100",
    "LOG_LEVEL": "WARNING",
}
GONE = ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "DATABASE_DIRECT_URL", "MEDIA_ROOT")


@dataclass
class Scratch:
    """A running scratch instance; `run` runs a command of manage.py inside it."""

    home: Path
    checkout: Path
    environ: Mapping[str, str]
    _ended: threading.Event = field(default_factory=threading.Event)
    _keepers: list[threading.Thread] = field(default_factory=list)

    def run(self, *words: str) -> int:
        """The exit code of `manage.py WORDS` in this instance; its output goes where ours goes."""
        line = [sys.executable, "manage.py", *words]
        return subprocess.run(line, cwd=self.checkout, env=self.environ, check=False).returncode  # noqa: S603 our own command line

    def start_workers(self) -> None:
        """Start worker and beat, and start again whichever dies."""
        for child in worker_children(python=sys.executable, environ={}):
            keeper = threading.Thread(target=self._keep, args=(child,), daemon=True)
            keeper.start()
            self._keepers.append(keeper)

    def stop_workers(self) -> None:
        """End worker and beat and whatever they started."""
        self._ended.set()
        end(marked(self.home), seconds=10)
        for keeper in self._keepers:
            keeper.join()

    def _keep(self, child: Child) -> None:
        mark = {SUPERVISED: str(self.home), ROLE: child.role}
        with (self.home / f"logs/{child.role}.log").open("ab") as log:
            while not self._ended.is_set():
                process = subprocess.Popen(  # noqa: S603 our own command line
                    child.words,
                    cwd=self.checkout,
                    env={**self.environ, **mark},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                process.wait()
                if not self._ended.is_set():
                    end(marked(self.home, [child.role]), seconds=1)


@contextmanager
def scratch_instance(*, below: Path, checkout: Path) -> Iterator[Scratch]:
    """A migrated instance with workers in a new folder below `below`; removed at the end."""
    make_folder(below, mode=private_mode())
    home = below / f"journey-{uuid7().hex[-12:]}"
    kept = {name: value for name, value in os.environ.items() if name not in GONE}
    scratch = Scratch(home, checkout, {**kept, **POLICY, "DATA_DIR": str(home)})
    stack = Stack.durable(home, scratch.environ)
    try:
        stack.up()
        stack.ensure_database()
        if scratch.run("migrate", "--verbosity", "0"):
            raise RuntimeError("the scratch database could not be migrated")
        scratch.start_workers()
        yield scratch
    finally:
        scratch.stop_workers()
        stack.down()
        shutil.rmtree(home, ignore_errors=True)
