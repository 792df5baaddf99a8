"""The inner half of `journey`: runs in the instance that it made, and only there."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from marketplace.kit.errors import DomainError
from marketplace.people.models import User
from marketplace.web.journey.run import Journey, lines_of
from marketplace.web.management.commands.journey import add_plan_arguments, plan_of
from marketplace.web.simulation.waiting import TookTooLong


class Command(BaseCommand):
    help = "Used by `journey`. Refuses an instance that anybody lives in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_plan_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        if User.objects.exists():
            raise CommandError("This instance is in use. Run `manage.py journey`.")
        plan = plan_of(options, options["out"])
        say = self.stderr.write if options["json"] else self.stdout.write
        try:
            report = Journey(plan, say).run()
        except (DomainError, TookTooLong) as refused:
            raise CommandError(str(refused)) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        else:
            self.stdout.write("\n".join(lines_of(report)))
        if not report.is_good:
            raise SystemExit(1)
