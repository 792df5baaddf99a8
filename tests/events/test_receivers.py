from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace.events.models import Event
from marketplace.jobs.models import Job
from marketplace.jobs.services.operating import cancel_job, retry_job
from marketplace.jobs.services.running import GiveUp, run_job
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import queued, raising

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SAM = uuid7()

pytestmark = pytest.mark.django_db


def recorded() -> list[tuple[str, object, object]]:
    return list(Event.objects.order_by("pk").values_list("kind", "object_id", "actor"))


def test_death_retry_and_cancellation_of_a_job_are_events() -> None:
    job = queued("broken", raising(GiveUp("Nobody there.")))
    run_job(job_id=job.pk)
    retry_job(job=job, by=SAM, at=NOON)
    cancel_job(job=job, by=SAM, at=NOON)

    assert recorded() == [
        ("job.died", job.pk, None),
        ("job.retried", job.pk, SAM),
        ("job.cancelled", job.pk, SAM),
    ]
    died = Event.objects.get(kind="job.died")
    assert died.data == {"job_kind": "tests.act"}
    assert died.occurred_at > Job.objects.get().created_at


def test_a_finished_job_is_no_event() -> None:
    job = queued()

    run_job(job_id=job.pk)

    assert recorded() == []
