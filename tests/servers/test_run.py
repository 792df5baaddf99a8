"""One test run per checkout at a time, its servers its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from marketplace.kit.servers.folders import open_private
from marketplace.kit.servers.stack import Stack
from tests.servers.run import HOME, WORKER
from tests.servers.waiting import until

JOIN_AND_LEAVE = """
import os, sys
from marketplace.kit.servers.stack import Stack
from tests.servers.run import join_the_run, leave_the_run
join_the_run(os.environ)
stack = Stack.for_tests(__import__("pathlib").Path(os.environ["DATA_DIR"]), os.environ)
print(os.environ["DATA_DIR"], stack.is_up())
leave_the_run(os.environ)
print(stack.is_up())
"""


def joined(home: Path, **more: str) -> subprocess.Popen[str]:
    outside = {HOME, WORKER, "DATABASE_URL", "REDIS_URL", "DATA_DIR"}
    environ = {name: value for name, value in os.environ.items() if name not in outside}
    with (home / "said").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-c", JOIN_AND_LEAVE],
            cwd=settings.BASE_DIR,
            env=environ | {"DATA_DIR": str(home)} | more,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )


def test_the_suite_uses_servers_of_its_own() -> None:
    status = Stack.for_tests(settings.DATA_DIR, os.environ).status()

    assert settings.DATA_DIR.parent.name == "test"
    assert [server.pid is not None for server in status] == [True] * len(status)


def test_a_second_run_in_one_checkout_waits_and_says_so(instance_home: Path) -> None:
    (instance_home / "test").mkdir(mode=0o711)
    first = open_private(instance_home / "test/lock")
    fcntl.flock(first, fcntl.LOCK_EX)
    with joined(instance_home) as second:
        until(lambda: (instance_home / "said").read_text().startswith("Another test run uses"))
        assert second.poll() is None
        first.close()

        told, _ = second.communicate(timeout=60)

    assert told == f"{instance_home}/test/main True\nFalse\n"


def test_a_worker_of_a_run_joins_it_with_servers_of_its_own(instance_home: Path) -> None:
    home = instance_home / "test"
    with joined(instance_home, **{HOME: str(home), WORKER: "gw1"}) as worker:
        told, _ = worker.communicate(timeout=60)
    Stack.for_tests(home / "gw1", {}).down()

    assert told == f"{home}/gw1 True\nTrue\n"  # only the first process stops servers
