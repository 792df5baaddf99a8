"""Batches: their price before they are made, what fills them, opening them and ending them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.formats import registry
from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money, fee_on
from marketplace.projects.models import Project
from marketplace.web.client.acting import MoneyField, act, link, status_of, tried
from marketplace.web.client.labels import client_badge
from marketplace.web.client.own import Member, looking, managing, own_batch, own_project
from marketplace.web.client.setup import step_tabs
from marketplace.web.expert.pace import NOTHING, minutes, paces, pay_words
from marketplace.web.paging import page_of
from payouts.selectors.budgets import project_budget, reservation_reading, wallet
from payouts.selectors.policies import fee_rate_for
from payouts.services.ledger import InsufficientBalance
from tasks.access import visible_gold, visible_imports, visible_tasks
from tasks.models import Assignment, Batch
from tasks.models.batches import BATCH_TRANSITIONS, BEFORE_OPENING
from tasks.pricing import Quote
from tasks.selectors.progress import batch_progress
from tasks.selectors.rates import UNKNOWN, HourlyRate, rates_by
from tasks.services import batches
from tasks.services.redrafting import change_batch, delete_batch

HOUR = 3600
IMPORTS = 5


class BatchForm(forms.Form):
    """A batch before it exists."""

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(max_length=150)
        self.fields["price"] = MoneyField(
            currency=project.currency,
            label=f"Pay per answer, {project.currency}",
            help_text="The expert gets all of it; the fee comes on top.",
        )
        self.fields["hourly"] = MoneyField(
            currency=project.currency,
            label=f"Or by the hour, {project.currency}",
            help_text="Pays measured time at this rate; the pay above is then the most per answer.",
        )
        self.fields["hourly"].required = False
        self.fields["answers_per_task"] = forms.IntegerField(min_value=1, max_value=25)
        self.fields["pool_percent"] = forms.IntegerField(
            min_value=0,
            max_value=200,
            label="Pool, percent",
            help_text="Kept on top for seats that must be filled twice; what is left comes back.",
        )


@managing
def new_batch(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """Price and size; the first batch of a draft is its pilot."""
    project = own_project(member, project_id)
    form = BatchForm(request.POST or None, project=project, initial=_initial(project))
    made: list[Batch] = []

    def save() -> None:
        values = form.cleaned_data
        at = clock.now()
        made.append(batches.create_batch(project=project, by=member.user, at=at, **values))

    if form.is_bound and tried(form, save):
        return redirect(link(member, "batch", batch_id=made[0].pk))
    context = {
        "member": member,
        "project": project,
        "form": form,
        "tabs": step_tabs(member, project, "new_batch"),
        "quote": quote_of(project, form),
    }
    return render(request, "web/client/new_batch.html", context, status=status_of(form))


@managing
def edit_batch(request: HttpRequest, member: Member, batch_id: UUID) -> HttpResponse:
    """Name, price and size, until the batch opens."""
    found = own_batch(member, batch_id)
    here = link(member, "batch", batch_id=found.pk)
    if found.state not in BEFORE_OPENING:
        messages.error(request, "A batch keeps its price and its size once it has opened.")
        return redirect(here)
    form = BatchForm(request.POST or None, project=found.project, initial=_chosen(found))

    def save() -> None:
        change_batch(batch=found, by=member.user, at=clock.now(), **form.cleaned_data)

    if form.is_bound and tried(form, save):
        messages.success(request, "Saved.")
        return redirect(here)
    shown = form if form.is_bound else BatchForm(_chosen(found), project=found.project)
    shown.is_valid()
    context = {
        "member": member,
        "batch": found,
        "project": found.project,
        "form": form,
        "quote": quote_of(found.project, shown),
    }
    return render(request, "web/client/edit_batch.html", context, status=status_of(form))


@require_POST
@managing
def remove_batch(request: HttpRequest, member: Member, batch_id: UUID) -> HttpResponse:
    """Delete a batch that has not opened."""
    found = own_batch(member, batch_id)
    try:
        delete_batch(batch=found, by=member.user, at=clock.now())
    except DomainError as refused:
        return _show(request, member, found, refused)
    messages.success(request, f"“{found.name}” is deleted.")
    return redirect(link(member, "project", project_id=found.project_id))


@managing
def quote(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """What the price means, while it is typed."""
    project = own_project(member, project_id)
    form = BatchForm(request.GET, project=project)
    form.is_valid()
    context = {"quote": quote_of(project, form), "project": project}
    return render(request, "web/client/new_batch.html#quote", context)


@looking
def batch(request: HttpRequest, member: Member, batch_id: UUID) -> HttpResponse:
    """One batch: what it costs, how far it is, its imports and tasks."""
    return _show(request, member, own_batch(member, batch_id))


@require_POST
@managing
def move(request: HttpRequest, member: Member, batch_id: UUID, to: str) -> HttpResponse:
    """Open, pause, resume, cancel or close. A refused opening shows the amounts."""
    found = own_batch(member, batch_id)
    if to == "open":
        return _open(request, member, found)
    if to not in _MOVES:
        raise NotFound("There is nothing here.")
    verb, done = _MOVES[to]
    url = link(member, "batch", batch_id=found.pk)
    return act(request, lambda: verb(member, found), url=url, done=done)


def quote_of(project: Project, form: forms.Form) -> dict[str, Any] | None:  # Any: for templates
    """Fee, cost per answer, implied pay per hour and the pilot's cost; None without a price."""
    values = getattr(form, "cleaned_data", {}) if form.is_bound else {}
    price: Money | None = values.get("price")
    if price is None or price.minor <= 0:
        return None
    seconds, source = _seconds(project)
    answers = values.get("answers_per_task") or project.answers_per_task
    rate = fee_rate_for(organization=project.organization, currency=price.currency, at=clock.now())
    fee = fee_on(price, basis_points=rate)
    pilot = Quote(project.pilot_tasks * answers, price, fee, values.get("pool_percent") or 0)
    return {
        "price": price,
        "fee": fee,
        "gross": pilot.gross,
        "hourly": values.get("hourly")
        or Money(price.minor * HOUR // max(1, seconds), price.currency),
        "is_timed": values.get("hourly") is not None,
        "time": minutes(seconds),
        "source": source,
        "pilot": pilot,
        "answers": answers,
    }


def _show(
    request: HttpRequest, member: Member, found: Batch, refused: DomainError | None = None
) -> HttpResponse:
    project = found.project
    tasks = visible_tasks(to=member.user).filter(batch=found).select_related("gold")
    page = page_of(request, tasks)
    imports = visible_imports(to=member.user).filter(batch=found).order_by("-pk")[:IMPORTS]
    progress = batch_progress(found)
    context = {
        "member": member,
        "batch": found,
        "project": project,
        "badge": client_badge(found.state),
        "progress": progress,
        "quote": _quote(found, progress.tasks),
        "price": pay_words(Money(found.price_minor, found.currency), found.hourly_minor),
        "rate": _rate(found),
        "budget": project_budget(project.pk, project.currency),
        "wallet": wallet(member.organization, project.currency),
        "held": reservation_reading(found.reservation_id) if found.reservation_id else None,
        "page": page,
        "tasks": [{"row": each, "badge": client_badge(each.state)} for each in page.rows],
        "gold": visible_gold(to=member.user).filter(task__batch=found).count(),
        "imports": [{"row": each, "badge": client_badge(each.state)} for each in imports],
        "moves": BATCH_TRANSITIONS[found.state] if member.can_manage else frozenset(),
        "can_fill": member.can_manage and found.state in BEFORE_OPENING,
        "refused": refused,
        "is_short": isinstance(refused, InsufficientBalance),
    }
    status = refused.status if refused else 200
    return render(request, "web/client/batch.html", context, status=status)


def _open(request: HttpRequest, member: Member, found: Batch) -> HttpResponse:
    try:
        batches.open_batch(batch=found, by=member.user, at=clock.now())
    except DomainError as refused:
        return _show(request, member, found, refused)
    messages.success(request, "Open. Its price is reserved and experts can claim.")
    return redirect(link(member, "batch", batch_id=found.pk))


def _quote(found: Batch, tasks: int) -> Quote:
    return Quote(
        seats=tasks * found.answers_per_task,
        price=Money(found.price_minor, found.currency),
        fee=Money(found.fee_minor, found.currency),
        pool_percent=found.pool_percent,
    )


def _rate(found: Batch) -> HourlyRate:
    rows = Assignment.objects.filter(batch=found)
    return rates_by(rows, key="batch").get((found.pk, found.currency), UNKNOWN)


def _seconds(project: Project) -> tuple[int, str]:
    """How long one answer takes: measured where there is work, else the format's estimate."""
    pace = paces([project.pk]).get(project.pk, NOTHING)
    if pace.median:
        return pace.median, f"median of {pace.n}"
    form = registry.get(project.format)
    return form.estimate_seconds(form.read_prompt(form.example["prompt"])), "estimate"


def _initial(project: Project) -> dict[str, object]:
    is_first = project.state == "draft" and not project.batches.exists()
    name = "Pilot" if is_first else f"Batch {project.batches.count() + 1}"
    return {"name": name, "answers_per_task": project.answers_per_task, "pool_percent": 40}


def _chosen(found: Batch) -> dict[str, object]:
    price = str(Money(found.price_minor, found.currency)).partition(" ")[0]
    hourly = str(Money(found.hourly_minor or 0, found.currency)).partition(" ")[0]
    chosen = {name: getattr(found, name) for name in ("name", "answers_per_task", "pool_percent")}
    return {**chosen, "price": price, "hourly": hourly if found.hourly_minor else ""}


def _pause(member: Member, found: Batch) -> Batch:
    return batches.pause_batch(batch=found, by=member.user, at=clock.now())


def _resume(member: Member, found: Batch) -> Batch:
    return batches.resume_batch(batch=found, by=member.user, at=clock.now())


def _cancel(member: Member, found: Batch) -> Batch:
    return batches.cancel_batch(batch=found, by=member.user, at=clock.now())


def _close(member: Member, found: Batch) -> Batch:
    at = clock.now()
    return batches.close_batch(batch=found, reason="completed", by=member.user, at=at)


_MOVES: dict[str, tuple[Callable[[Member, Batch], Batch], str]] = {
    "pause": (_pause, "Paused. Work in progress finishes."),
    "resume": (_resume, "Open again."),
    "cancel": (_cancel, "Cancelled. Work in progress is paid half."),
    "close": (_close, "Closed. Work in progress finishes and is paid."),
}
