from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from structlog.contextvars import get_contextvars

from marketplace.jobs.gateways import function_of
from marketplace.jobs.models import Job
from marketplace.jobs.services.running import (
    GiveUp,
    LeaseLost,
    RetryAt,
    finish_job,
    run_due_jobs,
    run_job,
)
from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import calls, committing, queued, raising

FAR = datetime(2096, 1, 1, tzinfo=UTC)


def expire_lease(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))


def spend_attempts(job: Job, *, left: int) -> None:
    Job.objects.filter(pk=job.pk).update(attempts=job.max_attempts - left)


@pytest.mark.django_db
def test_a_due_job_runs_once_and_is_done() -> None:
    job = queued("pay")

    assert run_due_jobs() == 1
    assert run_due_jobs() == 0
    run_job(job_id=job.pk)

    job.refresh_from_db()
    assert calls == ["pay"]
    assert (job.state, job.attempts, job.last_error) == ("done", 1, "")
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.finished_at >= job.started_at


@pytest.mark.django_db
def test_jobs_enqueued_by_jobs_run_too() -> None:
    queued("first", lambda: queued("second"))

    assert run_due_jobs() == 2
    assert calls == ["first", "second"]


@pytest.mark.django_db
def test_only_the_asked_queues_are_run() -> None:
    queued("short")
    queued("long", kind="tests.act_for_long")

    run_due_jobs(queues=["bulk"])

    assert calls == ["long"]


@pytest.mark.django_db
def test_a_job_whose_time_lies_ahead_waits() -> None:
    job = queued(run_at=FAR)

    run_due_jobs()
    run_job(job_id=job.pk)

    assert calls == []


@pytest.mark.django_db
def test_a_job_that_is_gone_is_no_error() -> None:
    run_job(job_id=uuid7())

    assert calls == []


@pytest.mark.django_db
def test_a_failed_job_waits_for_its_next_attempt(caplog: pytest.LogCaptureFixture) -> None:
    job = queued("broken", raising(ZeroDivisionError("ada@example.org is broke")))

    run_due_jobs()

    job.refresh_from_db()
    assert (job.state, job.attempts, job.finished_at) == ("ready", 1, None)
    assert job.last_error == "ZeroDivisionError (the log has the details under this job's id)"
    assert timedelta(seconds=0.9) < job.run_at - job.created_at < timedelta(seconds=5)
    assert [r.message for r in caplog.records if r.levelno == logging.ERROR] == ["Job failed"]


@pytest.mark.django_db
def test_the_message_of_a_domain_error_is_shown() -> None:
    class NoBudget(DomainError):
        pass

    job = queued("broken", raising(NoBudget("The batch has no budget left.")))

    run_due_jobs()

    job.refresh_from_db()
    assert job.last_error == "NoBudget: The batch has no budget left."


@pytest.mark.django_db
@pytest.mark.parametrize(("attempt", "shortest", "longest"), [(3, 4, 12), (10, 450, 1350)])
def test_the_pause_grows_to_a_quarter_of_an_hour(attempt: int, shortest: int, longest: int) -> None:
    job = queued("broken", raising(ZeroDivisionError()))
    Job.objects.filter(pk=job.pk).update(attempts=attempt - 1, max_attempts=100)

    run_due_jobs()

    job.refresh_from_db()
    pause = job.run_at - job.created_at
    assert timedelta(seconds=shortest) <= pause <= timedelta(seconds=longest + 5)


@pytest.mark.django_db
def test_the_last_failed_attempt_kills_the_job() -> None:
    job = queued("broken", raising(ZeroDivisionError()))
    spend_attempts(job, left=1)

    run_due_jobs()

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("dead", 12)
    assert job.finished_at is not None


@pytest.mark.django_db
def test_a_job_that_gives_up_is_dead_at_once() -> None:
    job = queued("broken", raising(GiveUp("Stripe closed this account.")))

    run_due_jobs()

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("dead", 1)
    assert job.last_error == "Stripe closed this account."


@pytest.mark.django_db
def test_a_job_may_choose_its_next_attempt() -> None:
    job = queued("later", raising(RetryAt(FAR, "The endpoint answered 503.")))

    run_due_jobs()

    job.refresh_from_db()
    assert (job.state, job.run_at) == ("ready", FAR)
    assert job.last_error == "The endpoint answered 503."


@pytest.mark.django_db
def test_a_job_whose_worker_vanished_is_run_by_another() -> None:
    job = queued("pay")
    Job.objects.filter(pk=job.pk).update(
        state="running", attempts=1, lease_token=uuid7(), lease_until=Now() - timedelta(seconds=1)
    )

    run_due_jobs()

    job.refresh_from_db()
    assert (calls, job.state, job.attempts) == (["pay"], "done", 2)


@pytest.mark.django_db
def test_a_held_job_is_left_to_its_holder() -> None:
    job = queued("slow", lambda: run_job(job_id=job.pk))

    run_due_jobs()

    assert calls == ["slow"]


@committing
def test_effect_and_end_commit_together() -> None:
    seen: list[str] = []

    def pay() -> None:
        with transaction.atomic():
            finish_job(result={"transfer": "tr_1"})
            seen.append(Job.objects.get(pk=job.pk).state)

    job = queued("pay", pay)

    run_due_jobs()

    job.refresh_from_db()
    assert (seen, job.state, job.result) == (["done"], "done", {"transfer": "tr_1"})


@committing
def test_a_worker_that_lost_its_lease_leaves_no_effect() -> None:
    def pay_late() -> None:
        if len(calls) == 1:
            expire_lease(job)
            run_job(job_id=job.pk)  # the rival
        with transaction.atomic():
            queued(f"effect {len(calls)} of {calls.count('pay')}")
            finish_job()

    job = queued("pay", pay_late)

    run_job(job_id=job.pk)

    effects = Job.objects.exclude(pk=job.pk)
    assert [effect.args for effect in effects] == [{"name": "effect 2 of 2"}]
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 2)


@committing
def test_an_end_that_rolled_back_is_written_by_the_runner() -> None:
    def stumble() -> None:
        with transaction.atomic():
            finish_job()
            transaction.set_rollback(True)

    job = queued("pay", stumble)

    run_due_jobs()

    job.refresh_from_db()
    assert job.state == "done"


@pytest.mark.django_db
def test_a_late_failure_does_not_touch_the_job_of_another_worker() -> None:
    def fail_late() -> None:
        if len(calls) == 1:
            expire_lease(job)
            run_job(job_id=job.pk)
            raise ZeroDivisionError

    job = queued("pay", fail_late)

    run_job(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.last_error) == ("done", "")


@pytest.mark.django_db
def test_outside_a_job_finish_job_does_nothing() -> None:
    finish_job(result={"any": 1})

    assert Job.objects.count() == 0


@pytest.mark.django_db
def test_a_lost_lease_is_an_error_inside_the_verb() -> None:
    seen: list[type[Exception]] = []

    def pay() -> None:
        Job.objects.filter(pk=job.pk).update(lease_token=uuid7())
        try:
            finish_job()
        except LeaseLost:
            seen.append(LeaseLost)
            raise

    job = queued("pay", pay)

    run_job(job_id=job.pk)

    job.refresh_from_db()
    assert (seen, job.state) == ([LeaseLost], "running")


@pytest.mark.django_db
def test_log_lines_of_a_job_carry_its_id() -> None:
    bound: list[dict[str, object]] = []
    job = queued("log", lambda: bound.append(dict(get_contextvars())))

    run_due_jobs()

    assert bound == [{"job_id": str(job.pk), "job_kind": "tests.act"}]
    assert get_contextvars() == {}


@pytest.mark.django_db
def test_a_kind_the_worker_does_not_know_yet_is_tried_again() -> None:
    job = queued()
    Job.objects.filter(pk=job.pk).update(kind="tests.of_the_next_release")

    run_due_jobs()

    job.refresh_from_db()
    assert (job.state, job.last_error.split()[0]) == ("ready", "UnknownKind")


@pytest.mark.django_db
def test_a_late_success_does_not_touch_the_job_of_another_worker() -> None:
    def succeed_late() -> None:
        if len(calls) == 1:
            expire_lease(job)
            Job.objects.filter(pk=job.pk).update(lease_token=uuid7())  # a rival runs it

    job = queued("pay", succeed_late)

    run_job(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("running", 1)


@committing
def test_a_failure_is_written_on_a_new_connection_when_the_old_one_broke() -> None:
    def lose_connection() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    job = queued("pay", lose_connection)

    run_job(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.last_error.split()[0]) == ("ready", "OperationalError")


@pytest.mark.django_db
def test_a_failure_that_cannot_be_written_leaves_the_job_to_its_lease(
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = queued("broken", raising(ZeroDivisionError()))
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE jobs_job ADD CONSTRAINT no_retries "
            "CHECK (attempts = 0 OR state = 'running')"
        )

    run_job(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.lease_until is not None) == ("running", True)
    assert caplog.messages == [
        "Job failed",
        "Could not write how the job ended; its lease will run out",
    ]


@pytest.mark.django_db
def test_the_bell_names_a_job_and_a_worker_runs_it() -> None:
    job = queued("pay")

    function_of("jobs.run")(str(job.pk))

    assert calls == ["pay"]
