"""Tests: what each asks, taking one question at a time, and the result."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, InvalidInput, NotFound
from marketplace.kit.markdown import render_markdown
from marketplace.people.models import Expert
from marketplace.web.answers.fields import Option
from marketplace.web.expert.labels import badge_of
from marketplace.web.expert.own import for_expert
from vetting.access import visible_assessments, visible_attempt_items, visible_attempts
from vetting.models import Assessment, Attempt, AttemptItem
from vetting.services.attempts import (
    QuestionClosed,
    TimeIsUp,
    answer_question,
    start_attempt,
    submit_attempt,
    time_out_attempt,
)


@for_expert
def tests(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Every published test with its rules and one's attempts."""
    published = visible_assessments(to=expert.user).filter(versions__isnull=False).distinct()
    listed = published.select_related("skill__domain").prefetch_related("versions")
    mine: dict[UUID, list[Attempt]] = {}
    for attempt in visible_attempts(to=expert.user).filter(expert=expert).order_by("number"):
        mine.setdefault(attempt.assessment_id, []).append(attempt)
    rows = [_row(each, mine.get(each.pk, [])) for each in listed.order_by("name", "id")]
    return render(request, "web/expert/tests.html", {"rows": rows})


@require_POST
@for_expert
def start(_request: HttpRequest, expert: Expert, slug: str) -> HttpResponse:
    """Begin a test, or go on with the running one."""
    found = visible_assessments(to=expert.user).filter(slug=slug).order_by("pk").first()
    if found is None:
        raise NotFound("There is no such test.")
    attempt = start_attempt(expert=expert, assessment=found, at=clock.now())
    return redirect("attempt", attempt.pk)


@for_expert
def attempt(request: HttpRequest, expert: Expert, attempt_id: UUID) -> HttpResponse:
    """The question on the page, or the result once it has ended."""
    found = time_out_attempt(attempt=_own(expert, attempt_id), at=clock.now())
    if found.state != "in_progress":
        return _result(request, _own(expert, attempt_id))
    return _question(request, found)


@require_POST
@for_expert
def answer(request: HttpRequest, expert: Expert, attempt_id: UUID) -> HttpResponse:
    """Save the answer and show the next question; the last one hands the test in."""
    found = _own(expert, attempt_id)
    position = request.POST.get("position", "")
    choices = [int(each) for each in request.POST.getlist("choices") if each.isdecimal()]
    at = clock.now()
    try:
        following = answer_question(
            attempt=found,
            position=int(position) if position.isdecimal() else 0,
            choices=choices,
            at=at,
        )
        if following is None:
            submit_attempt(attempt=found, at=at)
    except InvalidInput as error:
        return _question(request, found, error)
    except (TimeIsUp, QuestionClosed):
        pass  # the page says where the attempt stands now
    return redirect("attempt", attempt_id)


def _own(expert: Expert, attempt_id: UUID) -> Attempt:
    own = visible_attempts(to=expert.user).filter(expert=expert, pk=attempt_id)
    found = own.select_related("assessment__skill", "version", "expert").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such attempt of yours.")
    return found


def _question(
    request: HttpRequest, found: Attempt, error: DomainError | None = None
) -> HttpResponse:
    shown = AttemptItem.objects.filter(attempt=found).select_related("item")
    current = shown.order_by("-position")[0]
    left = int((found.deadline_at - clock.now()).total_seconds())
    context = {
        "attempt": found,
        "position": current.position,
        "prompt": render_markdown(current.item.prompt),
        "options": [
            Option(str(place), str(current.item.options[place])) for place in current.option_order
        ],
        "type": "radio" if len(current.item.key) == 1 else "checkbox",
        "minutes_left": max(0, left // 60),
        "error": error.message if error else "",
    }
    return render(request, "web/expert/attempt.html", context, status=422 if error else 200)


def _result(request: HttpRequest, found: Attempt) -> HttpResponse:
    result = getattr(found, "result", None)
    asked = visible_attempt_items(to=found.expert.user).filter(attempt=found).count()
    context = {
        "attempt": found,
        "badge": badge_of(found.state),
        "result": result,
        "asked": asked,
        "attempts_left": max(0, found.version.max_attempts - found.number),
        "wait_days": _wait(found),
    }
    return render(request, "web/expert/attempt_result.html", context)


def _wait(found: Attempt) -> int:
    """Days until the next attempt opens after this one."""
    waits = found.version.cool_down_days
    return waits[min(found.number, len(waits)) - 1] if waits else 0


def _row(assessment: Assessment, attempts: list[Attempt]) -> dict[str, Any]:  # Any: template values
    version = max(assessment.versions.all(), key=lambda each: each.number)
    last = attempts[-1] if attempts else None
    return {
        "assessment": assessment,
        "version": version,
        "minutes": version.time_limit_s // 60,
        "last": last,
        "badge": badge_of(last.state) if last else None,
        "is_running": bool(last and last.state == "in_progress"),
        "attempts_left": version.max_attempts - len(attempts),
        "can_start": not (last and last.state == "passed") and len(attempts) < version.max_attempts,
    }
