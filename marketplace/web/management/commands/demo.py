"""manage.py demo: fill an empty instance with three weeks of history."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from marketplace.kit import clock
from marketplace.people.models import User
from marketplace.web.demo.seed import is_seeded, seed

MARK = "demo"


class Command(BaseCommand):
    help = "Fill an empty instance with a demo, through the same verbs as the pages."

    def handle(self, *_args: Any, **_options: Any) -> None:  # Any: Django's signature
        if not settings.DEMO:
            raise CommandError("A demo's logins are printed, so it wants DEMO=1: use `make demo`.")
        if is_seeded():
            self.stdout.write("The demo's data is here already; `make demo-reset` starts over.")
            return
        if User.objects.exists():
            raise CommandError(
                "This instance is not empty. If a demo was interrupted, run `make demo-reset`;"
                " else point DATA_DIR at another folder."
            )
        (settings.DATA_DIR / MARK).touch()
        self.stdout.write("Seeding three weeks of history, day by day:")
        count = seed(now=clock.now(), say=self._say)
        self.stdout.write(f"{count} approved answers.")

    def _say(self, line: str) -> None:
        self.stdout.write(f"  {line}")
        self.stdout.flush()
