from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from marketplace.jobs.gateways import UnknownKind
from marketplace.jobs.models import Job
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.ids import uuid7
from tests.jobs.kinds import NOON, committing, queued


@pytest.mark.django_db
def test_a_job_takes_its_limits_from_the_queue_of_its_kind() -> None:
    ada = uuid7()

    job = enqueue("tests.act", key="tests.act:1", asked_by=ada, name="one")
    long = enqueue("tests.act_for_long", key="tests.act_for_long:1", name="two")

    assert (job.kind, job.args, job.asked_by) == ("tests.act", {"name": "one"}, ada)
    assert (job.queue, job.state, job.attempts) == ("default", "ready", 0)
    assert (job.max_attempts, job.lease_seconds) == (12, 120)
    assert (long.queue, long.max_attempts) == ("bulk", 5)


@pytest.mark.django_db
def test_a_second_enqueue_with_the_same_key_returns_the_first_job() -> None:
    first = enqueue("tests.act", key="the occurrence", name="one")

    second = enqueue("tests.act", key="the occurrence", name="another")

    assert second == first
    assert Job.objects.get().args == {"name": "one"}


@committing
def test_a_job_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        enqueue("tests.act", key="tests.act:1", name="one")


@committing
def test_a_job_of_a_transaction_that_rolls_back_never_was() -> None:
    with transaction.atomic():
        queued()
        transaction.set_rollback(True)

    assert Job.objects.count() == 0


@pytest.mark.django_db
def test_a_kind_that_nobody_registered_is_refused() -> None:
    with pytest.raises(UnknownKind, match=r"payouts\.juggle"):
        enqueue("payouts.juggle", key="1")


@pytest.mark.django_db
def test_run_at_delays_a_job() -> None:
    job = queued(run_at=NOON + timedelta(days=3650))

    assert job.run_at == NOON + timedelta(days=3650)
