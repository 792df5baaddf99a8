"""Kinds of the tests: `tests.act` does what the running test put into `bodies`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from celery import shared_task
from django.db import transaction

from marketplace.jobs.models import Job
from marketplace.jobs.services.enqueueing import enqueue

# For tests that commit: only these tables are emptied afterwards, which is ten times faster.
committing = pytest.mark.django_db(
    transaction=True,
    available_apps=["marketplace.jobs", "marketplace.events", "marketplace.web"],
)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
bodies: dict[str, Callable[[], object]] = {}
calls: list[str] = []


def reset() -> None:
    bodies.clear()
    calls.clear()


@shared_task(name="tests.act", queue="default")
def act(*, name: str) -> None:
    _act(name)


@shared_task(name="tests.act_for_long", queue="bulk")
def act_for_long(*, name: str) -> None:
    _act(name)


def _act(name: str) -> None:
    calls.append(name)
    body = bodies.get(name)
    if body:
        body()


def queued(
    name: str = "once",
    body: Callable[[], object] | None = None,
    *,
    kind: str = "tests.act",
    run_at: datetime | None = None,
) -> Job:
    """A committed job of a kind of the tests that will call `body`."""
    if body:
        bodies[name] = body
    with transaction.atomic():
        return enqueue(kind, key=f"{kind}:{name}", run_at=run_at, name=name)


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body
