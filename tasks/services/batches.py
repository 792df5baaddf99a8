"""Publish tasks: make a batch, fill it, open it, pause it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from marketplace.events.services.recording import JSON, record
from marketplace.formats import registry
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money, fee_on
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from marketplace.projects.models import Project
from payouts.selectors.policies import fee_rate_for
from payouts.services.reserving import reserve
from tasks.models import Batch
from tasks.models.batches import BATCH_TRANSITIONS
from tasks.policy import lease_seconds
from tasks.pricing import Quote
from tasks.services.closing import cancel_batch, close_batch
from tasks.services.filling import NewTask, add_gold, add_tasks
from tasks.services.routing import reset_cursors, update_route
from tasks.services.seats import shut_tasks

__all__ = [
    "NewTask",
    "add_gold",
    "add_tasks",
    "cancel_batch",
    "close_batch",
    "create_batch",
    "open_batch",
    "pause_batch",
    "resume_batch",
]
_SAMPLE = 50


class NotRunning(DomainError):
    """The project has not started, is paused or has ended."""

    code = "project_not_running"
    status = 409


class NothingToOpen(DomainError):
    """The batch has no tasks."""

    code = "nothing_to_open"
    status = 409


class PilotTooLarge(DomainError):
    """A pilot opens few tasks; activate the project for more."""

    code = "pilot_too_large"
    status = 409


class PriceTooLow(InvalidInput):
    """Work is paid."""

    code = "price_too_low"


@transaction.atomic
def create_batch(
    *,
    project: Project,
    name: str,
    price: Money,
    by: User,
    at: datetime,
    answers_per_task: int | None = None,
    pool_percent: int = 40,
    hourly: Money | None = None,
) -> Batch:
    """Make an empty batch at `price` per answer; fee and plan are frozen with it.

    With `hourly`, measured time is paid at that rate and `price` is the most an answer pays.
    Raises PriceTooLow, and NotRunning when the project has ended.
    """
    require_price(price=price, hourly=hourly, currency=project.currency)
    if project.state in ("closed", "archived"):
        raise NotRunning(f"{project.title} is {project.state}.")
    basis_points = fee_rate_for(organization=project.organization, currency=price.currency, at=at)
    batch = Batch.objects.create(
        project=project,
        name=name,
        price_minor=price.minor,
        fee_minor=fee_on(price, basis_points=basis_points).minor,
        hourly_minor=hourly.minor if hourly else None,
        fee_basis_points=basis_points,
        currency=price.currency,
        pool_percent=pool_percent,
        answers_per_task=answers_per_task or project.answers_per_task,
        review_days=project.review_days,
        created_by=by,
        created_at=at,
    )
    _record(batch, "batch.created", by, at, price_minor=price.minor, currency=price.currency)
    return batch


def require_price(*, price: Money, hourly: Money | None, currency: str) -> None:
    """Work is paid, in the project's currency. Raises PriceTooLow."""
    for amount in (price, hourly):
        if amount is not None and amount.currency != currency:
            raise PriceTooLow(f"This project pays in {currency}.")
        if amount is not None and amount.minor <= 0:
            raise PriceTooLow("The price of an answer is more than nothing.")


@transaction.atomic
def open_batch(*, batch: Batch, by: User, at: datetime) -> Batch:
    """Reserve the money of every seat and let experts claim.

    Raises InsufficientBalance with wanted and present amounts, NotRunning, NothingToOpen,
    PilotTooLarge, IllegalTransition; then nothing changes.
    """
    batch = _locked_in_project(batch)
    require_transition(BATCH_TRANSITIONS, batch, "open")
    _require_running(batch)
    count = batch.tasks.count()
    if count == 0:
        raise NothingToOpen("Import tasks first.")
    if batch.project.state == "pilot" and count > batch.project.pilot_tasks:
        raise PilotTooLarge(
            f"A pilot opens at most {batch.project.pilot_tasks} tasks; this batch has {count}. "
            "Activate the project first.",
            most=batch.project.pilot_tasks,
        )
    route = batch.project.routes.filter(is_current=True).order_by("pk").first()
    batch.route = route or update_route(project=batch.project, at=at)
    batch.lease_seconds = _lease(batch)
    _open_tasks(batch)
    _reserve(batch, count, by, at)
    batch.state, batch.opened_at = "open", at
    batch.save(
        update_fields=["state", "opened_at", "route", "lease_seconds", "reservation", "quote"]
    )
    _record(batch, "batch.opened", by, at, tasks=count)
    return batch


@transaction.atomic
def pause_batch(*, batch: Batch, by: User, at: datetime, cause: str = "client") -> Batch:
    """Offer no more seats; running assignments finish. `cause` is one of PAUSED_BY."""
    batch = _locked(batch)
    require_transition(BATCH_TRANSITIONS, batch, "paused")
    shut_tasks(batch=batch)
    batch.state, batch.paused_by = "paused", cause
    batch.save(update_fields=["state", "paused_by"])
    _record(batch, "batch.paused", by, at, cause=cause)
    return batch


@transaction.atomic
def resume_batch(*, batch: Batch, by: User, at: datetime) -> Batch:
    """Offer the free seats again. Raises NotRunning while the project itself is paused."""
    batch = _locked_in_project(batch)
    if batch.state != "paused":  # `open` is also where `ready` goes, and that needs money
        require_transition(BATCH_TRANSITIONS, batch, "paused")
    _require_running(batch)
    _open_tasks(batch)
    batch.state, batch.paused_by = "open", ""
    batch.save(update_fields=["state", "paused_by"])
    _record(batch, "batch.resumed", by, at)
    return batch


def _locked_in_project(batch: Batch) -> Batch:
    """Also locks the project, so that nobody stops it meanwhile."""
    Project.objects.select_for_update(no_key=True).get(pk=batch.project_id)
    return _locked(batch)


def _locked(batch: Batch) -> Batch:
    rows = Batch.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("project", "project__organization").get(pk=batch.pk)


def _require_running(batch: Batch) -> None:
    if batch.project.state not in ("pilot", "active"):
        raise NotRunning(f"{batch.project.title} is {batch.project.state}; activate it first.")


def _open_tasks(batch: Batch) -> None:
    assert batch.route_id is not None  # the project has terms, so it has a route
    batch.tasks.filter(state="pending").update(
        state="available", route=batch.route_id, seats=batch.answers_per_task
    )
    batch.tasks.filter(state="available", taken__lt=F("seats")).update(is_open=True)
    reset_cursors(route_id=batch.route_id)


def _reserve(batch: Batch, count: int, by: User, at: datetime) -> None:
    quote = Quote(
        seats=count * batch.answers_per_task,
        price=Money(batch.price_minor, batch.currency),
        fee=Money(batch.fee_minor, batch.currency),
        pool_percent=batch.pool_percent,
    )
    batch.quote = quote.as_json()
    batch.reservation = reserve(
        reservation_id=uuid7(),
        organization=batch.project.organization,
        subject_id=batch.project_id,
        base=quote.base,
        pool=quote.pool,
        quote=batch.quote,
        by=by.pk,
        at=at,
    )


def _lease(batch: Batch) -> int:
    form = registry.get(batch.project.format)
    payloads = batch.tasks.order_by("id").values_list("payload", flat=True)[:_SAMPLE]
    return lease_seconds([form.estimate_seconds(form.read_prompt(each)) for each in payloads])


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
