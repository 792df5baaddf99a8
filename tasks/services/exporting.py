"""Make a data set of approved answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import UUID

from django.db import transaction
from pydantic import JsonValue

from marketplace.events.services.recording import record
from marketplace.formats import registry
from marketplace.formats.interface import Record
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.jobs.services.running import finish_job, report_progress
from marketplace.kit.errors import InvalidInput
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from marketplace.projects.models import Project
from marketplace.projects.models.texts import PURPOSES
from tasks.gateways import begin_export, finish_export
from tasks.models import Batch, Export, Task
from tasks.models.exports import TRANSITIONS
from tasks.policy import AnyFormat
from tasks.selectors.answers import Answer, answered_tasks, answers_of, event_head

_CHUNK = 200
_FILES = ("data", "ties", "votes", "provenance", "refused")


class UnknownPurpose(InvalidInput):
    """A data set is made for one of the purposes that terms can name."""

    code = "unknown_purpose"


@transaction.atomic
def start_export(
    *,
    project: Project,
    by: User,
    at: datetime,
    batch: Batch | None = None,
    purpose: str = "training",
) -> Export:
    """Ask for a data set of the project's ended tasks, or of one batch's; a job writes it.

    Answers whose terms do not allow the purpose are left out and listed. Raises UnknownPurpose.
    """
    if purpose not in PURPOSES:
        raise UnknownPurpose(f"Choose a purpose: {', '.join(PURPOSES)}.")
    export = Export.objects.create(
        project=project, batch=batch, purpose=purpose, created_by=by, created_at=at
    )
    job = enqueue(
        "tasks.build_export",
        key=f"tasks.build_export:{export.pk}",
        asked_by=by.pk,
        export_id=str(export.pk),
    )
    export.job = job.pk
    export.save(update_fields=["job"])
    _record(export, "export.started", at, by.pk, purpose=purpose)
    return export


@transaction.atomic
def cancel_export(*, export: Export, by: User, at: datetime) -> Export:
    """Stop an export that is still being written."""
    export = (
        Export.objects.select_for_update(of=("self",)).select_related("project").get(pk=export.pk)
    )
    require_transition(TRANSITIONS, export, "cancelled")
    export.state = "cancelled"
    export.save(update_fields=["state"])
    _record(export, "export.cancelled", at, by.pk)
    return export


def build_export(*, export_id: UUID, at: datetime) -> None:
    """Write the files beside their final folder, then move them there at once.

    Killed, it starts over. `data.jsonl` has one row per task in the columns that training tools
    read, `ties.jsonl` the tasks without a majority, `votes.jsonl` every answer, `provenance.jsonl`
    a hash-chained line per answer, `refused.jsonl` what the terms do not allow, `manifest.json`
    the hashes of all. A sequence: called by edges only.
    """
    export = Export.objects.select_related("project", "batch").get(pk=export_id)
    if export.state != "building":
        return
    folder = begin_export(export.pk)
    with _Writers(folder) as out:
        for done, total in _write_tasks(export, out):
            report_progress(done=done, total=total, note=f"{done} of {total} tasks written")
    manifest = _manifest(export, out, at)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    _finish(export, out, at)


class _Writers:
    """The files of one export, each with its rows and hash."""

    def __init__(self, folder: Path) -> None:
        self.files = {name: _Lines(folder / f"{name}.jsonl") for name in _FILES}
        self.tasks = 0
        self.previous = "0" * 64

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self.files.values():
            file.handle.close()

    def summary(self) -> dict[str, JsonValue]:
        """`{name: {rows, bytes, sha256}}`."""
        return {
            f"{name}.jsonl": {
                "rows": file.rows,
                "bytes": file.size,
                "sha256": file.digest.hexdigest(),
            }
            for name, file in self.files.items()
        }


@dataclass
class _Lines:
    path: Path
    rows: int = 0
    size: int = 0
    handle: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.handle = self.path.open("wb")
        self.digest = sha256()

    def add(self, row: object) -> bytes:
        """Write one JSON line; returns its bytes."""
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self.handle.write(line)
        self.digest.update(line)
        self.rows += 1
        self.size += len(line)
        return line


def _write_tasks(export: Export, out: _Writers) -> Iterator[tuple[int, int]]:
    form = registry.get(export.project.format)
    tasks = answered_tasks(export.project, export.batch)
    total = tasks.count()
    after = UUID(int=0)
    while chunk := list(tasks.filter(pk__gt=after).order_by("pk")[:_CHUNK]):
        answers = answers_of(chunk, organization_id=export.project.organization_id)
        for task in chunk:
            _write_task(form, task, answers.get(task.pk, []), export.purpose, out)
        after = chunk[-1].pk
        yield out.tasks, total


def _write_task(
    form: AnyFormat, task: Task, answers: list[Answer], purpose: str, out: _Writers
) -> None:
    out.tasks += 1
    allowed = [answer for answer in answers if purpose in answer.purposes]
    for answer in answers:
        if purpose not in answer.purposes:
            out.files["refused"].add(
                {"task_id": str(task.pk), "id": answer.id, "reason": f"terms without {purpose}"}
            )
    prompt = form.read_prompt(task.payload)
    votes = [(answer, answer.vote(form)) for answer in allowed]
    heard = Record(str(task.pk), prompt, [vote for answer, vote in votes if not answer.is_unclear])
    rich = form.export_rich(Record(str(task.pk), prompt, [vote for _, vote in votes]))
    row = form.export(heard) if heard.votes else None
    if row is not None:
        out.files["data"].add(row)
    else:
        out.files["ties"].add({**rich, "row_key": task.row_key})
    out.files["votes"].add({**rich, "row_key": task.row_key})
    for answer in allowed:
        line = out.files["provenance"].add({**answer.provenance(task), "prev_hash": out.previous})
        out.previous = sha256(line).hexdigest()


def _manifest(export: Export, out: _Writers, at: datetime) -> dict[str, JsonValue]:
    position, head = event_head()
    return {
        "export": str(export.pk),
        "project": str(export.project_id),
        "batch": str(export.batch_id) if export.batch_id else None,
        "format": export.project.format,
        "format_version": export.project.format_version,
        "purpose": export.purpose,
        "made_at": at.isoformat(),
        "tasks": out.tasks,
        "files": out.summary(),
        "provenance_head": out.previous,
        "events": {"position": position, "hash": head},
    }


@transaction.atomic(durable=True)
def _finish(export: Export, out: _Writers, at: datetime) -> None:
    row = Export.objects.select_for_update(no_key=True).get(pk=export.pk)
    if row.state != "building":
        return  # cancelled meanwhile
    finish_export(export.pk)
    row.state, row.ready_at, row.files = "ready", at, out.summary()
    row.counts = {"tasks": out.tasks, **{n: f.rows for n, f in out.files.items()}}
    row.save(update_fields=["state", "ready_at", "files", "counts"])
    _record(export, "export.finished", at, None, tasks=out.tasks)
    finish_job(result={"tasks": out.tasks})


def _record(export: Export, kind: str, at: datetime, actor: UUID | None, **data: str | int) -> None:
    record(
        kind,
        at=at,
        object_kind="export",
        object_id=export.pk,
        actor=actor,
        organization=export.project.organization_id,
        project=export.project_id,
        data=data,
    )
