"""manage.py up: the whole of Guildhall on one machine, until Ctrl-C."""

from __future__ import annotations

import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections

from marketplace.kit.servers.claims import address_of
from marketplace.kit.servers.errors import AlreadyRunning, ServerUnavailable
from marketplace.kit.servers.stack import Stack
from marketplace.kit.servers.supervisor import Child, Supervisor, web_child, worker_children

MIGRATING = 5_144_701  # the advisory lock of `migrate`; any number nobody else takes


class Command(BaseCommand):
    """Servers, database, migrations, then web, workers and beat under one supervisor."""

    help = "Run everything on this machine: database, broker, site, workers, beat."
    requires_system_checks: list[str] = []  # they may ask a database that is not there yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="fill an empty instance with a demo"
        )
        parser.add_argument("--port", type=int, help="default: the first free one of 8000 to 8019")
        parser.add_argument("--workers", type=int, default=2, help="web processes (default 2)")

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        supervisor = Supervisor(
            stack=Stack.durable(settings.DATA_DIR), checkout=settings.BASE_DIR, say=self._say
        )

        def prepare() -> None:
            self._prepare()
            if options["demo"]:
                call_command("demo")
            connections.close_all()

        def programs(link: socket.socket) -> list[Child]:
            environ = {"SITE_URL": os.environ.get("SITE_URL") or address_of(link)}
            web = web_child(
                link, python=sys.executable, processes=options["workers"], environ=environ
            )
            live = [sys.executable, "manage.py", "demo_live"]
            once = [Child("demo", live, environ, runs_once=True)] if options["demo"] else []
            return [web, *worker_children(python=sys.executable, environ=environ), *once]

        try:
            supervisor.run(port=options["port"], prepare=prepare, programs=programs)
        except (AlreadyRunning, ServerUnavailable) as refused:
            raise CommandError(refused.message) from None
        except KeyboardInterrupt:
            self._say("Stopped before the site was up.")

    def _prepare(self) -> None:
        with psycopg.connect(settings.DATABASE_DIRECT_URL, autocommit=True) as link:
            link.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
            call_command("migrate", interactive=False, verbosity=1)
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
