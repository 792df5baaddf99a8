"""End a batch and give back the money that nobody can earn any more."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from marketplace.events.services.recording import record
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from payouts.services.reserving import release_reservation
from tasks import pricing
from tasks.models import Assignment, Batch, Task
from tasks.models.assignments import ANSWERED, UNDECIDED
from tasks.models.batches import BATCH_TRANSITIONS, UNFINISHED
from tasks.policy import KILL_FEE_PERCENT
from tasks.selectors.money import kept_for
from tasks.services.crediting import due_price, pay_assignment
from tasks.services.importing import cancel_imports_of
from tasks.services.seats import lock_assignment, record_of, settle_task, shut_tasks


@transaction.atomic
def close_batch(*, batch: Batch, reason: str, at: datetime, by: User | None = None) -> Batch:
    """End a batch: no more seats; running assignments finish, submitted work is decided and paid.

    `reason` is one of CLOSE_REASONS. A file on its way in is dropped. The money that is left goes
    back in a job.
    """
    batch = _lock_open(batch)
    _shut(batch, reason, at, by)
    return batch


@transaction.atomic
def cancel_batch(*, batch: Batch, by: User, at: datetime) -> Batch:
    """End a batch at once: submitted work is decided, work in progress is paid.

    Half its price, or, by the hour, the whole of its measured time.
    """
    batch = _lock_open(batch)
    _shut(batch, "cancelled", at, by)
    running = Assignment.objects.filter(batch=batch, state="active").order_by("task_id", "id")
    for assignment in running:
        _pay_kill_fee(assignment, at, by)
    return batch


def close_finished_batches(*, at: datetime, limit: int = 100) -> int:
    """Close, as completed, opened batches whose every task has ended; how many."""
    unfinished = Task.objects.filter(batch=OuterRef("pk"), state__in=UNFINISHED)
    done = (
        Batch.objects.filter(state__in=["open", "paused"])
        .exclude(Exists(unfinished))
        .order_by("pk")[:limit]
    )
    return sum(_close_finished(batch, at) for batch in done)


@transaction.atomic
def settle_batch(*, batch: Batch, at: datetime) -> Money | None:
    """Give back what a closed batch no longer needs; what moved, or None where nothing is left.

    Called again, by a schedule, until the last verdict is final and the last earning posted.
    """
    batch = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if batch.state != "closed" or batch.settled_at is not None or batch.reservation is None:
        return None
    keep = kept_for(batch, at=at)
    moved = release_reservation(reservation=batch.reservation, keep=keep, at=at)
    batch.reservation.refresh_from_db(fields=["state"])
    if batch.reservation.state == "released":
        batch.settled_at = at
        batch.save(update_fields=["settled_at"])
    return moved


def settle_closed_batches(*, at: datetime, limit: int = 200) -> int:
    """`settle_batch` for every closed batch that still holds money; how many gave some back."""
    waiting = Batch.objects.filter(
        state="closed", settled_at__isnull=True, reservation__isnull=False
    )
    return sum(bool(settle_batch(batch=batch, at=at)) for batch in waiting.order_by("pk")[:limit])


@transaction.atomic
def _close_finished(batch: Batch, at: datetime) -> bool:
    batch = _lock_open(batch)
    if batch.state not in ("open", "paused") or batch.tasks.filter(state__in=UNFINISHED).exists():
        return False
    _shut(batch, "completed", at, None)
    return True


def _lock_open(batch: Batch) -> Batch:
    rows = Batch.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("project").get(pk=batch.pk)


def _shut(batch: Batch, reason: str, at: datetime, by: User | None) -> None:
    require_transition(BATCH_TRANSITIONS, batch, "closed")
    cancel_imports_of(batch=batch, by=by, at=at)
    shut_tasks(batch=batch)
    batch.state, batch.close_reason, batch.closed_at, batch.paused_by = "closed", reason, at, ""
    batch.save(update_fields=["state", "close_reason", "closed_at", "paused_by"])
    _end_tasks(batch, at)
    record(
        "batch.closed",
        at=at,
        object_kind="batch",
        object_id=batch.pk,
        actor=by.pk if by else None,
        organization=batch.project.organization_id,
        project=batch.project_id,
        data={"reason": batch.close_reason},
    )
    if batch.reservation_id is not None:
        enqueue("tasks.settle_batch", key=f"tasks.settle_batch:{batch.pk}", batch_id=str(batch.pk))


def _end_tasks(batch: Batch, at: datetime) -> None:
    """End what nobody works on and nobody has to decide; the rest ends with its last verdict."""
    own = Assignment.objects.filter(task=OuterRef("pk"))
    idle = batch.tasks.filter(state__in=UNFINISHED).exclude(
        Exists(own.filter(Q(state="active") | Q(state__in=UNDECIDED)))
    )
    ended = {"retired_because": "cancelled", "ended_at": at, "is_open": False}
    idle.filter(Exists(own.filter(state__in=ANSWERED))).update(state="completed", **ended)
    idle.update(state="cancelled", **ended)


def _pay_kill_fee(assignment: Assignment, at: datetime, by: User) -> None:
    assignment = lock_assignment(assignment=assignment)
    if assignment.state != "active":
        return  # submitted or given back while we waited
    pay, fee = due_price(assignment=assignment)
    if assignment.hourly_minor is None:
        basis_points = assignment.batch.fee_basis_points
        pay, fee = pricing.part(pay, percent=KILL_FEE_PERCENT, basis_points=basis_points)
    pay_assignment(assignment=assignment, state="cancelled_paid", pay=pay, fee=fee, at=at)
    settle_task(assignment=assignment, at=at)
    record_of("assignment.cancelled", assignment=assignment, at=at, actor=by.pk)
