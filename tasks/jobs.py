"""Background work of tasks: sweeps, imports, exports, settling."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from marketplace.kit import clock
from tasks.models import Batch
from tasks.services import checking, claiming, closing, exporting, loading, reviewing


@shared_task(name="tasks.expire_leases", queue="default")
def expire_leases() -> None:
    """Tick: give back the seats of leases that ran out."""
    claiming.expire_leases(at=clock.now())


@shared_task(name="tasks.approve_overdue", queue="default")
def approve_overdue() -> None:
    """Tick: silence approves; overdue changes go back to review."""
    reviewing.approve_overdue(at=clock.now())


@shared_task(name="tasks.close_finished", queue="default")
def close_finished() -> None:
    """Tick: close batches whose every task has ended."""
    closing.close_finished_batches(at=clock.now())


@shared_task(name="tasks.settle_batch", queue="money")
def settle_batch(*, batch_id: str) -> None:
    """Give back the free money of a batch that just closed."""
    closing.settle_batch(batch=Batch.objects.get(pk=batch_id), at=clock.now())


@shared_task(name="tasks.settle_closed", queue="money")
def settle_closed() -> None:
    """Occurrence: give back what closed batches no longer need."""
    closing.settle_closed_batches(at=clock.now())


@shared_task(name="tasks.check_import", queue="bulk")
def check_import(*, upload_id: str) -> None:
    """Read a whole import file and list its bad rows."""
    checking.check_import(upload_id=UUID(upload_id), at=clock.now())


@shared_task(name="tasks.load_import", queue="bulk")
def load_import(*, upload_id: str) -> None:
    """Write the good rows of an accepted import."""
    loading.load_import(upload_id=UUID(upload_id), at=clock.now())


@shared_task(name="tasks.build_export", queue="bulk")
def build_export(*, export_id: str) -> None:
    """Write the files of an export."""
    exporting.build_export(export_id=UUID(export_id), at=clock.now())
