"""A payout run: collected, closed, approved by somebody else, sent, done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from marketplace.events.services.recording import record
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.errors import DomainError
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from payouts.models import Payout, PayoutRun
from payouts.services.holding import cancel_payout
from payouts.services.proposing import SamePerson

SENDS_PER_JOB = 50
JOB_SPACING = timedelta(seconds=5)


class RunAlreadyOpen(DomainError):
    """One run per currency collects at a time."""

    code = "run_already_open"
    status = 409


class RunStillCollecting(DomainError):
    """The run has not looked at every expert yet."""

    code = "run_still_collecting"
    status = 409


@transaction.atomic
def open_run(*, currency: str, by: User, at: datetime, rail: str = "stripe") -> PayoutRun:
    """Start a run and have a job collect its payouts. Raises RunAlreadyOpen."""
    return _open(PayoutRun(currency=currency, rail=rail, opened_by=by, opened_at=at))


@transaction.atomic
def open_scheduled_run(
    *, currency: str, rail: str, scheduled_for: datetime, at: datetime
) -> PayoutRun:
    """Start the run of one instant of the schedule, once. Nobody opened it, so finance closes it.

    Raises RunAlreadyOpen.
    """
    return _open(PayoutRun(currency=currency, rail=rail, scheduled_for=scheduled_for, opened_at=at))


def _open(run: PayoutRun) -> PayoutRun:
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as error:
        raise RunAlreadyOpen(f"A run in {run.currency} is already open.") from error
    _note("run.opened", run, run.opened_at, run.opened_by)
    enqueue("payouts.collect_run", key=f"payouts.collect_run:{run.id}", run_id=str(run.id))
    return run


@transaction.atomic
def close_run(*, run: PayoutRun, by: User, at: datetime) -> PayoutRun:
    """Freeze the run's payouts for approval. Raises RunStillCollecting."""
    row = lock_run(run_id=run.id)
    require_transition(PayoutRun.TRANSITIONS, row, "closed")
    if row.collected_at is None:
        raise RunStillCollecting("This run is still collecting its payouts. Try again shortly.")
    row.state, row.closed_at, row.closed_by = "closed", at, by
    row.save(update_fields=["state", "closed_at", "closed_by"])
    _note("run.closed", row, at, by)
    return row


@transaction.atomic
def approve_run(*, run: PayoutRun, by: User, at: datetime) -> PayoutRun:
    """Let a closed run be sent.

    Raises SamePerson for whoever opened it, closed it after the schedule opened it, or is paid.
    """
    row = lock_run(run_id=run.id)
    require_transition(PayoutRun.TRANSITIONS, row, "approved")
    if row.opened_by_id == by.id:
        raise SamePerson("Somebody else has to approve the run you opened.")
    if row.opened_by_id is None and row.closed_by_id == by.id:
        raise SamePerson("Somebody else has to approve the run you closed.")
    if row.payouts.filter(expert__user=by).exists():
        raise SamePerson("This run pays you; somebody else has to approve it.")
    row.state, row.approved_by, row.approved_at = "approved", by, at
    row.save(update_fields=["state", "approved_by", "approved_at"])
    _note("run.approved", row, at, by)
    _enqueue_sending(row, at)
    return row


@transaction.atomic
def cancel_run(*, run: PayoutRun, by: User, at: datetime) -> PayoutRun:
    """Stop a run before it is sent; a job gives every expert the money back."""
    row = lock_run(run_id=run.id)
    require_transition(PayoutRun.TRANSITIONS, row, "cancelled")
    row.state, row.finished_at = "cancelled", at
    row.save(update_fields=["state", "finished_at"])
    _note("run.cancelled", row, at, by)
    enqueue("payouts.cancel_payouts", key=f"payouts.cancel_payouts:{row.id}", run_id=str(row.id))
    return row


def cancel_payouts(*, run_id: UUID, at: datetime) -> int:
    """Cancel every payout of a cancelled run; how many. A sequence; repeat it freely."""
    waiting = Payout.objects.filter(run=run_id, run__state="cancelled")
    payouts = list(waiting.exclude(state="cancelled").order_by("id"))
    for payout in payouts:
        with transaction.atomic(durable=True):
            cancel_payout(payout=payout, why="run cancelled", at=at)
    return len(payouts)


@transaction.atomic
def pause_run(*, run: PayoutRun, reason: str, at: datetime, by: User | None = None) -> PayoutRun:
    """Send nothing more of this run for now; calls in flight still end."""
    row = lock_run(run_id=run.id)
    if row.state == "paused":
        return row
    require_transition(PayoutRun.TRANSITIONS, row, "paused")
    row.state, row.pause_reason = "paused", reason[:200]
    row.save(update_fields=["state", "pause_reason"])
    _note("run.paused", row, at, by)
    return row


@transaction.atomic
def resume_run(*, run: PayoutRun, by: User, at: datetime) -> PayoutRun:
    """Go on with a paused run."""
    row = lock_run(run_id=run.id)
    require_transition(PayoutRun.TRANSITIONS, row, "running")
    row.state, row.pause_reason = "running", ""
    row.save(update_fields=["state", "pause_reason"])
    _note("run.resumed", row, at, by)
    _enqueue_sending(row, at)
    return row


@transaction.atomic
def start_run(*, run_id: UUID, at: datetime) -> PayoutRun:
    """The first sender makes an approved run a running one."""
    row = lock_run(run_id=run_id)
    if row.state == "approved":
        row.state, row.started_at = "running", at
        row.save(update_fields=["state", "started_at"])
        _note("run.started", row, at, None)
    return row


@transaction.atomic
def finish_run(*, run_id: UUID, at: datetime) -> PayoutRun:
    """A running run is done once none of its payouts can still move by itself.

    A run of cash-outs takes more of them until its UTC day is over.
    """
    row = lock_run(run_id=run_id)
    if row.kind == "cash_out" and at.astimezone(UTC).date() <= row.opened_at.date():
        return row
    moving = Payout.objects.filter(run=row, state__in=["reserved", "submitting", "unknown"])
    if row.state == "running" and not moving.exists():
        row.state, row.finished_at = "done", at
        row.save(update_fields=["state", "finished_at"])
        _note("run.finished", row, at, None)
    return row


def lock_run(*, run_id: UUID) -> PayoutRun:
    """The run, held until the transaction ends. The first lock of all money verbs."""
    return PayoutRun.objects.select_for_update(no_key=True).get(id=run_id)


def _enqueue_sending(run: PayoutRun, at: datetime) -> None:
    count = Payout.objects.filter(run=run, state="reserved").count()
    for part in range(max(1, -(-count // SENDS_PER_JOB))):
        enqueue(
            "payouts.send_some",
            key=f"payouts.send_some:{run.id}:{at.timestamp()}:{part}",
            run_at=at + part * JOB_SPACING if part else None,
            run_id=str(run.id),
        )


def _note(kind: str, run: PayoutRun, at: datetime, by: User | None) -> None:
    record(
        kind,
        at=at,
        object_kind="payout_run",
        object_id=run.id,
        actor=by.id if by else None,
        data={"currency": run.currency, "why": run.pause_reason},
    )
