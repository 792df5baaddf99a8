"""What the task page sends: drafts, beats, the answer, and leaving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from marketplace.formats.problems import InvalidPayload
from marketplace.kit import clock
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.people.models import Expert
from marketplace.web.answers.problems import located
from marketplace.web.answers.reading import read_answer
from marketplace.web.expert.lease import ended, lease_of
from marketplace.web.expert.own import for_expert, own_assignment
from marketplace.web.expert.task import ASSISTANCE, fields_for, refusals, task_context
from tasks.models import Assignment, Submission
from tasks.services.claiming import (
    LeaseOver,
    NoMoreExtensions,
    beat,
    claim_next,
    extend_lease,
    return_assignment,
)
from tasks.services.drafting import DraftConflict, DraftRefused, save_draft
from tasks.services.reclaiming import claim_again
from tasks.services.submitting import Envelope, submit

TASK = "web/expert/task.html"
MOST_SECONDS = 86_400


@require_POST
@for_expert
def draft(request: HttpRequest, expert: Expert, assignment_id: UUID) -> HttpResponse:
    """Keep what is typed; the answer is the state of the draft, whatever became of it."""
    assignment = own_assignment(expert, assignment_id)
    answer: dict[str, Any] = {}  # Any: an answer of whatever format
    try:
        answer = read_answer(fields_for(assignment), request.POST)
        revision = _whole(request.POST.get("revision", ""))
        saved = save_draft(assignment=assignment, answer=answer, based_on=revision, at=clock.now())
    except DraftConflict as error:
        if error.data["answer"] == answer:  # sent before, when the page was left
            return _draft_kept(request, revision=error.data["revision"], at=clock.now())
        return _draft_state(request, "conflict", error, keep=error.data["revision"])
    except LeaseOver as error:
        return _draft_state(request, "over", error)
    except (DraftRefused, InvalidInput) as error:
        return _draft_state(request, "failed", error)
    problems = located(fields_for(assignment), answer, saved.problems)
    revision, at = saved.draft.revision, saved.draft.saved_at
    return _draft_kept(request, revision=revision, at=at, problems=problems)


@require_POST
@for_expert
def send_beat(request: HttpRequest, expert: Expert, assignment_id: UUID) -> HttpResponse:
    """Count active seconds; the lease that comes back may be longer."""
    assignment = own_assignment(expert, assignment_id)
    seconds = _whole(request.POST.get("active_seconds", ""))
    try:
        assignment = beat(assignment=assignment, active_seconds=seconds, at=clock.now())
    except LeaseOver:
        return _lease(request, assignment, is_over=True)
    return _lease(request, assignment)


@require_POST
@for_expert
def extend(request: HttpRequest, expert: Expert, assignment_id: UUID) -> HttpResponse:
    """Start the lease anew, by button or key."""
    assignment = own_assignment(expert, assignment_id)
    try:
        assignment = extend_lease(assignment=assignment, at=clock.now())
    except LeaseOver:
        return _lease(request, assignment, is_over=True)
    except NoMoreExtensions:
        return _lease(request, assignment)
    return _lease(request, assignment)


@require_POST
@for_expert
def send(request: HttpRequest, expert: Expert, assignment_id: UUID) -> HttpResponse:
    """Submit, then go on to the next task of the project, or stop."""
    assignment = own_assignment(expert, assignment_id)
    fields = fields_for(assignment)
    answer: dict[str, Any] = {}
    missing = _missing(request.POST)
    try:
        answer = read_answer(fields, request.POST)
        if missing:
            found = refusals(assignment, answer)
            return _refused(request, assignment, answer, located(fields, answer, found) + missing)
        envelope = _envelope(request.POST)
        sent = submit(assignment=assignment, answer=answer, envelope=envelope, at=clock.now())
    except InvalidPayload as error:
        return _refused(request, assignment, answer, located(fields, answer, error.problems))
    except InvalidInput as error:
        problems = [
            {"field": each["field"], "message": each["problem"]} for each in error.data["errors"]
        ]
        return _refused(request, assignment, answer, problems)
    except DomainError as error:
        problem = {"field": "save", "message": error.message}
        return _refused(request, assignment, answer, [problem], status=error.status)
    messages.success(request, _sent(sent))
    return _go(request, _next_url(request, expert, assignment))


@require_POST
@for_expert
def leave(request: HttpRequest, expert: Expert, assignment_id: UUID) -> HttpResponse:
    """Return the seat. Free."""
    assignment = own_assignment(expert, assignment_id)
    reason = request.POST.get("reason", "")
    return_assignment(assignment=assignment, reason=reason, at=clock.now())
    messages.info(request, "Task skipped. This never lowers your score.")
    return redirect(_next_url(request, expert, assignment))


@require_POST
@for_expert
def take_again(_request: HttpRequest, expert: Expert, assignment_id: UUID) -> HttpResponse:
    """Take an expired task up again, with its draft."""
    assignment = own_assignment(expert, assignment_id)
    claim_again(assignment=assignment, at=clock.now())
    return redirect("task", assignment.pk)


def _sent(submission: Submission) -> str:
    until = submission.assignment.review_until
    if until is None:  # sent before, and decided meanwhile
        return "Sent."
    return format_html(
        'Sent. In review until <time datetime="{}" data-local>{} UTC</time>; silence approves.',
        until.isoformat(),
        f"{until:%-d %b %Y, %H:%M}",
    )


def _envelope(sent: QueryDict) -> Envelope:
    confidence = _whole(sent.get("confidence", ""))
    return Envelope(
        revision=_whole(sent.get("sends", "")) or 1,
        active_seconds=_whole(sent.get("active_seconds", "")),
        assistance=str(sent["assistance"]),
        assistance_note=sent.get("assistance_note", "")[:500],
        confidence=confidence if 1 <= confidence <= 5 else None,
        is_unclear=sent.get("is_unclear") == "true",
    )


def _missing(sent: QueryDict) -> list[dict[str, str]]:
    if sent.get("assistance", "") in dict(ASSISTANCE):
        return []
    return [{"field": "assistance", "message": "Say what help you used."}]


def _whole(text: str) -> int:
    return min(int(text), MOST_SECONDS) if text.isdecimal() and len(text) < 8 else 0


def _next_url(request: HttpRequest, expert: Expert, assignment: Assignment) -> str:
    if "stop" in request.POST:
        return reverse("my_tasks")
    following = claim_next(expert=expert, project=assignment.project, at=clock.now())
    if following is not None:
        return reverse("task", args=[following.pk])
    messages.info(request, "That was the last task for you here. More may open later.")
    return reverse("project", args=[assignment.project_id])


def _go(request: HttpRequest, url: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _refused(
    request: HttpRequest,
    assignment: Assignment,
    answer: dict[str, Any],  # Any: an answer of whatever format
    problems: list[dict[str, str]],
    status: int = 422,
) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return render(request, f"{TASK}#errors", {"errors": problems}, status=status)
    return render(request, TASK, task_context(assignment, answer, problems), status=status)


def _draft_kept(
    request: HttpRequest,
    *,
    revision: int,
    at: datetime,
    problems: Sequence[Mapping[str, str]] = (),
) -> HttpResponse:
    context = {"state": "saved", "saved_at": at, "revision": revision, "problems": problems}
    return render(request, f"{TASK}#save_state", {**context, "is_swapped": True})


def _draft_state(
    request: HttpRequest, state: str, error: DomainError, keep: int | None = None
) -> HttpResponse:
    context = {"state": state, "words": error.message, "keep": keep}
    return render(request, f"{TASK}#save_state", context, status=error.status)


def _lease(request: HttpRequest, assignment: Assignment, *, is_over: bool = False) -> HttpResponse:
    lease = ended(assignment) if is_over else lease_of(assignment, at=clock.now())
    status = LeaseOver.status if is_over else 200
    return render(request, f"{TASK}#lease_pill", {"lease": lease}, status=status)
