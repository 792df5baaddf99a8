"""The task page: everything needed to judge, the form, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.formats import registry
from marketplace.formats.problems import Problem
from marketplace.kit import clock
from marketplace.kit.markdown import render_markdown
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from marketplace.web.answers.fields import CONFIDENCE, Field, fields_of
from marketplace.web.answers.given import Line, lines_of
from marketplace.web.answers.showing import parts_of
from marketplace.web.expert.lease import lease_of
from marketplace.web.expert.own import for_expert, own_assignment
from marketplace.web.expert.pace import pay_words
from tasks.models import Assignment, Submission
from tasks.policy import kept_answer, shown_payload
from tasks.selectors.work import place, sheet

TYPING = ("active", "changes_requested")
SKIP_REASONS = (
    ("", "No reason"),
    ("outside_my_field", "Outside my field"),
    ("unclear", "The prompt is unclear"),
    ("too_long", "Too long for the pay"),
    ("broken", "Something is broken"),
)
ASSISTANCE = (
    ("none", "None"),
    ("search", "Search or references"),
    ("llm", "A language model"),
    ("other", "Something else"),
)


@for_expert
def show(request: HttpRequest, expert: Expert, assignment_id: UUID) -> HttpResponse:
    """Work on one's task; in any other state the submission's page tells what became of it."""
    assignment = own_assignment(expert, assignment_id)
    if assignment.state not in TYPING:
        return redirect("submission", assignment.pk)
    return render(request, "web/expert/task.html", task_context(assignment))


def task_context(
    assignment: Assignment,
    answer: Mapping[str, Any] | None = None,  # Any: an answer of whatever format
    errors: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """What the task page shows; `answer` and `errors` are those of a refused submission."""
    at = clock.now()
    form, found = registry.get(assignment.project.format), sheet(assignment, at=at)
    fields = fields_of(form, found.payload, answer if answer is not None else found.answer)
    number, most = place(assignment)
    return {
        "assignment": assignment,
        "sheet": found,
        "parts": parts_of(form, found.payload),
        "fields": fields,
        "first_text": next((each.path for each in fields if each.kind == "text"), ""),
        "errors": errors or [],
        "pay": pay_words(
            Money(assignment.price_minor, assignment.batch.currency), assignment.hourly_minor
        ),
        "place": f"task {number:,} of up to {most:,}",
        "lease": lease_of(assignment, at=at),
        "guidelines": render_markdown(assignment.guideline.body),
        "assistance": ASSISTANCE,
        "confidence": CONFIDENCE,
        "skip_reasons": SKIP_REASONS,
    }


def fields_for(assignment: Assignment) -> list[Field]:
    """The fields of this assignment's form, empty."""
    form = registry.get(assignment.project.format)
    return fields_of(form, _shown(assignment))


def refusals(assignment: Assignment, answer: dict[str, Any]) -> list[Problem]:  # Any: JSON
    """What the format refuses about an answer as shown, whatever else is missing."""
    form = registry.get(assignment.project.format)
    found = form.problems(prompt=_shown(assignment), answer=answer)
    return [problem for problem in found if problem.severity == "refuse"]


def given_lines(assignment: Assignment, submission: Submission) -> list[Line]:
    """A submission as its expert gave it, in the order of sides they saw."""
    form = registry.get(assignment.project.format)
    answer = kept_answer(form, answer=submission.answer, seed=assignment.seed)
    return lines_of(form, _shown(assignment), answer)


def _shown(assignment: Assignment) -> dict[str, Any]:  # Any: JSON
    form = registry.get(assignment.project.format)
    return shown_payload(form, payload=assignment.task.payload, seed=assignment.seed)
