"""Put tasks into a batch before it opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from pydantic import JsonValue

from marketplace.events.services.recording import record
from marketplace.formats import registry
from marketplace.formats.problems import InvalidPayload, RowProblem, fault_of
from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from tasks.models import Batch, GoldAnswer, Task
from tasks.models.batches import BATCH_TRANSITIONS
from tasks.policy import AnyFormat


class InvalidRows(InvalidInput):
    """Some rows cannot be used, so none was added; `errors` lists `{row, field, problem}`."""

    code = "invalid_rows"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to add: the format's prompt, the client's own key, and the right answer if known."""

    payload: JsonValue
    key: str = ""
    priority: int = 0
    gold: JsonValue = None


@transaction.atomic
def add_tasks(*, batch: Batch, rows: Sequence[NewTask], by: User, at: datetime) -> list[Task]:
    """Add all rows to a batch that has not opened, or none. Raises InvalidRows, naming each."""
    rows_of = Batch.objects.select_for_update(of=("self",), no_key=True)
    batch = rows_of.select_related("project").get(pk=batch.pk)
    if batch.state != "ready":
        require_transition(BATCH_TRANSITIONS, batch, "ready")
    form = registry.get(batch.project.format)
    tasks, problems = _read(batch, form, rows, at)
    problems += _taken_keys(batch, rows)
    if problems:
        problems.sort(key=lambda problem: problem.row)
        raise InvalidRows(
            f"{len({p.row for p in problems})} of {len(rows)} rows cannot be used. None was added.",
            errors=[{"row": p.row, "field": p.field, "problem": p.problem} for p in problems],
        )
    Task.objects.bulk_create(tasks)
    for task, row in zip(tasks, rows, strict=True):
        if row.gold is not None:
            add_gold(task=task, answer=row.gold, provenance="client", by=by, at=at)
    batch.state = "ready"
    batch.save(update_fields=["state"])
    record(
        "batch.filled",
        at=at,
        object_kind="batch",
        object_id=batch.pk,
        actor=by.pk,
        organization=batch.project.organization_id,
        project=batch.project_id,
        data={"tasks": len(tasks)},
    )
    return tasks


@transaction.atomic
def add_gold(
    *, task: Task, answer: JsonValue, provenance: str, by: User, at: datetime
) -> GoldAnswer:
    """Say what the right answer of a task is; nobody who works on it can see that it is known.

    Raises InvalidPayload when the answer does not fit the format.
    """
    form = registry.get(task.batch.project.format)
    read = form.read_answer(answer)
    refused = [
        problem
        for problem in form.problems(prompt=task.payload, answer=answer)
        if problem.severity == "refuse"
    ]
    if refused:
        raise InvalidPayload(refused)
    return GoldAnswer.objects.create(
        task=task,
        answer=read.model_dump(mode="json"),
        provenance=provenance,
        added_by=by,
        added_at=at,
    )


def _read(
    batch: Batch, form: AnyFormat, rows: Sequence[NewTask], at: datetime
) -> tuple[list[Task], list[RowProblem]]:
    tasks: list[Task] = []
    problems: list[RowProblem] = []
    for number, row in enumerate(rows, start=1):
        try:
            fault = fault_of(row.payload)
            payload = {} if fault else form.read_prompt(row.payload).model_dump(mode="json")
        except InvalidPayload as refused:
            problems += [RowProblem(number, p.path, p.message) for p in refused.problems]
            continue
        if fault:
            problems.append(RowProblem(number, "", fault))
            continue
        tasks.append(_task(batch, payload, row, at))
    return tasks, problems


def _task(batch: Batch, payload: JsonValue, row: NewTask, at: datetime) -> Task:
    key = uuid7()
    return Task(
        id=key,
        batch=batch,
        row_key=row.key or str(key),
        payload=payload,
        priority=row.priority,
        seats=batch.answers_per_task,
        created_at=at,
    )


def _taken_keys(batch: Batch, rows: Sequence[NewTask]) -> list[RowProblem]:
    """Keys that the batch has already, or that came twice."""
    given = [row.key for row in rows if row.key]
    known = set(
        Task.objects.filter(batch=batch, row_key__in=given).values_list("row_key", flat=True)
    )
    problems = []
    for number, row in enumerate(rows, start=1):
        if row.key in known:
            problem = f"“{row.key[:60]}” is in this batch already"
            problems.append(RowProblem(number, "key", problem))
        elif row.key:
            known.add(row.key)
    return problems
