"""Run a job: take its lease, call its function, write how it ended."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import django.db
from django.conf import settings
from django.db import connection
from structlog.contextvars import bound_contextvars

from marketplace.jobs.gateways import function_of
from marketplace.jobs.selectors import due_ids
from marketplace.jobs.services import leases
from marketplace.jobs.services.leases import Cancelled, Lease, LeaseLost
from marketplace.jobs.services.ticking import run_ticks
from marketplace.kit.errors import DomainError

__all__ = [
    "Cancelled",
    "GiveUp",
    "LeaseLost",
    "RetryAt",
    "finish_job",
    "renew_lease",
    "report_progress",
    "run_due_jobs",
    "run_job",
    "run_ticks",
]
logger = logging.getLogger(__name__)


class GiveUp(Exception):
    """No further attempt can help. The reason is shown to staff: a sentence, no personal data."""


class RetryAt(Exception):
    """Try again at `instant` (aware, the database's clock) instead of after the usual pause."""

    def __init__(self, instant: datetime, reason: str = "") -> None:
        super().__init__(reason)
        self.instant = instant


def run_job(*, job_id: UUID) -> None:
    """Run the job unless it is done, not due, spent or another worker's. Its errors stay in it."""
    _run(job_id)


def run_due_jobs(*, queues: Collection[str] | None = None) -> int:
    """Run ticks and due jobs in this process until none is due; how many jobs ran.

    The same runner as the workers', without Celery and Redis: for tests, seeds and
    `manage.py run_jobs`. A job that fails is due again only after its pause.
    """
    names = list(settings.JOB_QUEUES) if queues is None else list(queues)
    ran, in_this_round = 0, -1
    while in_this_round:
        run_ticks()
        in_this_round = sum(_run(job_id) for job_id in due_ids(queues=names, limit=500))
        ran += in_this_round
    return ran


def finish_job(*, result: Mapping[str, Any] | None = None) -> None:  # Any: JSON
    """Write `done` inside the verb's last transaction: effect and end commit together.

    The row stays locked until then, so a rival waits. Raises LeaseLost, which must roll the
    transaction back. Outside a job it does nothing.
    """
    lease = leases.held.get()
    if lease is None:
        return
    if not leases.finish(lease=lease, result=result):
        raise LeaseLost
    lease.is_finished = True


def renew_lease() -> None:
    """Start the lease anew. Raises LeaseLost, Cancelled; outside a job it does nothing."""
    lease = leases.held.get()
    if lease is not None:
        leases.renew(lease=lease, done=None, total=None, note=None)


def report_progress(*, done: int, total: int | None = None, note: str = "") -> None:
    """Show how far the work is and renew the lease; after each chunk, never inside its transaction.

    Raises Cancelled when a person asked to stop, LeaseLost when another worker took over. Outside
    a job it does nothing.
    """
    lease = leases.held.get()
    if lease is not None:
        leases.renew(lease=lease, done=done, total=total, note=note[:200])


def _run(job_id: UUID) -> bool:
    lease = leases.take(job_id=job_id)
    if lease is None:
        return False
    before = leases.held.set(lease)
    try:
        with bound_contextvars(job_id=str(job_id), job_kind=lease.kind):
            _call(lease)
    finally:
        leases.held.reset(before)
    return True


def _call(lease: Lease) -> None:
    """Call the function and write the end that its return or exception means."""
    try:
        function_of(lease.kind)(**lease.args)
        if not leases.finish(lease=lease, result=None) and not lease.is_finished:
            logger.warning("Lease lost; another worker has the job")
    except LeaseLost:
        logger.warning("Lease lost; another worker has the job")
    except Cancelled:
        _settle(leases.end, lease=lease, state="cancelled", error="")
    except GiveUp as reason:
        logger.warning("Job gave up")
        _settle(leases.end, lease=lease, state="dead", error=str(reason))
    except RetryAt as wish:
        _settle(leases.fail, lease=lease, error=str(wish), run_at=wish.instant)
    except Exception as error:
        logger.exception("Job failed")
        _settle(leases.fail, lease=lease, error=_sentence(error), run_at=None)


def _settle(write: Any, **values: object) -> None:  # Any: end or fail, whose keywords differ
    """Write a failure on a living connection; without a database the lease runs out by itself."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    try:
        write(**values)
    except django.db.Error:
        logger.exception("Could not write how the job ended; its lease will run out")


def _sentence(error: Exception) -> str:
    """What staff may read. Only our own errors promise a message without personal data."""
    if isinstance(error, DomainError):
        return f"{type(error).__name__}: {error.message}"
    return f"{type(error).__name__} (the log has the details under this job's id)"
