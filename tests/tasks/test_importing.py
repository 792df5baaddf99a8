"""Files come in whole: checked first, loaded when a person says so, forgotten when not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from django.conf import settings
from pydantic import JsonValue
from pytest_django import DjangoCaptureOnCommitCallbacks

from marketplace.formats.mapping import InvalidMapping
from marketplace.jobs.models import Job
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit.states import IllegalTransition
from tasks.models import Batch, Import, Task
from tasks.services import batches, loading
from tasks.services.importing import (
    ImportRunning,
    NothingToLoad,
    accept_import,
    cancel_import,
    check_import,
    load_import,
)
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
MAPPING = ("prompt=question", "response_a=left", "response_b=right", "row_key=id")


def row(number: int) -> dict[str, JsonValue]:
    return {"id": f"q{number}", "question": f"{number}?", "left": "yes", "right": "no"}


def empty_batch() -> Batch:
    project = make.project()
    return batches.create_batch(
        project=project, name="x", price=make.usd(100), by=project.created_by, at=NOON
    )


def checked(data: bytes | list[JsonValue], *mapping: str) -> Import:
    upload = make.upload(empty_batch(), data, mapping=mapping)
    run_due_jobs(queues=["bulk"])
    upload.refresh_from_db()
    return upload


def found(upload: Import) -> list[tuple[int, str, str]]:
    return list(upload.problems.order_by("row", "pk").values_list("row", "field", "problem"))


def accept(upload: Import) -> Import:
    accept_import(upload=upload, by=upload.created_by, at=NOON)
    run_due_jobs(queues=["bulk"])
    upload.refresh_from_db()
    return upload


def test_the_dry_run_reads_everything_and_imports_nothing() -> None:
    upload = checked([row(1), row(2), row(3)], *MAPPING)

    assert (upload.state, upload.rows_good, upload.rows_bad) == ("checked", 3, 0)
    assert not Task.objects.exists()
    assert upload.batch.project.mapping == list(MAPPING)


def test_accepting_imports_every_good_row_under_the_clients_keys() -> None:
    upload = accept(checked([row(1), row(2)], *MAPPING))

    assert (upload.state, upload.rows_loaded) == ("done", 2)
    assert Batch.objects.get().state == "ready"
    task = Task.objects.get(row_key="q2")
    assert task.payload["prompt"] == "2?"
    assert task.seats == 3


def test_each_bad_row_is_named_with_its_field_and_only_good_ones_come_in() -> None:
    lines = [
        json.dumps(row(1)),
        '{"id": "q2", "question": ',
        json.dumps({**row(3), "left": {"text": "yes"}}),
        json.dumps({**row(4), "id": "q1"}),
        json.dumps({"id": "q5", "question": "5?", "left": "yes"}),
        json.dumps(row(6)),
    ]

    upload = checked("\n".join(lines).encode(), *MAPPING)

    assert (upload.rows_good, upload.rows_bad) == (2, 4)
    assert [(number, field) for number, field, _ in found(upload)] == [
        (2, ""),
        (3, "response_a"),
        (4, "id"),
        (5, "response_b"),
    ]
    accept(upload)
    assert set(Task.objects.values_list("row_key", flat=True)) == {"q1", "q6"}


def test_a_mapping_to_a_column_that_no_row_has_is_named() -> None:
    upload = checked([row(1)], "prompt=question", "response_a=left", "response_b=rihgt")

    assert found(upload)[0] == (
        0,
        "response_b",
        "No row has “rihgt”. Columns: id, question, left, right.",
    )
    with pytest.raises(NothingToLoad):
        accept_import(upload=upload, by=upload.created_by, at=NOON)


@pytest.mark.parametrize("line", ["prompt", "colour=x", "prompt=a"])
def test_a_mapping_that_cannot_be_read_is_refused_before_the_file_is_kept(line: str) -> None:
    with pytest.raises(InvalidMapping):
        make.upload(empty_batch(), [row(1)], mapping=(line,))

    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("x".encode("utf-16"), "UTF-16"),
        (b"", "empty"),
        (b"[1, 2", "JSON"),
        (gzip.compress(b'{"a": 1}\n' * 99)[:20], "half there"),
    ],
    ids=["UTF-16", "empty", "broken JSON", "half a gzip"],
)
def test_an_unreadable_file_fails_with_a_sentence(data: bytes, sentence: str) -> None:
    upload = checked(data)

    assert upload.rows_good == 0
    assert sentence in (upload.problem or str(found(upload)))
    with pytest.raises((IllegalTransition, NothingToLoad)):
        accept_import(upload=upload, by=upload.created_by, at=NOON)


def test_a_row_above_the_limit_is_named_and_the_others_are_good() -> None:
    big = json.dumps({**row(2), "left": "x" * 1_100_000}).encode()
    data = b"\n".join([json.dumps(row(1)).encode(), big, json.dumps(row(3)).encode()])

    upload = checked(data, *MAPPING)

    assert (upload.rows_good, upload.rows_bad) == (2, 1)
    assert "larger than 1 MB" in found(upload)[0][2]


def test_keys_that_the_batch_has_already_are_bad_rows() -> None:
    upload = accept(checked([row(1)], *MAPPING))
    again = make.upload(upload.batch, [row(1), row(2)], mapping=MAPPING)
    run_due_jobs(queues=["bulk"])
    again.refresh_from_db()

    assert (again.rows_good, again.rows_bad) == (1, 1)
    accept(again)
    assert Task.objects.count() == 2


def test_without_a_mapping_the_formats_own_names_are_read() -> None:
    upload = accept(checked([make.pair(1), make.pair(2)]))

    assert upload.rows_loaded == 2
    assert Task.objects.order_by("pk").values_list("row_key", flat=True)[0].endswith(":1")


def test_a_batch_takes_one_file_at_a_time() -> None:
    upload = checked([row(1)], *MAPPING)

    with pytest.raises(ImportRunning):
        make.upload(upload.batch, [row(2)], mapping=MAPPING)


def test_routing_cannot_see_a_batch_that_is_importing() -> None:
    upload = checked([row(1)], *MAPPING)
    accept_import(upload=upload, by=upload.created_by, at=NOON)
    batch = Batch.objects.get()

    with pytest.raises(IllegalTransition):
        batches.open_batch(batch=batch, by=batch.created_by, at=NOON)

    assert batch.state == "importing"


def test_cancelling_takes_back_what_was_loaded_and_stops_the_job() -> None:
    upload = checked([row(1), row(2)], *MAPPING)
    accept_import(upload=upload, by=upload.created_by, at=NOON)
    load_import(upload_id=upload.pk, at=NOON)
    Import.objects.update(state="loading", ended_at=None)  # killed before its last transaction
    Batch.objects.update(state="importing")

    cancel_import(upload=upload, by=upload.created_by, at=NOON)
    run_due_jobs(queues=["bulk"])

    assert not Task.objects.exists()
    assert Batch.objects.get().state == "draft"
    assert Job.objects.get(kind="tasks.load_import").state == "cancelled"


def test_closing_a_batch_drops_the_file_that_is_being_loaded(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = checked([row(number) for number in range(1, 8)], *MAPPING)
    by = upload.created_by
    accept_import(upload=upload, by=by, at=NOON)
    monkeypatch.setattr(loading, "_CHUNK", 3)

    def close(**_: object) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            batches.close_batch(batch=upload.batch, reason="cancelled", by=by, at=NOON)

    monkeypatch.setattr(loading, "report_progress", close)
    run_due_jobs(queues=["bulk"])

    upload.refresh_from_db()
    assert (upload.state, upload.rows_loaded) == ("cancelled", 0)
    assert upload.problem == "The batch was closed before the file was loaded."
    assert not Task.objects.exists()
    assert not (Path(settings.MEDIA_ROOT) / upload.path).exists()
    assert Batch.objects.get().state == "closed"
    job = Job.objects.get(kind="tasks.load_import")
    assert (job.state, job.last_error) == ("done", "")


@pytest.mark.parametrize("is_accepted", [False, True])
def test_closing_a_batch_stops_the_job_of_a_waiting_file(*, is_accepted: bool) -> None:
    upload = make.upload(empty_batch(), [row(1)], mapping=MAPPING)
    by = upload.created_by
    if is_accepted:
        run_due_jobs(queues=["bulk"])
        accept_import(upload=upload, by=by, at=NOON)

    batches.close_batch(batch=upload.batch, reason="cancelled", by=by, at=NOON)

    assert Import.objects.get().state == "cancelled"
    assert Job.objects.order_by("-created_at", "-pk")[0].state == "cancelled"


def test_a_load_that_ends_in_a_closed_batch_takes_its_rows_back() -> None:
    upload = checked([row(1)], *MAPPING)
    accept_import(upload=upload, by=upload.created_by, at=NOON)
    Batch.objects.update(state="closed", close_reason="cancelled", closed_at=NOON)

    run_due_jobs(queues=["bulk"])

    assert Batch.objects.get().state == "closed"
    assert Import.objects.get().state == "cancelled"
    assert not Task.objects.exists()
    assert Job.objects.get(kind="tasks.load_import").state == "done"


def test_a_file_may_be_dropped_after_its_batch_opened() -> None:
    batch = make.ready_batch(tasks=1)
    upload = make.upload(batch, [row(1)], mapping=MAPPING)
    run_due_jobs(queues=["bulk"])
    batches.open_batch(batch=batch, by=batch.created_by, at=NOON)

    cancel_import(upload=upload, by=batch.created_by, at=NOON)

    assert Batch.objects.get().state == "open"


def test_the_file_is_gone_after_the_import(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    upload = checked([row(1)], *MAPPING)
    path = Path(settings.MEDIA_ROOT) / upload.path
    assert path.exists()

    with django_capture_on_commit_callbacks(execute=True):
        accept(upload)

    assert not path.exists()


def test_a_killed_load_goes_on_after_its_last_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = checked([row(number) for number in range(1, 8)], *MAPPING)
    accept_import(upload=upload, by=upload.created_by, at=NOON)
    monkeypatch.setattr(loading, "_CHUNK", 3)

    def die(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(loading, "report_progress", die)
        with pytest.raises(KeyboardInterrupt):
            load_import(upload_id=upload.pk, at=NOON)
    kept = Task.objects.count()
    load_import(upload_id=upload.pk, at=NOON)

    assert kept == 3
    upload.refresh_from_db()
    assert (upload.state, upload.rows_loaded, Task.objects.count()) == ("done", 7, 7)


def test_jobs_of_an_import_that_went_on_do_nothing() -> None:
    upload = accept(checked([row(1)], *MAPPING))

    check_import(upload_id=upload.pk, at=NOON)
    load_import(upload_id=upload.pk, at=NOON)

    upload.refresh_from_db()
    assert (upload.state, upload.rows_loaded) == ("done", 1)


def test_a_row_key_that_is_missing_or_too_long_is_named() -> None:
    keyless = {name: value for name, value in row(1).items() if name != "id"}

    upload = checked([keyless, {**row(2), "id": "k" * 201}], *MAPPING)

    assert found(upload) == [
        (1, "id", "is the row key and is empty"),
        (2, "id", "is longer than 200 characters"),
    ]


def test_a_check_that_runs_again_starts_over() -> None:
    upload = checked([{**row(1), "left": {}}], *MAPPING)
    Import.objects.update(state="checking")
    Job.objects.update(state="ready", attempts=0, finished_at=None)

    run_due_jobs(queues=["bulk"])

    assert upload.problems.count() == 1
