"""manage.py backup [FILE]: everything of this instance in one file, except its keys."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection, transaction

from marketplace.kit import clock
from marketplace.kit.errors import DomainError
from marketplace.kit.servers.archives import write_archive
from marketplace.kit.servers.dumps import dump_database
from marketplace.kit.servers.folders import make_folder
from marketplace.web.management.facts import file_folders, instance_facts, key_fingerprint


class Command(BaseCommand):
    """The dump, the files and a manifest, all of one moment."""

    help = "Write database and files into one file."
    requires_system_checks: list[str] = []  # a fault in the settings is no reason to lose data

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="default: DATA_DIR/backups/…tar")

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        at = clock.now()
        target: Path = options["file"] or self._default(f"{at:%Y-%m-%d-%H%M%S}")
        if not target.parent.is_dir():
            raise CommandError(f"There is no folder {target.parent}.")
        try:
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as scratch:
                dump = Path(scratch) / "dump"
                facts = self._dump(dump) | {"made_at": at.isoformat(), "keys": key_fingerprint()}
                write_archive(target, dump=dump, folders=file_folders(), facts=facts)
        except DomainError as refused:
            raise CommandError(refused.message) from None
        except OSError as refused:
            raise CommandError(f"Could not write {target}: {refused.strerror}.") from None
        self.stdout.write(f"{target}  {target.stat().st_size / 1_000_000:.1f} MB")
        self.stdout.write("Keep the encryption keys elsewhere: sealed fields need them.")

    def _default(self, moment: str) -> Path:
        folder: Path = settings.DATA_DIR / "backups"
        make_folder(folder, mode=0o700)
        return folder / f"guildhall-{moment}.tar"

    def _dump(self, target: Path) -> dict[str, Any]:  # Any: JSON values
        """Dump and count on one snapshot, so that the manifest tells exactly what is inside."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot: str = cursor.fetchone()[0]
            facts = instance_facts()
            dump_database(settings.DATABASE_DIRECT_URL, target, snapshot=snapshot)
        return facts
