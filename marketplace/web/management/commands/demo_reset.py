"""manage.py demo_reset: forget the demo, after a question."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from marketplace.kit.servers.claims import claimed
from marketplace.kit.servers.errors import AlreadyRunning
from marketplace.kit.servers.stack import Stack
from marketplace.web.management.commands.demo import MARK

FORGOTTEN = ("pg", "kv", "media", "credentials", "static", "logs")


class Command(BaseCommand):
    help = "Delete the demo's database and files. Refuses an instance that is no demo."
    requires_system_checks: list[str] = []  # they may ask a database that is about to go

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        home = settings.DATA_DIR
        stack = Stack.durable(home)
        if stack.database is None or not (home / MARK).exists():
            raise CommandError(f"{home} holds no demo of the built-in database; nothing was done.")
        if not options["yes"] and not self._is_agreed():
            raise CommandError("Kept everything.")
        try:
            with claimed(home):
                stack.down()
                for name in (*FORGOTTEN, MARK):
                    path = home / name
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        except AlreadyRunning as refused:
            raise CommandError(f"{refused.message} Stop it first.") from None
        self.stdout.write("The demo is gone.")

    def _is_agreed(self) -> bool:
        self.stdout.write(f"This deletes the demo's database and files in {settings.DATA_DIR}.")
        return input("Type yes to go on: ").strip().lower() == "yes"
