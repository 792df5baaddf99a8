"""Check what must always hold of the books."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.kit import clock
from payouts.selectors.invariants import check_ledger


class Command(BaseCommand):
    help = "Check every invariant of the ledger; exit 1 and name each problem if one is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        report = check_ledger(clock.now())
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), indent=2))
        else:
            for warned in report.warnings:
                self.stderr.write(f"{warned.invariant} warns: {warned.problem}")
            for broken in report.broken:
                self.stderr.write(f"{broken.invariant}: {broken.problem}")
        if report.broken:
            raise CommandError(f"The ledger is broken: {len(report.broken)} problems.")
        if not options["json"]:
            self.stdout.write(f"The ledger is sound: {', '.join(report.checked)} hold.")
