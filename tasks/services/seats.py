"""Seats of a task: lock, give back, and end the task when nothing is left to wait for.

Lock order everywhere: project, batch, task, assignment, route; money last.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from marketplace.events.services.recording import JSON, record
from tasks.models import Assignment, Batch, Task
from tasks.models.assignments import ANSWERED, UNDECIDED
from tasks.models.batches import UNFINISHED
from tasks.services.routing import reset_cursors

_WITH = (
    "batch",
    "batch__reservation",
    "project",
    "project__organization",
    "engagement",
    "expert",
)


def lock_assignment(*, assignment: Assignment) -> Assignment:
    """The assignment as it is now, its task and itself locked until the transaction ends."""
    task = Task.objects.select_for_update(no_key=True).get(pk=assignment.task_id)
    fresh = (
        Assignment.objects.select_for_update(of=("self",), no_key=True)
        .select_related(*_WITH)
        .get(pk=assignment.pk)
    )
    fresh.task = task
    return fresh


def shut_tasks(*, batch: Batch) -> None:
    """Offer no more seats of a locked batch.

    Waits for whoever holds a task, also one without a free seat: a claim may take its last seat,
    a return may open it again.
    """
    unfinished = batch.tasks.filter(state__in=UNFINISHED).order_by("pk")
    list(unfinished.select_for_update(no_key=True).values_list("pk", flat=True))
    batch.tasks.filter(is_open=True).update(is_open=False)


def give_back_seat(*, assignment: Assignment) -> None:
    """Free the seat of a locked assignment; others may claim it while the batch is open.

    The batch counts as it was read after the task was locked (`lock_assignment`).
    """
    task = assignment.task
    task.taken -= 1
    if task.state == "in_review":
        task.state = "available"
    task.is_open = task.state == "available" and assignment.batch.state == "open"
    task.save(update_fields=["taken", "state", "is_open"])
    if task.is_open and task.route_id is not None:
        reset_cursors(route_id=task.route_id)


def settle_task(*, assignment: Assignment, at: datetime) -> None:
    """Move the task of a locked assignment on: to review, or to its end. Call it last.

    Enough answers end it. Once nobody works on it and no verdict is outstanding, it also ends in a
    closed batch, and where no seat is left: the pool did not pay for another answer.
    """
    task = assignment.task
    states = list(task.assignments.values_list("state", flat=True))
    answers = sum(state in ANSWERED for state in states)
    waiting = sum(state in UNDECIDED for state in states)
    working = states.count("active")
    is_closed = assignment.batch.state == "closed"
    if answers >= task.seats:
        end_task(task=task, to="completed", because="enough_answers", at=at)
    elif not (working or waiting) and (is_closed or task.taken == task.seats):
        end_task(task=task, to="completed" if answers else "cancelled", because="cancelled", at=at)
    elif task.state == "available" and task.taken == task.seats and not working:
        task.state = "in_review"
        task.save(update_fields=["state"])


def end_task(*, task: Task, to: str, because: str, at: datetime) -> None:
    """Write the end of a locked task."""
    if task.state in ("completed", "cancelled"):
        return
    task.state, task.retired_because, task.is_open, task.ended_at = to, because, False, at
    task.save(update_fields=["state", "retired_because", "is_open", "ended_at"])


def record_of(
    kind: str, *, assignment: Assignment, at: datetime, actor: UUID | None, **data: JSON
) -> None:
    """The event of a verb on an assignment."""
    record(
        kind,
        at=at,
        object_kind="assignment",
        object_id=assignment.pk,
        actor=actor,
        expert=assignment.expert_id,
        organization=assignment.project.organization_id,
        project=assignment.project_id,
        data={"task": str(assignment.task_id), "batch": str(assignment.batch_id), **data},
    )
