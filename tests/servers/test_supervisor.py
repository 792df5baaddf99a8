"""What the supervisor does with its children, over small programs in real processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from marketplace.kit.servers.claims import HOST, PORTS, listen
from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.kit.servers.folders import restoring_marker
from marketplace.kit.servers.processes import ROLES, end, is_alive, marked
from marketplace.kit.servers.supervisor import Backoff
from tests.servers.waiting import until


class Tiny:
    """One run of tests/servers/tiny.py."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.output = home / f"output-{len(list(home.glob('output-*')))}"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.servers.tiny", str(home)],
                cwd=settings.BASE_DIR,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def address(self) -> str:
        found = until(lambda: re.search(r"Guildhall is at (\S+)", self.output.read_text()))
        return found.group(1)

    def pid(self, role: str, *, after: int = 0) -> int:
        """The pid of this role's program that began last, other than the given one."""
        log = self.home / f"{role}.log"
        began = until(
            lambda: [int(n) for n in re.findall(r"began (\d+)", read(log)) if int(n) != after]
        )
        return began[-1]


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.fixture
def start(instance_home: Path) -> Iterator[Callable[[], Tiny]]:
    runs: list[Tiny] = []

    def begin() -> Tiny:
        runs.append(Tiny(instance_home))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.wait()
    end(marked(instance_home, ROLES), seconds=0)


def test_a_dead_child_is_started_again_and_takes_no_other_with_it(
    start: Callable[[], Tiny],
) -> None:
    run = start()
    run.address()
    web, worker = run.pid("web"), run.pid("worker")

    os.kill(worker, signal.SIGKILL)

    assert run.pid("worker", after=worker) != worker
    assert psutil.pid_exists(web)
    assert "worker ended (-9); again in 1 s" in run.output.read_text()


def test_what_a_dead_child_left_behind_is_ended(start: Callable[[], Tiny]) -> None:
    run = start()
    bulk = run.pid("bulk")
    grandchild = until(lambda: psutil.Process(bulk).children())[0]

    os.kill(bulk, signal.SIGKILL)

    assert until(lambda: not is_alive(grandchild))


def test_a_signal_ends_every_child_in_peace(start: Callable[[], Tiny]) -> None:
    run = start()
    run.address()
    pids = {role: run.pid(role) for role in ("web", "worker", "bulk")}

    run.process.send_signal(signal.SIGTERM)

    assert run.process.wait(20) == 0
    for role, pid in pids.items():
        assert f"ended {pid}" in read(run.home / f"{role}.log")
    assert marked(run.home) == []


def test_a_second_up_says_where_the_first_one_is(start: Callable[[], Tiny]) -> None:
    first = start()
    address = first.address()
    second = Tiny(first.home)

    assert second.process.wait(20) == 1
    told = f"Guildhall is already running here, pid {first.process.pid}, {address}\n"
    assert second.output.read_text() == told


def test_children_that_outlive_the_supervisor_are_ended_by_the_next(
    start: Callable[[], Tiny],
) -> None:
    first = start()
    first.address()
    orphans = [psutil.Process(first.pid(role)) for role in ("web", "worker", "bulk")]
    first.process.kill()
    first.process.wait()
    assert all(is_alive(orphan) for orphan in orphans)

    second = start()

    assert second.address().startswith("http://127.0.0.1:80")
    assert not any(is_alive(orphan) for orphan in orphans)


def test_workers_rest_while_a_restore_goes_on(start: Callable[[], Tiny]) -> None:
    run = start()
    run.address()
    worker, web = psutil.Process(run.pid("worker")), psutil.Process(run.pid("web"))

    restoring_marker(run.home).touch()
    until(lambda: not is_alive(worker))
    assert is_alive(web)
    restoring_marker(run.home).unlink()

    assert run.pid("worker", after=worker.pid) != worker.pid


def test_deaths_are_answered_with_longer_and_longer_pauses() -> None:
    backoff = Backoff()

    pauses = []
    for now in range(7):
        backoff.begin(float(now))
        pauses.append(backoff.died(float(now)))

    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_minute_of_health_forgets_earlier_deaths() -> None:
    backoff = Backoff(deaths=5)

    backoff.begin(100.0)

    assert backoff.died(160.0) == 1


def test_a_given_port_that_is_busy_is_an_error() -> None:
    with listen(0) as other, pytest.raises(ServerUnavailable, match=r"Port \d+ is taken"):
        listen(other.getsockname()[1])


def test_two_instances_get_two_ports() -> None:
    with listen(None) as first, listen(None) as second:
        ports = [link.getsockname()[1] for link in (first, second)]

    assert ports[0] != ports[1]
    assert set(ports) <= set(PORTS)


def test_the_site_listens_to_this_machine_only() -> None:
    with listen(0) as link:
        assert link.getsockname()[0] == HOST == "127.0.0.1"
        assert link.family == socket.AF_INET
