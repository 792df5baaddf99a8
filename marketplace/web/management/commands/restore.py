"""manage.py restore FILE [--replace]: an instance as it was, opened only when it adds up."""

from __future__ import annotations

import shutil
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command, get_commands
from django.db import connections

from marketplace.events.services.sealing import seal_restored
from marketplace.kit.errors import DomainError
from marketplace.kit.servers.archives import DUMP, FILES, Facts, checked_facts, unpack
from marketplace.kit.servers.dumps import has_tables, load_database
from marketplace.kit.servers.folders import restoring_marker
from marketplace.kit.servers.processes import WORKERS, marked, wait_for
from marketplace.web.management.facts import file_folders, instance_facts, key_fingerprint

# `reapply_erasures` runs where the instance has it.
CHECKS = ("check_ledger", "verify_events")
PATIENCE = 60.0  # seconds for `up` to bring its workers to rest


class Command(BaseCommand):
    """Check the file, replace the data, migrate, verify; the site answers 503 until all passed."""

    help = "Replace database and files by those of a backup."
    requires_system_checks: list[str] = []  # they may ask a database that is about to change

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="forget what the database holds now"
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        try:
            facts = checked_facts(options["file"])
            if has_tables(settings.DATABASE_DIRECT_URL) and not options["replace"]:
                raise CommandError("The database is not empty: add --replace to forget its data.")
            self._replace_data(options["file"])
        except DomainError as refused:
            raise CommandError(refused.message) from None
        self._verify(facts)
        restoring_marker(settings.DATA_DIR).unlink()
        self.stdout.write(f"Restored to {facts['made_at']}; all checks passed.")
        if facts["keys"] != key_fingerprint():
            self.stderr.write("FIELD_ENCRYPTION_KEYS differ from then: sealed fields stay closed.")

    def _replace_data(self, archive: Path) -> None:
        marker = restoring_marker(settings.DATA_DIR)
        was_closed = marker.exists()
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch(mode=0o600)
        try:
            self._wait_for_workers()
            with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as scratch:
                unpack(archive, Path(scratch))
                load_database(settings.DATABASE_DIRECT_URL, Path(scratch) / DUMP)
                self._replace_files(Path(scratch) / FILES, Path(scratch) / "before")
        except (DomainError, CommandError):
            if not was_closed:  # nothing has changed
                marker.unlink()
            raise

    def _wait_for_workers(self) -> None:
        if wait_for(marked(settings.DATA_DIR, WORKERS), seconds=PATIENCE):
            raise CommandError("The workers do not come to rest: stop `manage.py up` first.")

    def _replace_files(self, restored: Path, before: Path) -> None:
        before.mkdir()
        for alias, folder in file_folders().items():
            place = restored / alias
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o700)
            if folder.exists():
                shutil.move(folder, before / alias)
            shutil.move(place, folder)

    def _verify(self, facts: Facts) -> None:
        connections.close_all()
        restored = instance_facts()
        for name in ("migrations", "event_head", "ledger_totals"):
            if restored[name] != facts[name]:
                raise CommandError(f"The {name} differ from the manifest; the site stays closed.")
        call_command("migrate", interactive=False, verbosity=0)
        seal_restored()
        checks = [*CHECKS, *({"reapply_erasures"} & get_commands().keys())]
        for check in checks:
            self._pass(check)

    def _pass(self, check: str) -> None:
        try:
            call_command(check, stdout=self.stdout)
        except SystemExit as ended:
            if ended.code:
                raise CommandError(f"{check} failed; the site stays closed.") from None
        except CommandError as failed:
            raise CommandError(f"{check}: {failed} The site stays closed.") from None
