"""Run ticks, occurrences and due jobs without Celery and Redis."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

import django.db
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from marketplace.jobs.services.running import run_due_jobs

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Run what is due, straight from the tables, then end. With --forever: until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--queue", action="append", choices=list(settings.JOB_QUEUES), help="only this queue"
        )
        parser.add_argument("--forever", action="store_true", help="look again every second")

    def handle(self, *_args: Any, **options: Any) -> None:  # Any: Django's signature
        if options["forever"]:
            self._run_until_told_to_stop(options["queue"])
        else:
            ran = run_due_jobs(queues=options["queue"])
            self.stdout.write(f"{ran} {'job' if ran == 1 else 'jobs'} ran.")

    def _run_until_told_to_stop(self, queues: list[str] | None) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.wait(1):
            try:
                run_due_jobs(queues=queues)
            except* django.db.Error:
                logger.exception("The database did not answer; trying again")
                connection.close()
