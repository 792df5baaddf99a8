"""The sealer's tick and the daily copy of the head in the log."""

from __future__ import annotations

from celery import shared_task

from marketplace.events.services import sealing


@shared_task(name="events.seal", queue="default")
def seal() -> None:
    sealing.seal_events()


@shared_task(name="events.log_head", queue="default")
def log_head() -> None:
    sealing.log_head()
