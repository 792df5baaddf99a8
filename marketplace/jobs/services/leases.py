"""Take, keep and end a lease: one UPDATE each, by the database's clock.

Raw SQL, because guard and change must be one statement: who lost the token changes no row.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from marketplace.jobs.models import Job
from marketplace.jobs.signals import job_cancelled, job_dead


class LeaseLost(Exception):
    """Another worker holds the job now; whatever this one did in its transaction rolls back."""


class Cancelled(Exception):
    """A person asked to stop the job. The body may tidy up, then lets this through."""


@dataclass(slots=True)
class Lease:
    """The right to run one job until it ends or the lease runs out."""

    job_id: UUID
    token: UUID
    kind: str
    args: Mapping[str, Any]  # Any: JSON as enqueued
    is_finished: bool = False  # a verb wrote `done` in its own transaction


held: ContextVar[Lease | None] = ContextVar("held_lease", default=None)

TAKE = """
UPDATE jobs_job
   SET state = 'running', attempts = attempts + 1, lease_token = %(token)s,
       lease_until = statement_timestamp() + lease_seconds * interval '1 second',
       started_at = coalesce(started_at, statement_timestamp())
 WHERE id = (SELECT id FROM jobs_job
              WHERE id = %(id)s AND run_at <= statement_timestamp() AND attempts < max_attempts
                AND (state = 'ready' OR (state = 'running' AND lease_until < statement_timestamp()))
                FOR UPDATE SKIP LOCKED)
RETURNING kind, args"""

FINISH = """
UPDATE jobs_job
   SET state = 'done', finished_at = statement_timestamp(), lease_token = NULL, lease_until = NULL,
       last_error = '', result = coalesce(%(result)s, result)
 WHERE id = %(id)s AND state = 'running' AND lease_token = %(token)s
RETURNING id"""

RENEW = """
UPDATE jobs_job
   SET lease_until = statement_timestamp() + lease_seconds * interval '1 second',
       progress_done = coalesce(%(done)s, progress_done),
       progress_total = coalesce(%(total)s, progress_total),
       progress_note = coalesce(%(note)s, progress_note)
 WHERE id = %(id)s AND state = 'running' AND lease_token = %(token)s
RETURNING cancel_requested_at IS NOT NULL"""

# Up to 15 minutes between attempts, spread so that what failed together does not return together.
FAIL = """
UPDATE jobs_job
   SET state = CASE WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                    WHEN attempts >= max_attempts THEN 'dead' ELSE 'ready' END,
       finished_at = CASE WHEN cancel_requested_at IS NOT NULL OR attempts >= max_attempts
                          THEN statement_timestamp() END,
       run_at = coalesce(%(run_at)s, statement_timestamp() + interval '1 second'
                * least(power(2, least(attempts, 10)), 900) * (0.5 + random())),
       last_error = %(error)s, nudged_at = NULL, lease_token = NULL, lease_until = NULL
 WHERE id = %(id)s AND state = 'running' AND lease_token = %(token)s
RETURNING id"""

END = """
UPDATE jobs_job
   SET state = %(state)s, finished_at = statement_timestamp(), last_error = %(error)s,
       lease_token = NULL, lease_until = NULL
 WHERE id = %(id)s AND state = 'running' AND lease_token = %(token)s
RETURNING id"""

# A body that kills its worker never reports. What was asked to stop needs no other try.
BURY = """
WITH lost AS (
  SELECT id FROM jobs_job
   WHERE state = 'running' AND run_at <= statement_timestamp()
     AND lease_until < statement_timestamp()
     AND (attempts >= max_attempts OR cancel_requested_at IS NOT NULL)
   ORDER BY run_at, id LIMIT 500
     FOR UPDATE SKIP LOCKED)
UPDATE jobs_job job
   SET state = CASE WHEN cancel_requested_at IS NULL THEN 'dead' ELSE 'cancelled' END,
       finished_at = statement_timestamp(), last_error = 'worker lost',
       lease_token = NULL, lease_until = NULL
  FROM lost WHERE job.id = lost.id
RETURNING job.id"""


def take(*, job_id: UUID) -> Lease | None:
    """Lease a due job. None: done, not due, spent, or somebody else's."""
    token = UUID(bytes=secrets.token_bytes(16), version=4)
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"id": job_id, "token": token})
        row = cursor.fetchone()
    if row is None:
        return None
    return Lease(job_id=job_id, token=token, kind=row[0], args=json.loads(row[1]))


def finish(*, lease: Lease, result: Mapping[str, Any] | None) -> bool:  # Any: JSON
    """Write `done`. False: this worker does not hold the job any more."""
    return bool(_execute(FINISH, lease, result=None if result is None else json.dumps(result)))


def renew(*, lease: Lease, done: int | None, total: int | None, note: str | None) -> None:
    """Write progress and start the lease anew, visible to everybody at once.

    Raises LeaseLost or Cancelled; RuntimeError inside a transaction, where nobody would see it.
    """
    with transaction.atomic(durable=True):
        rows = _execute(RENEW, lease, done=done, total=total, note=note)
    if not rows:
        raise LeaseLost
    if rows[0][0]:
        raise Cancelled


@transaction.atomic
def fail(*, lease: Lease, error: str, run_at: datetime | None) -> None:
    """Back to `ready`, for `run_at` or after a growing pause; `dead` when no attempt is left."""
    _announce(_execute(FAIL, lease, error=error[:500], run_at=run_at))


@transaction.atomic
def end(*, lease: Lease, state: str, error: str) -> None:
    """`dead` or `cancelled` at once."""
    _announce(_execute(END, lease, state=state, error=error[:500]))


@transaction.atomic
def bury_lost() -> None:
    """End the jobs whose worker vanished and that have no attempt left."""
    with connection.cursor() as cursor:
        cursor.execute(BURY)
        _announce(cursor.fetchall())


def _execute(
    sql: str, lease: Lease, **values: str | int | datetime | None
) -> list[tuple[Any, ...]]:  # Any: columns
    with connection.cursor() as cursor:
        cursor.execute(sql, {"id": lease.job_id, "token": lease.token, **values})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _announce(rows: list[tuple[Any, ...]]) -> None:  # Any: columns
    signals = {"dead": job_dead, "cancelled": job_cancelled}
    ended = Job.objects.filter(pk__in=[row[0] for row in rows], state__in=signals)
    for job in ended.order_by("pk"):
        signals[job.state].send(sender=Job, job=job, at=job.finished_at, by=job.cancel_requested_by)
