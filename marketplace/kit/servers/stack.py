"""The built-in servers of one instance: where they are, starting and stopping them together."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from marketplace.kit.servers import postgres, valkey
from marketplace.kit.servers.folders import POSTGRES_SOCKET, data_dir, locked, make_home, secret
from marketplace.kit.servers.postgres import Postgres, database_url
from marketplace.kit.servers.valkey import Valkey, redis_url

__all__ = ["ServerStatus", "Stack", "data_dir", "database_url", "redis_url", "secret"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerStatus:
    """How one built-in server is doing; `pid` is None when it is down, `size` is in bytes."""

    name: str
    version: str
    pid: int | None
    size: int
    socket: Path


@dataclass(frozen=True)
class Stack:
    """PostgreSQL and Valkey of one folder. A server that the environment names is left alone."""

    home: Path
    database: Postgres | None
    broker: Valkey | None

    @classmethod
    def durable(cls, home: Path, environ: Mapping[str, str] = os.environ) -> Stack:
        """The servers of an instance, which forget nothing they confirmed."""
        return cls._of(home, environ, postgres.DURABLE, valkey.KEPT)

    @classmethod
    def for_tests(cls, home: Path, environ: Mapping[str, str] = os.environ) -> Stack:
        """The servers of a test run, which are fast and may lose everything with the machine."""
        return cls._of(home, environ, postgres.FORGETFUL, valkey.FORGETFUL)

    @classmethod
    def _of(
        cls,
        home: Path,
        environ: Mapping[str, str],
        durability: Mapping[str, str],
        persistence: Mapping[str, str],
    ) -> Stack:
        return cls(
            home=home,
            database=None if environ.get("DATABASE_URL") else Postgres(home, durability),
            broker=None if environ.get("REDIS_URL") else Valkey(home, persistence),
        )

    def up(self) -> None:
        """Have the servers running and answering. Two starters at once wait for each other."""
        if not (self.database or self.broker):
            return
        make_home(self.home)
        with locked(self.home / "run/lock"):
            if self.database:
                self._say_who_runs_it(self.database)
                self.database.start()
            if self.broker:
                self.broker.start()

    def down(self) -> None:
        """Stop the servers, the database last."""
        if not (self.home / "run").is_dir():
            return
        with locked(self.home / "run/lock"):
            if self.broker:
                self.broker.stop()
            if self.database:
                self.database.stop()

    def is_up(self) -> bool:
        """Whether every built-in server is there. Cheap enough to ask twice a second."""
        return not self.is_database_down() and (self.broker is None or self.broker.answers())

    def is_database_down(self) -> bool:
        """Whether there is a built-in database and it does not run."""
        return self.database is not None and self.database.pid() is None

    def status(self) -> list[ServerStatus]:
        """How each built-in server is doing."""
        found = []
        if self.database:
            found.append(self._database_status(self.database))
        if self.broker:
            found.append(self._broker_status(self.broker))
        return found

    def ensure_database(self, name: str = "guildhall") -> None:
        """Have an empty or existing database of that name in the built-in server."""
        if self.database is None:
            return
        with psycopg.connect(database_url(self.home, "postgres"), autocommit=True) as link:
            known = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known is None:
                link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _say_who_runs_it(self, server: Postgres) -> None:
        if server.account and server.pid() is None:
            logger.warning("Running as root: PostgreSQL runs as %s", server.account.name)

    def _database_status(self, server: Postgres) -> ServerStatus:
        return ServerStatus(
            name="PostgreSQL",
            version=server.version(),
            pid=server.pid() if server.answers() else None,
            size=folder_size(server.data),
            socket=server.socket_dir / POSTGRES_SOCKET,
        )

    def _broker_status(self, server: Valkey) -> ServerStatus:
        facts = server.facts()
        pid = facts.get("process_id")
        return ServerStatus(
            name="Valkey",
            version=facts.get("valkey_version", ""),
            pid=int(pid) if pid else None,
            size=folder_size(server.data),
            socket=server.socket,
        )


def folder_size(folder: Path) -> int:
    """The bytes of all files below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(where) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
