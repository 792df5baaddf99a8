"""What people do to jobs: cancel one, retry a dead one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from marketplace.jobs.gateways import bell
from marketplace.jobs.models import TRANSITIONS, Job
from marketplace.jobs.signals import job_cancelled, job_retried
from marketplace.kit.errors import DomainError
from marketplace.kit.states import require_transition


class MoneyWaits(DomainError):
    """A job of the money queue finishes, or fails and is tried again; nobody may drop it."""

    code = "money_is_not_cancelled"


@transaction.atomic
def cancel_job(*, job: Job, by: UUID, at: datetime) -> Job:
    """Stop a job: at once where it waits, at its next progress report where it runs.

    Raises IllegalTransition for one that has ended, MoneyWaits for one of the money queue: a
    dropped payment message would never come again, since its key is taken.
    """
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.queue == "money":
        raise MoneyWaits("Jobs about money are not cancelled; they end or are tried again.")
    require_transition(TRANSITIONS, job, "cancelled")
    Job.objects.filter(pk=job.pk, cancel_requested_at=None).update(
        cancel_requested_at=at, cancel_requested_by=by
    )
    waiting = Job.objects.filter(pk=job.pk, state="ready")
    is_over = waiting.update(state="cancelled", finished_at=Now())
    job.refresh_from_db()
    if is_over:
        job_cancelled.send(sender=Job, job=job, at=at, by=by)
    return job


@transaction.atomic
def retry_job(*, job: Job, by: UUID, at: datetime) -> Job:
    """Give a dead job all its attempts again, under the same key. Raises IllegalTransition."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    require_transition(TRANSITIONS, job, "ready")
    Job.objects.filter(pk=job.pk).update(
        state="ready",
        attempts=0,
        run_at=Now(),
        nudged_at=None,
        finished_at=None,
        cancel_requested_at=None,
        cancel_requested_by=None,
    )
    job.refresh_from_db()
    job_retried.send(sender=Job, job=job, at=at, by=by)
    transaction.on_commit(lambda: bell.ring(job_id=job.pk, queue=job.queue), robust=True)
    return job
