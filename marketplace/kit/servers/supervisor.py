"""Runs the processes of one instance: starts them, restarts what dies, stops everything in order.

Celery ends itself when a pool child dies during boot, and a plain process runner would then stop
the rest; here one dead child never takes another with it.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from marketplace.kit.servers.claims import address_of, answers_http, claimed, listen, write_claim
from marketplace.kit.servers.errors import ServerUnavailable
from marketplace.kit.servers.folders import restoring_marker
from marketplace.kit.servers.processes import (
    ROLE,
    ROLES,
    SUPERVISED,
    WORKERS,
    end,
    marked,
)
from marketplace.kit.servers.stack import Stack

logger = logging.getLogger(__name__)

PERIOD = 0.5  # seconds between two looks
HEAD_START = 10.0  # seconds at most that the site has for itself, to answer soon on two cores
HEALTHY_AFTER = 60.0  # seconds of life that forget earlier deaths
LONGEST_PAUSE = 30.0
PATIENCE = 30.0  # seconds that a child gets to finish when asked to end
MISSES = 3  # looks in a row at a silent server before it is started again
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Backoff:
    """When something that died may start again: after 1, 2, 4 … 30 seconds."""

    deaths: int = 0
    started: float = 0.0
    due: float = 0.0

    def begin(self, now: float) -> None:
        """It runs from now on."""
        self.started = now

    def died(self, now: float) -> float:
        """It died; the seconds until it may start again."""
        self.deaths = 1 if now - self.started >= HEALTHY_AFTER else self.deaths + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (self.deaths - 1))
        self.due = now + pause
        return pause


@dataclass
class Child:
    """One supervised program; `words` is its command line. `runs_once`: not started again."""

    role: str
    words: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    sockets: Sequence[int] = ()
    runs_once: bool = False
    backoff: Backoff = field(default_factory=Backoff)
    process: subprocess.Popen[bytes] | None = None


def web_child(
    link: socket.socket, *, python: str, processes: int, environ: Mapping[str, str]
) -> Child:
    """Gunicorn on a socket that the supervisor keeps, so the port survives a restart."""
    words = [python, "-m", "gunicorn", "marketplace.wsgi", "--bind", f"fd://{link.fileno()}"]
    words += [
        "-k",
        "gthread",
        "--threads",
        "8",
        "-w",
        str(processes),
        "--no-control-socket",
        "--preload",
    ]
    words += ["--graceful-timeout", "20", "--max-requests", "5000", "--max-requests-jitter", "500"]
    return Child("web", words, environ, sockets=(link.fileno(),))


def worker_children(*, python: str, environ: Mapping[str, str]) -> list[Child]:
    """The Celery processes: a worker for quick jobs, one for bulk, and the beat."""
    hush = ["-W", "ignore:You're running the worker with superuser"]  # `up` has said so already
    celery = [python, *hush, "-m", "celery", "-q", "-A", "marketplace"]
    quiet = ["--without-gossip", "--without-mingle", "-l", "WARNING"]
    quick = ["worker", "-n", "worker@%h", "-Q", "money,default", "-c", "2", *quiet]
    bulk = ["worker", "-n", "bulk@%h", "-Q", "bulk", "-c", "1", *quiet]
    beat = ["beat", "-S", "celery.beat.Scheduler", "--pidfile=", "-l", "WARNING"]
    return [
        Child("worker", [*celery, *quick], environ),
        Child("bulk", [*celery, *bulk], environ),
        Child("beat", [*celery, *beat], environ),
    ]


@dataclass
class Supervisor:
    """The processes of one instance. `say` gets every line there is to read."""

    stack: Stack
    checkout: Path
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    _asked: int = 0
    _began: float = 0.0
    _has_answered: bool = False
    _misses: int = 0
    _servers: Backoff = field(default_factory=Backoff)

    def run(
        self,
        *,
        port: int | None,
        prepare: Callable[[], None],
        programs: Callable[[socket.socket], Sequence[Child]],
    ) -> None:
        """Be the instance until a signal: claim, servers, `prepare`, `programs`, watch, stop.

        Raises AlreadyRunning, or ServerUnavailable with the server or the port that is missing.
        """
        answer_signals(signal.default_int_handler)
        with claimed(self.stack.home) as claim:
            end(marked(self.stack.home), seconds=2)
            with listen(port) as link:
                write_claim(claim, address_of(link))
                try:
                    self.stack.up()
                    self.stack.ensure_database()
                    prepare()
                    self.children = list(programs(link))
                    self._watch(link)
                finally:
                    answer_signals(self._ask_to_stop)
                    self._stop_children()
                    self.stack.down()

    def _watch(self, link: socket.socket) -> None:
        answer_signals(self._ask_to_stop)
        self._began = time.monotonic()
        while not self._asked:
            self._look()
            if not self._has_answered and answers_http(link):
                self._has_answered = True
                self.say(f"Guildhall is at {address_of(link)} (Ctrl-C stops it)")
            time.sleep(PERIOD)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1

    def _look(self) -> None:
        now = time.monotonic()
        self._tend_servers(now)
        still = restoring_marker(self.stack.home).exists()
        site_first = not self._has_answered and now < self._began + HEAD_START
        for child in self.children:
            if child.role not in WORKERS or not (still or site_first):
                self._tend(child, now)
            elif still:
                self._rest(child)

    def _tend(self, child: Child, now: float) -> None:
        if child.process is None:
            if now >= child.backoff.due:
                self._spawn(child, now)
        elif child.process.poll() is not None and child.runs_once:
            child.process, child.backoff.due = None, math.inf
        elif child.process.poll() is not None:
            pause = child.backoff.died(now)
            self.say(f"{child.role} ended ({child.process.returncode}); again in {pause:.0f} s")
            self._end_orphans(child)

    def _rest(self, child: Child) -> None:
        if child.process and child.process.poll() is None:
            child.process.terminate()
        elif child.process:
            self._end_orphans(child)

    def _end_orphans(self, child: Child) -> None:
        child.process = None
        end(marked(self.stack.home, [child.role]), seconds=1)

    def _spawn(self, child: Child, now: float) -> None:
        child.backoff.begin(now)
        mark = {SUPERVISED: str(self.stack.home), ROLE: child.role, "PYTHONUNBUFFERED": "1"}
        child.process = subprocess.Popen(  # noqa: S603 - our own command lines
            child.words,
            cwd=self.checkout,
            env={**os.environ, **child.environ, **mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=child.sockets,
        )
        assert child.process.stdout is not None
        threading.Thread(
            target=self._relay, args=(child.role, child.process.stdout), daemon=True
        ).start()

    def _relay(self, role: str, lines: IO[bytes]) -> None:
        with lines:
            for line in lines:
                if line.strip():
                    self.say(f"{role:<6} | {line.decode(errors='replace').rstrip()}")

    def _tend_servers(self, now: float) -> None:
        self._misses = 0 if self.stack.is_up() else self._misses + 1
        if self._misses < MISSES or now < self._servers.due:
            return
        self.say("A built-in server is down; starting it")
        try:
            self.stack.up()
        except ServerUnavailable as refused:
            self.say(f"{refused.message} Again in {self._servers.died(now):.0f} s")

    def _stop_children(self) -> None:
        """Ask all to finish, wait half a minute for all of them, end the rest."""
        running = [child for child in self.children if child.process]
        for child in sorted(running, key=lambda one: ("beat", *ROLES).index(one.role)):
            assert child.process is not None
            child.process.terminate()
        deadline = time.monotonic() + PATIENCE
        asked = self._asked
        while any(child.process and child.process.poll() is None for child in running):
            if time.monotonic() > deadline or self._asked > asked:
                break
            time.sleep(0.05)
        end(marked(self.stack.home), seconds=0)
        for child in running:
            assert child.process is not None
            child.process.wait()


def answer_signals(answer: Callable[[int, FrameType | None], object]) -> None:
    """Answer Ctrl-C, an end or a hang-up by this; a hang-up ignored by nohup stays ignored."""
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, answer)
