"""The dry run of an import: read everything, list every bad row, import nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.formats.problems import RowProblem
from marketplace.jobs.services.running import report_progress
from tasks.models import Import, ImportProblem, Task
from tasks.services.reading import GoodRow, read_upload

_CHUNK = 1000


class _Count:
    """What the dry run found so far."""

    def __init__(self) -> None:
        self.good = 0
        self.bad_rows: set[int] = set()
        self.problems: list[RowProblem] = []
        self.waiting: list[GoodRow] = []
        self.unreadable = ""


def check_import(*, upload_id: UUID, at: datetime) -> None:
    """Read the whole file; write its counts and the problems of every bad row.

    Run again after a kill, it starts over. Does nothing once the import went on, was cancelled or
    deleted.
    """
    rows = Import.objects.select_related("batch", "batch__project").filter(pk=upload_id)
    upload = rows.order_by("pk").first()
    if upload is None or upload.state != "checking":
        return
    ImportProblem.objects.filter(upload=upload).delete()
    count = _Count()
    for number, found in enumerate(read_upload(upload=upload), start=1):
        _take(count, found)
        if number % _CHUNK == 0:
            _flush(upload, count)
            report_progress(done=number, note=f"{number} rows read")
    _flush(upload, count)
    _finish(upload, count, at)


def _take(count: _Count, found: Iterable[GoodRow | RowProblem]) -> None:
    for each in found:
        if isinstance(each, GoodRow):
            count.waiting.append(each)
            continue
        count.problems.append(each)
        if each.row > 0:
            count.bad_rows.add(each.row)
        elif not count.unreadable and not each.field:
            count.unreadable = each.problem


def _flush(upload: Import, count: _Count) -> None:
    """Write the problems so far; rows that the batch has already become problems here."""
    keys = {row.key: row for row in count.waiting}
    known = Task.objects.filter(batch=upload.batch, row_key__in=keys).values_list(
        "row_key", flat=True
    )
    for key in known:
        row = keys[key]
        count.problems.append(RowProblem(row.number, "", f"“{key[:60]}” is in this batch already"))
        count.bad_rows.add(row.number)
    count.good += len(count.waiting) - len(known)
    ImportProblem.objects.bulk_create(
        [
            ImportProblem(upload=upload, row=p.row, field=p.field[:200], problem=p.problem[:500])
            for p in count.problems
        ]
    )
    count.waiting.clear()
    count.problems.clear()


@transaction.atomic
def _finish(upload: Import, count: _Count, at: datetime) -> None:
    upload = (
        Import.objects.select_for_update(of=("self",), no_key=True)
        .select_related("batch", "batch__project")
        .get(pk=upload.pk)
    )
    if upload.state != "checking":
        return  # cancelled meanwhile
    is_readable = count.good > 0 or not count.unreadable
    upload.state = "checked" if is_readable else "failed"
    upload.problem = count.unreadable[:500]
    upload.rows_good, upload.rows_bad = count.good, len(count.bad_rows)
    upload.ended_at = None if is_readable else at
    upload.save(update_fields=["state", "problem", "rows_good", "rows_bad", "ended_at"])
    record(
        "import.checked",
        at=at,
        object_kind="import",
        object_id=upload.pk,
        organization=upload.batch.project.organization_id,
        project=upload.batch.project_id,
        data={"good": upload.rows_good, "bad": upload.rows_bad},
    )
