"""Find what the bell lost, bury what killed its workers, forget what is old."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from marketplace.jobs.gateways import bell
from marketplace.jobs.models import Job
from marketplace.jobs.services.leases import bury_lost

FULL_QUEUE = 1_000
KEPT = timedelta(days=30)
CHUNK = 5_000

# `nudged_at`: without it every sweep would ring the same rows again and flood the queue.
NUDGE = """
WITH due AS (
  SELECT id FROM jobs_job
   WHERE state IN ('ready', 'running') AND run_at <= statement_timestamp()
     AND (state = 'ready' OR lease_until < statement_timestamp())
     AND (nudged_at IS NULL OR nudged_at < statement_timestamp() - interval '8 seconds')
     AND queue = ANY(%(queues)s)
   ORDER BY run_at, id LIMIT 500
     FOR UPDATE SKIP LOCKED)
UPDATE jobs_job job SET nudged_at = statement_timestamp()
  FROM due WHERE job.id = due.id
RETURNING job.id, job.queue"""


def sweep() -> int:
    """Ring for due jobs that nobody took, also for those whose worker is gone; how many.

    Two sweepers at once take disjoint rows. A queue with 1,000 waiting messages is left alone,
    and nothing is marked as rung while the broker is away.
    """
    bury_lost()
    queues = [queue for queue in settings.JOB_QUEUES if _has_room(queue)]
    rung = _nudge(queues) if queues else []
    for job_id, queue in rung:
        bell.ring(job_id=job_id, queue=queue)
    return len(rung)


def forget_old() -> int:
    """Delete done and cancelled jobs 30 days after their end; how many. Dead ones stay."""
    old = Job.objects.filter(state__in=["done", "cancelled"], finished_at__lt=Now() - KEPT)
    forgotten = 0
    while chunk := list(old.order_by("finished_at", "pk").values_list("pk", flat=True)[:CHUNK]):
        forgotten += old.filter(pk__in=chunk).delete()[0]
    return forgotten


def _has_room(queue: str) -> bool:
    waiting = bell.waiting(queue=queue)
    return waiting is not None and waiting < FULL_QUEUE


def _nudge(queues: list[str]) -> list[tuple[UUID, str]]:
    with connection.cursor() as cursor:
        cursor.execute(NUDGE, {"queues": queues})
        rows: list[tuple[UUID, str]] = cursor.fetchall()
    return rows
