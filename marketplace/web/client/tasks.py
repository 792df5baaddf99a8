"""One task as its experts see it, and its known answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.formats import registry
from marketplace.formats.problems import InvalidPayload
from marketplace.kit import clock
from marketplace.kit.errors import Forbidden
from marketplace.web.answers.fields import fields_of
from marketplace.web.answers.given import lines_of
from marketplace.web.answers.problems import located
from marketplace.web.answers.reading import read_answer
from marketplace.web.answers.showing import parts_of
from marketplace.web.client.acting import link
from marketplace.web.client.labels import client_badge
from marketplace.web.client.own import Member, looking, own_task
from tasks.models import GoldAnswer, Task
from tasks.services.batches import add_gold


@looking
def task(request: HttpRequest, member: Member, task_id: UUID) -> HttpResponse:
    """The task; a manager may say what its right answer is."""
    found = own_task(member, task_id)
    if request.method == "POST":
        return _mark(request, member, found)
    return _show(request, member, found)


def _mark(request: HttpRequest, member: Member, found: Task) -> HttpResponse:
    if not member.can_manage:
        raise Forbidden("Owners and managers mark known answers.")
    if getattr(found, "gold", None) is not None:
        messages.info(request, "The right answer of this task is known already.")
        return redirect(link(member, "task", task_id=found.pk))
    form = registry.get(found.batch.project.format)
    fields = fields_of(form, found.payload)
    answer: dict[str, Any] = read_answer(fields, request.POST)  # Any: an answer of any format
    try:
        by, at = member.user, clock.now()
        add_gold(task=found, answer=answer, provenance="client", by=by, at=at)
    except InvalidPayload as error:
        problems = located(fields, answer, error.problems)
        return _show(request, member, found, answer, problems)
    messages.success(request, "Marked as gold. Nobody who works on it can see that it is known.")
    return redirect(link(member, "batch", batch_id=found.batch_id))


def _show(
    request: HttpRequest,
    member: Member,
    found: Task,
    answer: dict[str, Any] | None = None,  # Any: an answer of any format
    problems: list[dict[str, str]] | None = None,
) -> HttpResponse:
    form = registry.get(found.batch.project.format)
    gold: GoldAnswer | None = getattr(found, "gold", None)
    can_mark = member.can_manage and gold is None and found.batch.state != "closed"
    context = {
        "member": member,
        "task": found,
        "badge": client_badge(found.state),
        "parts": parts_of(form, found.payload),
        "fields": fields_of(form, found.payload, answer) if can_mark else [],
        "lines": lines_of(form, found.payload, gold.answer) if gold else [],
        "gold": gold,
        "errors": problems or [],
    }
    status = 422 if problems else 200
    return render(request, "web/client/task.html", context, status=status)
