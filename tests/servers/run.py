"""The servers of a test run: one run per checkout at a time, one stack per process of the run."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import IO

from marketplace.kit.servers.folders import make_folder, open_private, private_mode
from marketplace.kit.servers.stack import Stack, data_dir

CHECKOUT = Path(__file__).resolve().parents[2]
HOME = "GUILDHALL_TEST_HOME"  # set by the first process of a run for those it starts
WORKER = "PYTEST_XDIST_WORKER"

_claims: list[IO[str]] = []  # open files hold the lock until the process ends


def join_the_run(environ: MutableMapping[str, str]) -> None:
    """Point the environment at this process's own servers and have them running.

    The first process of a run claims the checkout's test folder; another run waits for its end.
    """
    if HOME not in environ:
        home = data_dir(CHECKOUT, environ) / "test"
        _claim(home)
        environ[HOME] = str(home)
    own = Path(environ[HOME]) / environ.get(WORKER, "main")
    environ["DATA_DIR"] = str(own)
    stack = Stack.for_tests(own, environ)
    stack.up()
    stack.ensure_database()


def leave_the_run(environ: MutableMapping[str, str]) -> None:
    """Stop every server of the run; only the process that claimed it does so."""
    while _claims:
        for own in sorted(Path(environ[HOME]).iterdir()):
            if own.is_dir():
                Stack.for_tests(own, environ).down()
        _claims.pop().close()


def _claim(home: Path) -> None:
    make_folder(home.parent, mode=private_mode())
    make_folder(home, mode=private_mode())
    file = open_private(home / "lock")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"Another test run uses {home}; waiting for its end.\n")
        fcntl.flock(file, fcntl.LOCK_EX)
    _claims.append(file)
