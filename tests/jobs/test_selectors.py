from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from marketplace.jobs.models import Job
from marketplace.jobs.selectors import (
    JobProgress,
    QueueLine,
    current_jobs,
    dead_jobs,
    ended_jobs,
    job_progress,
    queue_overview,
)
from marketplace.jobs.services.running import GiveUp, report_progress, run_due_jobs
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import NOON, queued, raising

pytestmark = pytest.mark.django_db


def running_since(seconds: float, *, done: int, total: int | None = 100) -> Job:
    """A job that reported its progress just now, `seconds` after its start."""
    job = queued("import", kind="tests.act_for_long")
    Job.objects.filter(pk=job.pk).update(
        state="running",
        started_at=NOON,
        lease_token=uuid7(),
        lease_until=NOON + timedelta(seconds=seconds + job.lease_seconds),
        progress_done=done,
        progress_total=total,
        progress_note="row 40",
    )
    job.refresh_from_db()
    return job


def test_a_running_job_shows_rate_and_time_left() -> None:
    progress = job_progress(running_since(10, done=40))

    assert progress == JobProgress(
        state="running",
        done=40,
        total=100,
        rate=4.0,
        seconds_left=15,
        note="row 40",
        last_error="",
        is_cancelling=False,
    )
    assert progress.percent == 40


def test_the_time_left_is_unknown_in_the_first_five_seconds() -> None:
    assert job_progress(running_since(4.9, done=40)).seconds_left is None
    assert job_progress(running_since(5, done=40)).seconds_left == 8


def test_nothing_is_guessed_without_a_total_or_before_the_first_row() -> None:
    assert job_progress(running_since(10, done=40, total=None)).seconds_left is None
    assert job_progress(running_since(10, done=40, total=None)).percent is None


def test_a_job_without_progress_has_no_rate() -> None:
    progress = job_progress(running_since(10, done=0))

    assert (progress.rate, progress.seconds_left, progress.percent) == (None, None, 0)


def test_a_waiting_job_has_not_begun() -> None:
    progress = job_progress(queued())

    assert (progress.state, progress.rate, progress.seconds_left) == ("ready", None, None)


def test_a_job_that_was_asked_to_stop_says_so() -> None:
    job = running_since(10, done=40)
    job.cancel_requested_at = NOON

    assert job_progress(job).is_cancelling


def test_an_ended_job_shows_its_end() -> None:
    queued("import", lambda: report_progress(done=7, total=7))
    queued("broken", raising(GiveUp("The file is gone.")))
    run_due_jobs()

    done = job_progress(Job.objects.get(args__name="import"))
    broken = job_progress(Job.objects.get(args__name="broken"))

    assert (done.state, done.percent, done.seconds_left) == ("done", 100, None)
    assert done.rate
    assert (broken.state, broken.last_error) == ("dead", "The file is gone.")


def test_the_overview_has_one_line_per_queue() -> None:
    queued("due")
    Job.objects.update(run_at=Now() - timedelta(seconds=90))
    queued("later", run_at=NOON.replace(year=2096))
    queued("broken", raising(GiveUp("Nobody there.")), kind="tests.act_for_long")
    run_due_jobs(queues=["bulk"])
    held = queued("held")
    Job.objects.filter(pk=held.pk).update(
        state="running", lease_token=uuid7(), lease_until=Now() + timedelta(seconds=60)
    )

    money, default, bulk = queue_overview(Job.objects.all())

    assert money == QueueLine("money", 0, 0, 0, 0, 0)
    assert (default.due, default.running, default.waiting, default.dead) == (1, 1, 1, 0)
    assert 90 <= default.oldest_due_seconds < 120
    assert bulk == QueueLine("bulk", 0, 0, 0, 1, 0)


def test_a_vanished_worker_counts_as_due() -> None:
    job = queued()
    Job.objects.filter(pk=job.pk).update(
        state="running", lease_token=uuid7(), lease_until=Now() - timedelta(seconds=1)
    )

    default = queue_overview(Job.objects.all())[1]

    assert (default.due, default.running) == (1, 0)


def test_jobs_are_listed_by_what_a_person_looks_for() -> None:
    queued("done")
    queued("broken", raising(GiveUp("Nobody there.")))
    run_due_jobs()
    queued("ready")

    names = [
        [job.args["name"] for job in jobs]
        for jobs in (
            current_jobs(Job.objects.all()),
            dead_jobs(Job.objects.all()),
            ended_jobs(Job.objects.all()),
        )
    ]

    assert names == [["ready"], ["broken"], ["done"]]
