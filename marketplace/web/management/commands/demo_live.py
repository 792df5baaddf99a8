"""manage.py demo_live: the main job once more in the running demo, then the logins."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from marketplace.kit.errors import DomainError
from marketplace.web.demo import story
from marketplace.web.demo.live import run_live
from marketplace.web.demo.seed import is_seeded
from marketplace.web.simulation.waiting import TookTooLong

LOGINS = (
    ("expert", f"amara@{story.HOST}", "/"),
    ("expert, many fields", f"bruno@{story.HOST}", "/"),
    ("lab owner", f"owner@alder.{story.HOST}", "/o/alder/"),
    ("lab reviewer", f"reviewer@alder.{story.HOST}", "/o/alder/"),
    ("vetting (proposes)", f"vetting@{story.HOST}", "/staff/"),
    ("vetting (confirms)", f"vetting2@{story.HOST}", "/staff/"),
    ("finance (opens runs)", f"finance@{story.HOST}", "/staff/"),
    ("finance (approves)", f"finance2@{story.HOST}", "/staff/"),
    ("auditor", f"auditor@{story.HOST}", "/staff/"),
    ("superuser", f"chief@{story.HOST}", "/admin/"),
)


class Command(BaseCommand):
    help = "Run the main job once in the running demo, check the books, print the logins."

    def handle(self, *_args: Any, **_options: Any) -> None:  # Any: Django's signature
        if not (settings.DEMO and is_seeded()):
            raise CommandError("There is no demo here: use `make demo`.")
        self._say("The main job, once more, live:")
        try:
            run_live(lambda line: self._say(f"  {line}"))
        except (DomainError, TookTooLong) as refused:
            raise CommandError(str(refused)) from None
        self._say("")
        self._say(f"Everything is at {settings.SITE_URL} · password of all: {story.PASSWORD}")
        for role, address, page in LOGINS:
            self._say(f"  {role:<22}{address:<42}{page}")

    def _say(self, line: str) -> None:
        self.stdout.write(line or " ")
        self.stdout.flush()
