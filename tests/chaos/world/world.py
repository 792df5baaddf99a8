"""The world: durable servers, two workers and beat, and the faults that can be played on it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import psutil
from django.db import connection, transaction
from redis import Redis

from marketplace.jobs.models import Job
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.environment import parse_database
from marketplace.kit.ids import uuid7
from marketplace.kit.servers.stack import Stack, database_url, redis_url
from tests.chaos.world import jobs
from tests.servers.waiting import until

CHECKOUT = Path(__file__).resolve().parents[3]
CELERY = ["celery", "-A", "marketplace"]
WORKER = [*CELERY, "worker", "--without-gossip", "--without-mingle", "--loglevel=WARNING"]
PROGRAMS: Mapping[str, list[str]] = {
    "first": [*WORKER, "-n", "first@%h", "-Q", "money,default", "-c", "2"],
    "second": [*WORKER, "-n", "second@%h", "-Q", "money,default,bulk", "-c", "2"],
    "beat": [*CELERY, "beat", "-S", "celery.beat.Scheduler", "--pidfile=", "--loglevel=WARNING"],
}
WORKERS = ("first", "second")
WEB = ["gunicorn", "marketplace.wsgi", "-w", "2", "--threads", "4", "-k", "gthread"]


class World:
    """One instance in its own folder. `revive` does what a supervisor would."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.stack = Stack.durable(home, {})
        self.calls = home / "outside-calls"
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "REDIS_URL", "CACHE_URL"}
        } | {
            "DATA_DIR": str(home),
            "DJANGO_SETTINGS_MODULE": "tests.chaos.world.settings",
            "PYTHONPATH": str(CHECKOUT),
            "WORLD_CALLS": str(self.calls),
        }
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._door: socket.socket | None = None

    def build(self) -> None:
        """Servers, database and tables."""
        self.stack.up()
        self.stack.ensure_database()
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=CHECKOUT,
            env=self.environ,
            check=True,
        )

    def empty(self) -> None:
        """Forget what an earlier test left, from the tables of this process's connection."""
        self.calls.write_text("")
        self.broker().flushall()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS world_paid (payout_id uuid NOT NULL)")
            cursor.execute("CREATE TABLE IF NOT EXISTS world_row (number int NOT NULL)")
            cursor.execute("SET session_replication_role = replica")
            for table in ("world_paid", "world_row", "events_eventseal", "events_event"):
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("SET session_replication_role = DEFAULT")
        Job.objects.all().delete()

    def start(self) -> None:
        for name in PROGRAMS:
            self._start(name)
        until(lambda: self.answering() == set(WORKERS), seconds=60)

    def stop(self) -> None:
        for program in self._programs.values():
            _kill_group(program)
        self._programs.clear()
        if self._door:
            self._door.close()
            self._door = None

    def open_web(self) -> str:
        """Serve the world's page; its address. Callers queue at the door while web is dead."""
        self._door = socket.create_server(("127.0.0.1", 0))
        self._start("web")
        return f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def revive(self) -> None:
        """Start again what is dead."""
        self.stack.up()
        for name, program in list(self._programs.items()):
            if program.poll() is not None:
                self._start(name)

    def alive(self) -> bool:
        """True, after a look for what died meanwhile.

        A worker that lost its broker with messages in hand may end in kombu only some time later.
        """
        self.revive()
        return True

    def broker(self) -> Redis:
        return Redis.from_url(f"{redis_url(self.home)}?db=0")

    def answering(self) -> set[str]:
        """The workers whose children are up and take messages."""
        return {name for name in WORKERS if len(self._children(name)) == 2 and self._listens(name)}

    # Faults

    def forget_messages(self) -> None:
        self.broker().flushall()

    def lose_broker(self) -> None:
        """`kill -9` of Valkey, and its data deleted."""
        assert self.stack.broker is not None
        os.kill(int(self.stack.broker.facts()["process_id"]), signal.SIGKILL)
        shutil.rmtree(self.stack.broker.data)

    def kill_worker(self, name: str) -> None:
        """`kill -9` of a worker with all its children."""
        _kill_group(self._programs[name])

    def kill_web(self) -> None:
        """`kill -9` of the web server, in the middle of whatever it answers."""
        _kill_group(self._programs["web"])

    def kill_child(self, name: str) -> None:
        """`kill -9` of one child in the middle of whatever it does."""
        for child in self._children(name)[:1]:
            child.kill()

    def kill_database(self) -> None:
        """`kill -9` of the postmaster and every backend."""
        assert self.stack.database is not None
        postmaster = psutil.Process(self.stack.database.pid())
        for process in [postmaster, *postmaster.children()]:
            process.kill()

    # Work

    def accept_payouts(self, count: int) -> list[UUID]:
        """Payouts that a caller was told are accepted: each committed on its own."""
        accepted = [uuid7() for _ in range(count)]
        for payout_id in accepted:
            with transaction.atomic():
                enqueue(jobs.pay.name, key=f"world.pay:{payout_id}", payout_id=str(payout_id))
        return accepted

    def paid(self) -> list[UUID]:
        """What the database says was paid, in order of the ids."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT payout_id FROM world_paid ORDER BY payout_id")
            return [row[0] for row in cursor.fetchall()]

    def paid_outside(self) -> set[UUID]:
        """What the outside world says was paid."""
        return {UUID(line) for line in self.calls.read_text().split()}

    def imported_rows(self) -> list[int]:
        """The rows that the import left, in the order of their numbers."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT number FROM world_row ORDER BY number")
            return [row[0] for row in cursor.fetchall()]

    def reconnect(self) -> None:
        """Bring the database back and this process's connection with it."""
        self.stack.up()
        connection.close()

    def _start(self, name: str) -> None:
        log = (self.home / f"logs/{name}.log").open("ab")
        self._programs[name] = subprocess.Popen(
            [sys.executable, "-m", *self._command(name)],
            cwd=CHECKOUT,
            env=self.environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[self._door.fileno()] if self._door else [],
        )
        log.close()

    def _command(self, name: str) -> list[str]:
        if self._door and name == "web":
            return [*WEB, "--no-control-socket", "--bind", f"fd://{self._door.fileno()}"]
        return PROGRAMS[name]

    def _children(self, name: str) -> list[psutil.Process]:
        try:
            return psutil.Process(self._programs[name].pid).children()
        except psutil.NoSuchProcess:
            return []

    def _listens(self, name: str) -> bool:
        """A worker waits in BRPOP on its queues once it consumes."""
        clients = self.broker().client_list()
        return sum(client["cmd"] == "brpop" for client in clients) >= 1 + WORKERS.index(name)


def _kill_group(program: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


@contextmanager
def connected_to(home: Path) -> Iterator[None]:
    """This process's default connection leads to the instance's database meanwhile."""
    connection.close()
    before = connection.settings_dict
    connection.settings_dict = before | parse_database(database_url(home))
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = before
