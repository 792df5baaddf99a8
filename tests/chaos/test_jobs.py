from __future__ import annotations

import pytest
from django.db import transaction

from marketplace.events.models import Event
from marketplace.jobs.models import Job
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.jobs.services.operating import cancel_job
from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from tests.chaos.world import jobs
from tests.chaos.world.world import World
from tests.servers.waiting import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.xdist_group("chaos")]


def queued(kind: str, **args: int) -> Job:
    with transaction.atomic():
        return enqueue(kind, key=f"{kind}:{uuid7()}", run_at=None, asked_by=None, **args)


def test_a_job_that_kills_its_worker_is_buried_and_others_go_on(world: World) -> None:
    poison = queued(jobs.kill_worker.name)
    accepted = world.accept_payouts(20)

    until(lambda: Job.objects.get(pk=poison.pk).state == "dead", seconds=60)
    until(lambda: len(world.paid()) == 20, seconds=60)

    poison.refresh_from_db()
    assert (poison.attempts, poison.last_error) == (2, "worker lost")
    assert world.paid() == sorted(accepted)
    assert Event.objects.filter(kind="job.died", object_id=poison.pk).count() == 1


def test_an_import_goes_on_where_its_killed_worker_stopped(world: World) -> None:
    job = queued(jobs.import_rows.name, rows=40)
    until(lambda: Job.objects.get(pk=job.pk).progress_done >= 5)

    world.kill_worker("second")  # the only one that serves the bulk queue
    world.revive()
    until(lambda: Job.objects.get(pk=job.pk).state == "done", seconds=60)

    job.refresh_from_db()
    assert (job.progress_done, job.progress_total, job.attempts) == (40, 40, 2)
    assert world.imported_rows() == list(range(1, 41))


def test_a_running_import_stops_when_a_person_cancels_it(world: World) -> None:
    job, sam = queued(jobs.import_rows.name, rows=100_000), uuid7()
    until(lambda: Job.objects.get(pk=job.pk).progress_done >= 3)

    cancel_job(job=job, by=sam, at=clock.now())
    until(lambda: Job.objects.get(pk=job.pk).state == "cancelled")

    job.refresh_from_db()
    assert job.progress_done == len(world.imported_rows())
    assert Event.objects.get(kind="job.cancelled").actor == sam


def test_a_body_past_its_hard_limit_is_stopped_and_tried_again(world: World) -> None:
    job = queued(jobs.hang_once.name)

    until(lambda: Job.objects.get(pk=job.pk).state == "done", seconds=60)

    job.refresh_from_db()
    assert job.attempts == 2
