from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from marketplace.events.models import Event
from marketplace.jobs.models import Job
from marketplace.jobs.services import sweeping
from marketplace.jobs.services.sweeping import forget_old, sweep
from marketplace.kit.ids import uuid7
from tests.jobs.bell import RecordingBell
from tests.jobs.kinds import NOON, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> RecordingBell:
    """The outside world: a broker that takes everything and notes it."""
    recorder = RecordingBell()
    monkeypatch.setattr(sweeping, "bell", recorder)
    return recorder


def running(job: Job, *, seconds_left: int) -> None:
    Job.objects.filter(pk=job.pk).update(
        state="running",
        attempts=1,
        lease_token=uuid7(),
        lease_until=Now() + timedelta(seconds=seconds_left),
    )


def test_a_due_job_nobody_took_is_rung_once_per_eight_seconds(bell: RecordingBell) -> None:
    job = queued()

    assert sweep() == 1
    assert sweep() == 0

    assert bell.rung == [(job.pk, "default")]
    Job.objects.update(nudged_at=Now() - timedelta(seconds=9))
    assert sweep() == 1


def test_a_job_whose_worker_vanished_is_rung(bell: RecordingBell) -> None:
    job = queued()
    running(job, seconds_left=-1)

    assert sweep() == 1


def test_jobs_that_run_or_wait_are_left_alone(bell: RecordingBell) -> None:
    running(queued("held"), seconds_left=60)
    queued("later", run_at=NOON + timedelta(days=3650))

    assert sweep() == 0


def test_a_full_queue_gets_no_more_bells(bell: RecordingBell) -> None:
    queued("short")
    long = queued("long", kind="tests.act_for_long")
    bell.waiting_messages["default"] = 1000
    bell.waiting_messages["bulk"] = 999

    sweep()

    assert bell.rung == [(long.pk, "bulk")]


def test_nothing_is_marked_as_rung_while_the_broker_is_away(bell: RecordingBell) -> None:
    queued()
    bell.is_away = True
    assert sweep() == 0

    bell.is_away = False

    assert sweep() == 1


def test_a_job_that_kills_its_workers_is_buried(bell: RecordingBell) -> None:
    job = queued("poison")
    running(job, seconds_left=-1)
    Job.objects.update(attempts=12)

    sweep()

    job.refresh_from_db()
    assert (job.state, job.last_error, bell.rung) == ("dead", "worker lost", [])
    assert list(Event.objects.values_list("kind", "object_id")) == [("job.died", job.pk)]


def test_a_vanished_job_that_was_to_stop_is_cancelled(bell: RecordingBell) -> None:
    job, sam = queued(), uuid7()
    running(job, seconds_left=-1)
    Job.objects.update(cancel_requested_at=NOON, cancel_requested_by=sam)

    sweep()

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert list(Event.objects.values_list("kind", "actor")) == [("job.cancelled", sam)]


def test_jobs_are_forgotten_thirty_days_after_their_end() -> None:
    for name, state, days in [
        ("done old", "done", 31),
        ("cancelled old", "cancelled", 31),
        ("done young", "done", 29),
        ("dead old", "dead", 31),
    ]:
        job = queued(name)
        finished = Now() - timedelta(days=days)
        Job.objects.filter(pk=job.pk).update(state=state, finished_at=finished)

    assert forget_old() == 2

    left = Job.objects.order_by("pk").values_list("args__name", flat=True)
    assert list(left) == ["done young", "dead old"]
