"""Approved answers, as they leave the house: by pseudonym, with what stands behind each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet
from pydantic import JsonValue

from marketplace.events.models import EventSeal
from marketplace.formats.interface import Vote
from marketplace.projects.models import Project
from tasks.models import Batch, Submission, Task
from tasks.models.assignments import ANSWERED
from tasks.policy import AnyFormat, client_pseudonym


@dataclass(frozen=True, slots=True)
class Answer:
    """One approved answer with its history; `purposes` are those of its terms."""

    id: str
    expert: str
    answer: JsonValue
    confidence: int | None
    is_unclear: bool
    purposes: tuple[str, ...]
    history: dict[str, JsonValue]

    def vote(self, form: AnyFormat) -> Vote[Any]:  # Any: the kind is known by name only
        """The answer as its format's export takes it."""
        return Vote(self.expert, form.read_answer(self.answer), self.confidence)

    def provenance(self, task: Task) -> dict[str, JsonValue]:
        """One line of the provenance file."""
        return {
            "id": self.id,
            "task_id": str(task.pk),
            "row_key": task.row_key,
            "expert": self.expert,
            **self.history,
        }


def answered_tasks(project: Project, batch: Batch | None) -> QuerySet[Task]:
    """Ended tasks with at least one approved answer."""
    tasks = Task.objects.filter(batch__project=project, state="completed")
    return tasks if batch is None else tasks.filter(batch=batch)


def answers_of(tasks: Sequence[Task], *, organization_id: UUID) -> dict[UUID, list[Answer]]:
    """The approved answers of these tasks, the last revision of each, oldest claim first."""
    last = (
        Submission.objects.filter(
            assignment__task__in=tasks,
            assignment__state__in=ANSWERED,
            revision=F("assignment__revision"),
        )
        .select_related("assignment", "assignment__engagement__terms", "assignment__guideline")
        .prefetch_related("assignment__submissions__reviews")
        .order_by("assignment_id", "pk")
    )
    found: dict[UUID, list[Answer]] = defaultdict(list)
    for submission in last:
        found[submission.assignment.task_id].append(_answer(submission, organization_id))
    return found


def event_head() -> tuple[int, str]:
    """Position and hash of the last sealed event; 0 and empty before the first."""
    seal = EventSeal.objects.order_by("-position").first()
    return (seal.position, seal.hash) if seal else (0, "")


def _answer(submission: Submission, organization_id: UUID) -> Answer:
    assignment = submission.assignment
    terms, guideline = assignment.engagement.terms, assignment.guideline
    return Answer(
        id=str(submission.pk),
        expert=client_pseudonym(
            secret=settings.PSEUDONYM_KEY,
            organization=organization_id,
            expert=assignment.expert_id,
        ),
        answer=submission.answer,
        confidence=submission.confidence,
        is_unclear=submission.is_unclear,
        purposes=tuple(terms.purposes),
        history={
            "content_sha256": submission.content_sha256,
            "submitted_at": submission.submitted_at.isoformat(),
            "active_seconds": submission.active_seconds,
            "assistance": submission.assistance,
            "terms_version": terms.version,
            "terms_sha256": terms.content_hash,
            "guideline_version": guideline.version,
            "guideline_sha256": guideline.content_hash,
            "state": assignment.state,
            "approved_by_silence": assignment.decided_by_rule,
            "reviews": [
                {"revision": sent.revision, "verdict": review.verdict}
                for sent in sorted(assignment.submissions.all(), key=lambda s: s.revision)
                for review in sent.reviews.all()
            ],
            "paid_minor": assignment.pay_minor,
        },
    )
