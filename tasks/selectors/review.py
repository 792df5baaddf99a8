"""What waits for a verdict, and what a reviewer needs to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from pydantic import JsonValue

from marketplace.formats import registry
from marketplace.formats.interface import Context, Presentation
from marketplace.formats.problems import Problem
from tasks.models import Assignment, Review, Submission
from tasks.policy import client_pseudonym


@dataclass(frozen=True, slots=True)
class Case:
    """One answer before its reviewer, the pair's sides in the client's order.

    `marks` is what a machine noticed; `earlier` holds the reviews of former revisions.
    """

    assignment: Assignment
    submission: Submission
    expert: str
    payload: JsonValue
    presentation: Presentation
    answer: JsonValue
    marks: tuple[Problem, ...]
    earlier: tuple[Review, ...]


def review_queue(assignments: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Of these, what waits for a verdict; what silence would approve first comes first."""
    return (
        assignments.filter(state="awaiting_review")
        .select_related("task", "batch", "project", "expert")
        .order_by("review_until", "id")
    )


def review_case(assignment: Assignment) -> Case:
    """Everything about one submitted assignment whose task and project are loaded."""
    form = registry.get(assignment.project.format)
    submission = Submission.objects.get(assignment=assignment, revision=assignment.revision)
    found = form.problems(
        prompt=assignment.task.payload,
        answer=submission.answer,
        context=Context(active_seconds=submission.active_seconds),
    )
    earlier = Review.objects.filter(submission__assignment=assignment).select_related("submission")
    return Case(
        assignment=assignment,
        submission=submission,
        expert=pseudonym_of(assignment),
        payload=assignment.task.payload,
        presentation=form.presentation(form.read_prompt(assignment.task.payload)),
        answer=submission.answer,
        marks=tuple(problem for problem in found if problem.severity == "mark"),
        earlier=tuple(earlier.order_by("submission__revision", "pk")),
    )


def pseudonym_of(assignment: Assignment) -> str:
    """How the client of this assignment sees its expert; project loaded."""
    return client_pseudonym(
        secret=settings.PSEUDONYM_KEY,
        organization=assignment.project.organization_id,
        expert=assignment.expert_id,
    )


def results(assignments: QuerySet[Assignment], *, until: datetime) -> QuerySet[Assignment]:
    """Approved answers decided before `until`, in the order in which they were decided.

    A reader that keeps the last (decided_at, id) misses nothing as long as `until` lies a few
    seconds back: verdicts are not committed in the order of their instants.
    """
    return assignments.filter(
        state__in=("approved", "partially_approved"), decided_at__lt=until
    ).order_by("decided_at", "id")
