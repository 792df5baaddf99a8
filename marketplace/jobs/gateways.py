"""The only place that knows Celery's broker and registry."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from uuid import UUID

from celery import Celery
from django.conf import settings
from kombu.exceptions import KombuError
from prometheus_client import Counter
from redis.exceptions import RedisError

from marketplace.celery import Kind, app

logger = logging.getLogger(__name__)

BELLS_FAILED = Counter("bells_failed", "Rings that the broker did not take")
SILENCE_SECONDS = 5.0
BROKER_ERRORS = (KombuError, RedisError, OSError)


class UnknownKind(LookupError):
    """No package registers that kind with a queue. A worker older than the row may see this."""


class Bell:
    """Rings the workers; after a failure this process stays silent for five seconds.

    A broker that swallows packets thus costs one second once, not one per request. What was
    not rung is found by the sweeper.
    """

    def __init__(self) -> None:
        self._silent_until = 0.0

    def ring(self, *, job_id: UUID, queue: str) -> None:
        """Tell a worker of `queue` that the job may be due. Never raises for the broker."""
        if not settings.JOBS_BELL or self.is_silent():
            return
        try:
            _app().send_task(
                "jobs.run",
                args=[str(job_id)],
                queue=queue,
                retry=False,
                ignore_result=True,
                time_limit=settings.JOB_QUEUES[queue]["hard"],
                soft_time_limit=_soft_limit(queue),
            )
        except BROKER_ERRORS:
            self._fail()

    def waiting(self, *, queue: str) -> int | None:
        """How many messages wait in the queue; None while the broker does not answer."""
        if not settings.JOBS_BELL or self.is_silent():
            return None
        try:
            with _app().connection_or_acquire() as connection:
                return int(connection.default_channel.client.llen(queue))
        except BROKER_ERRORS:
            self._fail()
            return None

    def is_silent(self) -> bool:
        return time.monotonic() < self._silent_until

    def _fail(self) -> None:
        self._silent_until = time.monotonic() + SILENCE_SECONDS
        BELLS_FAILED.inc()
        logger.warning("The broker does not answer; jobs wait for the next sweep")


bell = Bell()


def function_of(kind: str) -> Callable[..., None]:
    """The function registered for the kind. Raises UnknownKind."""
    function: Callable[..., None] = _task(kind).run
    return function


def queue_of(kind: str) -> str:
    """The queue that the kind names. Raises UnknownKind."""
    return _task(kind).job_queue


def is_registered(kind: str) -> bool:
    return getattr(_app().tasks.get(kind), "job_queue", "") != ""


def _task(kind: str) -> Kind:
    task = _app().tasks.get(kind)
    if not isinstance(task, Kind) or not task.job_queue:
        raise UnknownKind(kind)
    return task


@cache
def _app() -> Celery[Kind]:
    """The application with every package's `jobs.py` imported."""
    app.loader.import_default_modules()
    return app


def _soft_limit(queue: str) -> int | None:
    """Seconds after which the body is interrupted, which leaves time to write the failure."""
    hard = settings.JOB_QUEUES[queue]["hard"]
    return None if hard is None else hard - max(1, hard // 10)
