"""A batch that has not opened is changed or deleted; one that has stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django import DjangoCaptureOnCommitCallbacks

from marketplace.events.models import Event
from marketplace.jobs.models import Job
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit.money import Money
from tasks.models import Batch, GoldAnswer, Import, Task
from tasks.services import batches
from tasks.services.batches import PriceTooLow
from tasks.services.filling import add_gold
from tasks.services.redrafting import AlreadyOpened, change_batch, delete_batch
from tests import make
from tests.make import NOON, usd

pytestmark = pytest.mark.django_db
NEW: dict[str, Any] = {"name": "Second", "answers_per_task": 2, "pool_percent": 10}


def test_a_changed_batch_opens_at_its_new_price_and_size() -> None:
    batch = make.ready_batch(tasks=2, answers=3, price=usd(100))
    by = batch.created_by

    change_batch(batch=batch, price=usd(200), by=by, at=NOON, **NEW)
    opened = batches.open_batch(batch=batch, by=by, at=NOON)

    assert (opened.name, opened.price_minor, opened.fee_minor) == ("Second", 200, 30)
    assert (opened.quote["base_minor"], opened.pool_percent) == (920, 10)
    assert set(Task.objects.values_list("seats", flat=True)) == {2}
    assert Event.objects.filter(kind="batch.changed", object_id=batch.pk).count() == 1


def test_a_price_of_nothing_or_of_another_currency_is_refused() -> None:
    batch = make.ready_batch()

    for price in (usd(0), Money(200, "EUR")):
        with pytest.raises(PriceTooLow):
            change_batch(batch=batch, price=price, by=batch.created_by, at=NOON, **NEW)


def test_a_deleted_batch_takes_its_tasks_known_answers_and_files_along(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    batch = make.ready_batch(tasks=2)
    by = batch.created_by
    task = batch.tasks.order_by("pk")[0]
    add_gold(
        task=task, answer={"overall": 1, "rationale": "x" * 40}, provenance="client", by=by, at=NOON
    )
    upload = make.upload(batch, [make.pair(7)])
    path = Path(settings.MEDIA_ROOT) / upload.path

    with django_capture_on_commit_callbacks(execute=True):
        delete_batch(batch=batch, by=by, at=NOON)

    assert not any(model.objects.exists() for model in (Batch, Task, GoldAnswer, Import))
    assert not path.exists()
    assert Job.objects.get(kind="tasks.check_import").state == "cancelled"
    assert Event.objects.get(kind="batch.deleted").data == {"tasks": 2}


def test_the_job_of_a_deleted_file_ends_without_a_word() -> None:
    batch = make.ready_batch(tasks=1)
    upload = make.upload(batch, [make.pair(7)])
    delete_batch(batch=batch, by=batch.created_by, at=NOON)
    Job.objects.update(
        state="ready", cancel_requested_at=None, cancel_requested_by=None, finished_at=None
    )

    run_due_jobs(queues=["bulk"])

    job = Job.objects.get(args__upload_id=str(upload.pk))
    assert (job.state, job.last_error) == ("done", "")


def test_a_batch_that_opened_is_neither_changed_nor_deleted() -> None:
    batch = make.open_batch()
    by = batch.created_by

    with pytest.raises(AlreadyOpened):
        change_batch(batch=batch, price=usd(200), by=by, at=NOON, **NEW)
    with pytest.raises(AlreadyOpened):
        delete_batch(batch=batch, by=by, at=NOON)
    batches.close_batch(batch=batch, reason="completed", by=by, at=NOON)
    with pytest.raises(AlreadyOpened):
        delete_batch(batch=batch, by=by, at=NOON)

    assert Batch.objects.get().price_minor == 100
