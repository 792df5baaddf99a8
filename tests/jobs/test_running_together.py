from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from marketplace.jobs.models import Job
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.jobs.services.running import run_due_jobs
from marketplace.jobs.services.sweeping import NUDGE
from tests.jobs.kinds import calls, committing, queued

pytestmark = [pytest.mark.race, committing]


def together(count: int, act: Callable[[], object]) -> None:
    """The same act in that many threads, released at once."""
    gate = threading.Barrier(count)

    def run() -> None:
        try:
            gate.wait()
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_eight_runners_run_each_job_once() -> None:
    for number in range(60):
        queued(str(number))

    together(8, run_due_jobs)

    assert sorted(calls) == sorted(str(number) for number in range(60))
    assert set(Job.objects.values_list("state", "attempts")) == {("done", 1)}


def test_one_key_enqueued_many_times_at_once_is_one_job() -> None:
    jobs: list[Job] = []

    def ask() -> None:
        with transaction.atomic():
            jobs.append(enqueue("tests.act", key="the occurrence", name="one"))

    together(16, ask)

    assert set(jobs) == {Job.objects.get()}
    assert len(jobs) == 16


def test_sweepers_at_once_take_disjoint_jobs() -> None:
    nudged: list[object] = []
    for number in range(60):
        queued(str(number))

    def nudge() -> None:
        with connection.cursor() as cursor:
            cursor.execute(NUDGE, {"queues": ["default"]})
            nudged.extend(row[0] for row in cursor.fetchall())

    together(4, nudge)

    assert len(nudged) == len(set(nudged)) == 60
