"""Against the run's own Valkey, and against sockets where no broker answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from pytest_django.fixtures import Settings
from redis import Redis

from marketplace.celery import app
from marketplace.jobs import gateways
from marketplace.jobs.gateways import Bell
from marketplace.jobs.models import Job
from marketplace.jobs.services.operating import retry_job
from marketplace.jobs.services.running import GiveUp, run_job
from marketplace.jobs.services.sweeping import sweep
from marketplace.kit.ids import uuid7
from tests.jobs.bell import reconnect_to
from tests.jobs.kinds import NOON, committing, queued, raising

JOB = UUID("01938f5e-0000-7000-8000-000000000001")
NO_BROKER = "redis+socket:///nonexistent/valkey.sock?virtual_host=0"


@pytest.fixture
def broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    settings.JOBS_BELL = True
    monkeypatch.setattr(gateways.bell, "_silent_until", 0.0)
    client = Redis.from_url(django_settings.REDIS_URL + "?db=0")
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def no_broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.JOBS_BELL = True
    before = app.conf.broker_url
    reconnect_to(NO_BROKER)
    monkeypatch.setattr(gateways.bell, "_silent_until", 0.0)
    yield
    reconnect_to(before)


def messages(broker: Redis, queue: str) -> list[dict[str, object]]:
    return [json.loads(message) for message in broker.lrange(queue, 0, -1)]


def test_a_ring_is_one_message_with_the_id_and_the_limits_of_the_queue(broker: Redis) -> None:
    Bell().ring(job_id=JOB, queue="money")

    (message,) = messages(broker, "money")
    headers = message["headers"]
    assert isinstance(headers, dict)
    assert (headers["task"], headers["argsrepr"]) == ("jobs.run", f"['{JOB}']")
    assert headers["timelimit"] == [60, 54]


def test_a_bulk_job_has_no_hard_limit(broker: Redis) -> None:
    Bell().ring(job_id=JOB, queue="bulk")

    headers = messages(broker, "bulk")[0]["headers"]
    assert isinstance(headers, dict)
    assert headers["timelimit"] == [None, None]


def test_waiting_messages_are_counted(broker: Redis) -> None:
    bell = Bell()
    assert bell.waiting(queue="default") == 0

    bell.ring(job_id=JOB, queue="default")
    bell.ring(job_id=JOB, queue="default")

    assert bell.waiting(queue="default") == 2


@committing
def test_the_bell_rings_after_the_commit_and_only_for_new_due_jobs(broker: Redis) -> None:
    with transaction.atomic():
        queued("now")
        queued("now")
        queued("later", run_at=NOON.replace(year=2096))
        assert messages(broker, "default") == []

    assert len(messages(broker, "default")) == 1


@committing
def test_a_retried_job_is_rung(broker: Redis) -> None:
    job = queued("broken", raising(GiveUp("Nobody there.")))
    run_job(job_id=job.pk)
    broker.flushdb()

    retry_job(job=job, by=uuid7(), at=NOON)

    assert len(messages(broker, "default")) == 1


@committing
def test_the_sweep_rings_for_what_the_broker_forgot(broker: Redis) -> None:
    queued()
    broker.flushall()

    assert sweep() == 1

    assert len(messages(broker, "default")) == 1


@committing
def test_work_is_accepted_in_no_time_while_the_broker_is_away(no_broker: None) -> None:
    started = time.monotonic()

    for name in "abcdefghij":
        queued(name)

    assert time.monotonic() - started < 1
    assert Job.objects.filter(state="ready").count() == 10


def test_after_a_failed_ring_the_process_stays_silent_for_five_seconds(
    no_broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bell, failed = Bell(), gateways.BELLS_FAILED._value.get

    before = failed()
    bell.ring(job_id=JOB, queue="default")
    bell.ring(job_id=JOB, queue="default")
    assert bell.waiting(queue="default") is None
    assert failed() - before == 1

    now[0] = 105.0
    bell.ring(job_id=JOB, queue="default")
    assert failed() - before == 2


def test_an_unreachable_broker_counts_as_no_answer(no_broker: None) -> None:
    assert Bell().waiting(queue="default") is None


def test_a_silenced_bell_sends_nothing(broker: Redis, settings: Settings) -> None:
    settings.JOBS_BELL = False

    Bell().ring(job_id=JOB, queue="default")

    assert broker.llen("default") == 0
    assert Bell().waiting(queue="default") is None
