"""Make the papers of a month by hand."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.kit import clock
from marketplace.kit.errors import DomainError
from payouts.services.monthly_papers import make_papers
from payouts.services.stating import previous_month


class Command(BaseCommand):
    help = "Make statements, fee invoices and notes of a month; who has theirs is left out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--month", default="", help="2026-11; the last month without it")

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        at = clock.now()
        month = _month(options["month"]) if options["month"] else previous_month(at=at)
        try:
            made = make_papers(month=month, at=at)
        except DomainError as error:
            raise CommandError(error.message) from error
        counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in asdict(made).items())
        self.stdout.write(f"{month:%Y-%m}: {counts}.")


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise CommandError("Write the month as 2026-11.") from error
