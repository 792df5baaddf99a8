"""Change or delete a batch that has not opened: no money is reserved and nobody has seen it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from marketplace.events.services.recording import JSON, record
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money, fee_on
from marketplace.people.models import User
from tasks.gateways import forget_upload
from tasks.models import Batch, GoldAnswer, Import, Task
from tasks.models.batches import BEFORE_OPENING
from tasks.services.batches import require_price
from tasks.services.importing import cancel_imports_of


class AlreadyOpened(DomainError):
    """A batch that opened, or whose file is being loaded, stays as it is."""

    code = "already_opened"
    status = 409


@transaction.atomic
def change_batch(
    *,
    batch: Batch,
    name: str,
    price: Money,
    answers_per_task: int,
    pool_percent: int,
    by: User,
    at: datetime,
    hourly: Money | None = None,
) -> Batch:
    """Rewrite what was chosen when the batch was made; its share of fee stays.

    Raises AlreadyOpened, PriceTooLow.
    """
    batch = _locked(batch)
    require_price(price=price, hourly=hourly, currency=batch.currency)
    batch.name, batch.price_minor = name, price.minor
    batch.hourly_minor = hourly.minor if hourly else None
    batch.fee_minor = fee_on(price, basis_points=batch.fee_basis_points).minor
    batch.answers_per_task, batch.pool_percent = answers_per_task, pool_percent
    batch.save(
        update_fields=[
            "name",
            "price_minor",
            "hourly_minor",
            "fee_minor",
            "answers_per_task",
            "pool_percent",
        ]
    )
    _record(batch, "batch.changed", by, at, price_minor=price.minor, currency=price.currency)
    return batch


@transaction.atomic
def delete_batch(*, batch: Batch, by: User, at: datetime) -> None:
    """Forget the batch with its tasks, known answers and files. Raises AlreadyOpened."""
    batch = _locked(batch)
    cancel_imports_of(batch=batch, by=by, at=at)
    tasks = Task.objects.filter(batch=batch)
    _record(batch, "batch.deleted", by, at, tasks=tasks.count())
    GoldAnswer.objects.filter(task__batch=batch).delete()
    tasks.delete()
    imports = Import.objects.filter(batch=batch)
    for path in imports.values_list("path", flat=True):
        transaction.on_commit(partial(forget_upload, path), robust=True)
    imports.delete()
    batch.delete()


def _locked(batch: Batch) -> Batch:
    rows = Batch.objects.select_for_update(of=("self",))
    batch = rows.select_related("project").get(pk=batch.pk)
    if batch.state not in BEFORE_OPENING:
        raise AlreadyOpened(f"This batch is {batch.state}; it keeps its price and its tasks.")
    return batch


def _record(batch: Batch, kind: str, by: User, at: datetime, **data: JSON) -> None:
    record(
        kind,
        at=at,
        object_kind="batch",
        object_id=batch.pk,
        actor=by.pk,
        organization=batch.project.organization_id,
        project=batch.project_id,
        data=data,
    )
