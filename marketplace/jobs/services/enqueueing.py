"""Ask for background work."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from marketplace.jobs.gateways import bell, queue_of
from marketplace.jobs.models import Job


def enqueue(
    kind: str,
    *,
    key: str,
    run_at: datetime | None = None,
    asked_by: UUID | None = None,
    **args: str | int,
) -> Job:
    """Write a job into the caller's transaction; a second call with the same key gets the first.

    `key` names the occurrence, `payouts.send_payout:<payout id>`, and protects for 30 days after
    the end: uniqueness for ever is a business constraint. `run_at` (database time) is the only
    way to delay; such a job starts up to one sweep late. `args` are ids and small values, never
    personal data. Raises UnknownKind where no package registers the kind.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("enqueue() belongs inside the transaction of the verb")
    queue = queue_of(kind)
    limits = settings.JOB_QUEUES[queue]
    wanted = Job(
        kind=kind,
        key=key,
        args=args,
        queue=queue,
        max_attempts=limits["attempts"],
        lease_seconds=limits["lease"],
        asked_by=asked_by,
        **({} if run_at is None else {"run_at": run_at}),
    )
    Job.objects.bulk_create([wanted], ignore_conflicts=True)
    job = Job.objects.get(key=key)
    if job.pk == wanted.pk and job.run_at <= job.created_at:
        # A lambda: with robust=True Django 5.2 cannot log a failing functools.partial.
        transaction.on_commit(lambda: bell.ring(job_id=job.pk, queue=queue), robust=True)
    return job
