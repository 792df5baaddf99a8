"""Recompute the chain of events."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.events.selectors import Head, verify_chain


class Command(BaseCommand):
    help = "Recompute the hash chain of events; exit 1 and name each problem if it is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            type=Path,
            metavar="FILE",
            help="a head kept elsewhere: JSON with position and hash, or a backup's manifest",
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        report = verify_chain(head=_read_head(options["head"]) if options["head"] else None)
        for problem in report.problems:
            self.stderr.write(problem)
        if report.problems:
            raise CommandError("The chain of events is broken.")
        self.stdout.write(f"{report.position} events verified, head {report.hash}")


def _read_head(path: Path) -> Head:
    try:
        given = json.loads(path.read_text())
        given = given.get("event_head", given) or {"position": 0, "hash": ""}
        return Head(int(given["position"]), str(given["hash"]))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CommandError(f"{path} holds no head of an event chain.") from error
