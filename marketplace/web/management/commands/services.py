"""manage.py services up|down|status|psql: the built-in servers alone."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from marketplace.kit.errors import DomainError
from marketplace.kit.servers.binaries import client_tool
from marketplace.kit.servers.claims import claimed
from marketplace.kit.servers.clients import client_environment
from marketplace.kit.servers.stack import ServerStatus, Stack

SOMETHING_IS_DOWN = 3


class Command(BaseCommand):
    """Start, stop, show or enter the built-in database and broker."""

    help = "Start, stop or show the built-in database and broker, or open psql."
    requires_system_checks: list[str] = []  # they may ask a database that is not there yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["up", "down", "status", "psql"])
        parser.add_argument("words", nargs="*", help="psql: its own arguments, after --")

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        stack = Stack.durable(settings.DATA_DIR)
        try:
            match options["act"]:
                case "up":
                    stack.up()
                    stack.ensure_database()
                    self._show(stack)
                case "down":
                    with claimed(stack.home):
                        stack.down()
                case "status":
                    self._show(stack)
                case "psql":
                    self._enter(options["words"])
        except DomainError as refused:
            raise CommandError(refused.message) from None

    def _show(self, stack: Stack) -> None:
        servers = stack.status()
        for server in servers:
            self.stdout.write(line_of(server))
        if not servers:
            self.stdout.write("No built-in server: DATABASE_URL and REDIS_URL name others.")
        if any(server.pid is None for server in servers):
            sys.exit(SOMETHING_IS_DOWN)

    def _enter(self, words: list[str]) -> None:
        """Become psql, so that its terminal, signals and exit code are its own."""
        program = str(client_tool("psql"))
        os.execve(program, [program, *words], client_environment(settings.DATABASE_DIRECT_URL))  # noqa: S606 - no shell wanted


def line_of(server: ServerStatus) -> str:
    """One server in one line: name, version, pid, size, socket."""
    state = f"pid {server.pid}" if server.pid else "down"
    size = f"{server.size / 1_000_000:.0f} MB"
    return f"{server.name:<10}  {server.version or '–':<6}  {state:<10}  {size:>7}  {server.socket}"
