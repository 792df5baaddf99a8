from __future__ import annotations

import pytest
from django.db import transaction

from marketplace.jobs.models import Job
from marketplace.jobs.services.operating import MoneyWaits, cancel_job, retry_job
from marketplace.jobs.services.running import (
    GiveUp,
    LeaseLost,
    renew_lease,
    report_progress,
    run_due_jobs,
    run_job,
)
from marketplace.kit.ids import uuid7
from marketplace.kit.states import IllegalTransition
from tests.jobs.kinds import NOON, calls, committing, queued, raising

SAM = uuid7()

pytestmark = pytest.mark.django_db


def test_a_waiting_job_is_cancelled_at_once() -> None:
    job = cancel_job(job=queued(), by=SAM, at=NOON)

    run_due_jobs()

    assert (job.state, job.cancel_requested_at, job.cancel_requested_by) == ("cancelled", NOON, SAM)
    assert job.finished_at is not None
    assert calls == []


def test_a_running_job_stops_at_its_next_progress_report() -> None:
    reached: list[str] = []

    def body() -> None:
        report_progress(done=1, total=3)
        reached.append(cancel_job(job=job, by=SAM, at=NOON).state)
        report_progress(done=2, total=3)
        reached.append("never")

    job = queued("import", body)

    run_due_jobs()

    job.refresh_from_db()
    assert (reached, job.state) == (["running"], "cancelled")
    assert (job.progress_done, job.progress_total) == (2, 3)


def test_a_running_job_that_fails_after_a_cancellation_is_not_tried_again() -> None:
    def body() -> None:
        cancel_job(job=job, by=SAM, at=NOON)
        raise ZeroDivisionError

    job = queued("import", body)

    run_due_jobs()

    job.refresh_from_db()
    assert job.state == "cancelled"


def test_the_first_request_to_cancel_counts() -> None:
    def body() -> None:
        cancel_job(job=job, by=SAM, at=NOON)
        cancel_job(job=job, by=uuid7(), at=NOON)

    job = queued("import", body)

    run_due_jobs()

    job.refresh_from_db()
    assert (job.state, job.cancel_requested_by) == ("done", SAM)


def test_an_ended_job_cannot_be_cancelled() -> None:
    job = queued()
    run_due_jobs()

    with pytest.raises(IllegalTransition, match="This job is done"):
        cancel_job(job=job, by=SAM, at=NOON)


def test_a_dead_job_gets_all_its_attempts_again() -> None:
    job = queued("broken", raising(GiveUp("Nobody there.")))
    run_due_jobs()

    retried = retry_job(job=job, by=SAM, at=NOON)

    assert (retried.state, retried.attempts, retried.finished_at) == ("ready", 0, None)
    assert retried.key == job.key
    assert run_due_jobs() == 1


@pytest.mark.parametrize("state", ["ready", "done"])
def test_only_a_dead_job_can_be_retried(state: str) -> None:
    job = queued()
    if state == "done":
        run_due_jobs()

    with pytest.raises(IllegalTransition):
        retry_job(job=job, by=SAM, at=NOON)


def test_progress_is_kept_and_renews_the_lease() -> None:
    seen: list[Job] = []

    def body() -> None:
        seen.append(Job.objects.get())
        report_progress(done=40, total=120, note="row 40 of import.jsonl")
        seen.append(Job.objects.get())
        renew_lease()
        seen.append(Job.objects.get())

    queued("import", body)

    run_due_jobs()

    leases = [job.lease_until for job in seen if job.lease_until]
    assert leases == sorted(set(leases))
    assert [(j.progress_done, j.progress_total, j.progress_note) for j in seen] == [
        (0, None, ""),
        (40, 120, "row 40 of import.jsonl"),
        (40, 120, "row 40 of import.jsonl"),
    ]


@committing
def test_progress_inside_a_transaction_is_refused_because_nobody_would_see_it() -> None:
    from_inside: list[str] = []

    def body() -> None:
        with transaction.atomic():
            try:
                report_progress(done=1)
            except RuntimeError as error:
                from_inside.append(str(error))

    queued("import", body)

    run_due_jobs()

    assert len(from_inside) == 1


def test_a_worker_that_lost_its_lease_is_told_when_it_reports() -> None:
    seen: list[type[Exception]] = []

    def body() -> None:
        Job.objects.update(lease_token=uuid7())
        try:
            report_progress(done=1)
        except LeaseLost:
            seen.append(LeaseLost)
            raise

    job = queued("import", body)

    run_job(job_id=job.pk)

    job.refresh_from_db()
    assert (seen, job.progress_done) == ([LeaseLost], 0)


def test_outside_a_job_progress_is_not_reported_to_anybody() -> None:
    report_progress(done=1)
    renew_lease()

    assert Job.objects.count() == 0


def test_a_job_about_money_is_never_dropped() -> None:
    job = queued()
    Job.objects.filter(pk=job.pk).update(queue="money")

    with pytest.raises(MoneyWaits, match="not cancelled"):
        cancel_job(job=job, by=SAM, at=NOON)

    job.refresh_from_db()
    assert job.state == "ready"
