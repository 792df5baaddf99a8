"""Write the good rows of an accepted import in chunks, each its own transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.jobs.services.running import finish_job, report_progress
from tasks.gateways import forget_upload
from tasks.models import Batch, Import, Task
from tasks.services.reading import GoodRow, read_upload

_CHUNK = 1000
CLOSED_FIRST = "The batch was closed before the file was loaded."


def load_import(*, upload_id: UUID, at: datetime) -> None:
    """Load what the dry run found good; killed, it goes on after the last chunk written.

    Does nothing once the import is done, cancelled or deleted, and takes everything back where the
    batch closed meanwhile. A sequence: called by edges only.
    """
    rows = Import.objects.select_related("batch", "batch__project").filter(pk=upload_id)
    upload = rows.order_by("pk").first()
    if upload is None or upload.state != "loading":
        return
    for chunk in _chunks(upload):
        loaded = _write(upload, chunk, at)
        if loaded is None:
            return  # cancelled meanwhile, or its batch closed
        report_progress(
            done=loaded, total=upload.rows_good, note=f"{loaded} of {upload.rows_good} rows"
        )
    _finish(upload, at)


def take_back(*, upload: Import, at: datetime, problem: str = "") -> None:
    """Cancel an import whose batch and row are locked: its tasks are deleted, and so is the file.

    A batch that was importing is again what it was before; one that went on is left alone.
    """
    Task.objects.filter(source=upload).delete()
    batch = upload.batch
    if batch.state == "importing":
        batch.state = "ready" if batch.tasks.exists() else "draft"
        batch.save(update_fields=["state"])
    upload.state, upload.ended_at, upload.rows_loaded = "cancelled", at, 0
    upload.problem = problem
    upload.save(update_fields=["state", "ended_at", "rows_loaded", "problem"])
    transaction.on_commit(lambda: forget_upload(upload.path), robust=True)


def _chunks(upload: Import) -> Iterator[list[GoodRow]]:
    chunk: list[GoodRow] = []
    for found in read_upload(upload=upload):
        chunk += [
            each for each in found if isinstance(each, GoodRow) and each.number > upload.cursor
        ]
        if len(chunk) >= _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@transaction.atomic(durable=True)
def _write(upload: Import, chunk: list[GoodRow], at: datetime) -> int | None:
    """Add one chunk and move the cursor past it; None when the import no longer loads."""
    row = Import.objects.select_for_update(no_key=True).get(pk=upload.pk)
    if row.state != "loading":
        return None
    if chunk[-1].number <= row.cursor:
        return row.rows_loaded  # another worker was here
    Task.objects.bulk_create(
        [
            Task(
                batch=upload.batch,
                row_key=each.key,
                payload=each.payload,
                seats=upload.batch.answers_per_task,
                source=upload,
                created_at=at,
            )
            for each in chunk
        ],
        ignore_conflicts=True,
    )
    row.cursor, row.rows_loaded = chunk[-1].number, row.rows_loaded + len(chunk)
    row.save(update_fields=["cursor", "rows_loaded"])
    return row.rows_loaded


@transaction.atomic(durable=True)
def _finish(upload: Import, at: datetime) -> None:
    batch = Batch.objects.select_for_update(no_key=True).get(pk=upload.batch_id)
    row = Import.objects.select_for_update(no_key=True).get(pk=upload.pk)
    if row.state != "loading":
        return
    row.batch = batch
    if batch.state != "importing":
        take_back(upload=row, at=at, problem=CLOSED_FIRST)
        return
    row.state, row.ended_at = "done", at
    row.rows_loaded = Task.objects.filter(source=row).count()
    row.save(update_fields=["state", "ended_at", "rows_loaded"])
    batch.state = "ready"
    batch.save(update_fields=["state"])
    transaction.on_commit(lambda: forget_upload(row.path), robust=True)
    record(
        "import.finished",
        at=at,
        object_kind="import",
        object_id=row.pk,
        organization=upload.batch.project.organization_id,
        project=upload.batch.project_id,
        data={"batch": str(batch.pk), "rows": row.rows_loaded},
    )
    finish_job(result={"rows": row.rows_loaded})
