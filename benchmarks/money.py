"""What the benchmarks of money share: a database of their own, and how figures are judged."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from statistics import median

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from marketplace.kit.servers import postgres
from marketplace.kit.servers.stack import Stack


@contextmanager
def own_database(name: str, existing: str = "") -> Iterator[None]:
    """A migrated, empty database in the built-in PostgreSQL, dropped afterwards.

    The server is the product's own, as durable as in production; it is started if it is down
    and then stopped again. An `existing` database is used and left as it is.
    """
    home = Path(settings.DATA_DIR)
    server = None if os.environ.get("DATABASE_URL") else postgres.Postgres(home, postgres.DURABLE)
    stack = Stack(home, server, None)
    was_up = server is None or server.pid() is not None
    stack.up()
    try:
        if existing:
            _connect_to(existing)
            yield
            return
        with _created(name):
            yield
    finally:
        connection.close()
        if not was_up:
            stack.down()


@contextmanager
def _created(name: str) -> Iterator[None]:
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    _on_server(drop)
    _on_server(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        _connect_to(name)
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        _on_server(drop)


def _on_server(statement: sql.Composable) -> None:
    wanted = connection.get_connection_params() | {"dbname": "postgres"}
    known = {"dbname", "user", "password", "host", "port"}
    parts = {key: value for key, value in wanted.items() if key in known}
    with psycopg.connect(**parts, autocommit=True) as link:
        link.execute(statement)


def _connect_to(name: str) -> None:
    connection.close()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Stopwatch:
    """Seconds of wall time since it was made."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start


class Table:
    """Lines as printed, and which required figures were missed."""

    def __init__(self, title: str) -> None:
        print(f"\n{title}", flush=True)
        self.misses: list[str] = []

    def line(self, what: str, shown: str) -> None:
        print(f"  {what:<58} {shown}", flush=True)

    def require(
        self, what: str, values: Sequence[float], *, least: float = -inf, most: float = inf,
        unit: str = "",
    ) -> None:  # fmt: skip
        """Judge the median of the repetitions and show their range."""
        found = median(values)
        bound = " and ".join([f">= {least:g}"] * (least > -inf) + [f"<= {most:g}"] * (most < inf))
        spread = f" ({min(values):.4g} to {max(values):.4g})" if len(values) > 1 else ""
        good = least <= found <= most
        self.line(what, f"{found:.4g}{unit}{spread}, required {bound}{'' if good else '  MISSED'}")
        if not good:
            self.misses.append(f"{what}: {found:.4g}{unit}, required {bound}")

    def close(self, *, is_judged: bool) -> int:
        """The exit code: 1 when a figure was missed, unless the sizes were too small to judge."""
        print("\n" + ("\n".join(f"MISSED {miss}" for miss in self.misses) or "all reached"))
        if not is_judged:
            print("the sizes are too small to judge")
        return bool(self.misses) and is_judged
