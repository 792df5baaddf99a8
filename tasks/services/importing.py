"""Take a client's file in: keep it, check it, load it when a person says so, or forget it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
from typing import IO

from django.db import transaction
from django.db.models import Q

from marketplace.events.services.recording import record
from marketplace.formats import registry
from marketplace.formats.mapping import Mapping
from marketplace.jobs.models import Job
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.jobs.services.operating import cancel_job
from marketplace.kit.errors import DomainError
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from marketplace.projects.services.preparing import keep_mapping
from tasks.gateways import keep_upload
from tasks.models import Batch, Import
from tasks.models.batches import BATCH_TRANSITIONS
from tasks.models.imports import RUNNING, TRANSITIONS
from tasks.services.checking import check_import
from tasks.services.loading import CLOSED_FIRST, load_import, take_back
from tasks.services.reading import split_mapping

__all__ = [
    "ImportRunning",
    "NothingToLoad",
    "accept_import",
    "cancel_import",
    "cancel_imports_of",
    "check_import",
    "load_import",
    "start_import",
]


class ImportRunning(DomainError):
    """The batch takes one file at a time."""

    code = "import_running"
    status = 409


class NothingToLoad(DomainError):
    """The file has no row that can be used."""

    code = "nothing_to_load"
    status = 409


def start_import(
    *,
    batch: Batch,
    file: IO[bytes],
    file_name: str,
    mapping: Sequence[str],
    by: User,
    at: datetime,
) -> Import:
    """Keep the file and check it in a job; nothing is imported yet.

    `mapping` holds `field=path` lines; one `row_key=path` line names the column of the client's
    own ids. Raises InvalidMapping, ImportRunning, IllegalTransition. A sequence: the file is
    stored before the transaction.
    """
    form = registry.get(batch.project.format)
    fields, _ = split_mapping(mapping=mapping)
    if fields:
        Mapping.parse(fields).require_fields(form)
    stored = keep_upload(file)
    with transaction.atomic():
        keep_mapping(project=batch.project, mapping=mapping)  # locks the project, before the batch
        batch = Batch.objects.select_for_update(of=("self",), no_key=True).get(pk=batch.pk)
        if batch.imports.filter(state__in=RUNNING).exists():
            raise ImportRunning(
                "Another file is on its way into this batch. Load or cancel it first."
            )
        require_transition(BATCH_TRANSITIONS, batch, "importing")
        upload = Import.objects.create(
            batch=batch,
            file_name=PurePath(file_name).name[-200:],
            path=stored.path,
            size_bytes=stored.size,
            sha256=stored.sha256,
            mapping=list(mapping),
            created_by=by,
            created_at=at,
        )
        job = enqueue(
            "tasks.check_import",
            key=f"tasks.check_import:{upload.pk}",
            asked_by=by.pk,
            upload_id=str(upload.pk),
        )
        upload.check_job = job.pk
        upload.save(update_fields=["check_job"])
        _record(upload, "import.started", by, at, sha256=upload.sha256)
    return upload


@transaction.atomic
def accept_import(*, upload: Import, by: User, at: datetime) -> Import:
    """Load every good row of a checked file, in a job. The bad ones stay out.

    Until the end the batch is `importing`, which routing cannot see. Raises NothingToLoad.
    """
    upload = _locked(upload)
    require_transition(TRANSITIONS, upload, "loading")
    if upload.rows_good == 0:
        raise NothingToLoad("No row of this file can be used.")
    batch = upload.batch
    require_transition(BATCH_TRANSITIONS, batch, "importing")
    batch.state = "importing"
    batch.save(update_fields=["state"])
    job = enqueue(
        "tasks.load_import",
        key=f"tasks.load_import:{upload.pk}",
        asked_by=by.pk,
        upload_id=str(upload.pk),
    )
    upload.state, upload.load_job = "loading", job.pk
    upload.save(update_fields=["state", "load_job"])
    _record(upload, "import.accepted", by, at, good=upload.rows_good, bad=upload.rows_bad)
    return upload


@transaction.atomic
def cancel_import(*, upload: Import, by: User, at: datetime) -> Import:
    """Take nothing from the file: what was loaded so far is deleted, and so is the file."""
    upload = _locked(upload)
    require_transition(TRANSITIONS, upload, "cancelled")
    _stop(upload, by, at)
    return upload


@transaction.atomic
def cancel_imports_of(*, batch: Batch, by: User | None, at: datetime) -> None:
    """Cancel what is on its way into a locked batch that is about to close."""
    for upload in batch.imports.filter(state__in=RUNNING).order_by("pk"):
        _stop(_locked(upload), by, at, problem=CLOSED_FIRST)


def _stop(upload: Import, by: User | None, at: datetime, problem: str = "") -> None:
    running = upload.load_job or upload.check_job
    take_back(upload=upload, at=at, problem=problem)
    for job in Job.objects.filter(Q(pk=running), state__in=["ready", "running"]):
        cancel_job(job=job, by=by.pk if by else upload.created_by_id, at=at)
    _record(upload, "import.cancelled", by, at)


def _locked(upload: Import) -> Import:
    Batch.objects.select_for_update(no_key=True).get(pk=upload.batch_id)
    rows = Import.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("batch", "batch__project").get(pk=upload.pk)


def _record(upload: Import, kind: str, by: User | None, at: datetime, **data: str | int) -> None:
    record(
        kind,
        at=at,
        object_kind="import",
        object_id=upload.pk,
        actor=by.pk if by else None,
        organization=upload.batch.project.organization_id,
        project=upload.batch.project_id,
        data={"batch": str(upload.batch_id), **data},
    )
