"""News from jobs, a lower package."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.dispatch import receiver

from marketplace.events.services.recording import record
from marketplace.jobs.models import Job
from marketplace.jobs.signals import job_cancelled, job_dead, job_retried


@receiver(job_dead)
def record_dead_job(job: Job, at: datetime, by: UUID | None, **_: object) -> None:
    _record("job.died", job, at, by)


@receiver(job_retried)
def record_retried_job(job: Job, at: datetime, by: UUID | None, **_: object) -> None:
    _record("job.retried", job, at, by)


@receiver(job_cancelled)
def record_cancelled_job(job: Job, at: datetime, by: UUID | None, **_: object) -> None:
    _record("job.cancelled", job, at, by)


def _record(kind: str, job: Job, at: datetime, by: UUID | None) -> None:
    record(kind, at=at, object_kind="job", object_id=job.pk, actor=by, data={"job_kind": job.kind})
