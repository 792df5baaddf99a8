"""Rows as the values that answers hold."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F, Model, Q, QuerySet
from rest_framework.request import Request

from marketplace.kit.errors import Forbidden, NotFound
from marketplace.organizations.api.authentication import principal_of
from marketplace.people.access import expert_of
from marketplace.people.models import Expert, User
from tasks.api.bodies import not_readable
from tasks.models import Assignment, Batch, Submission
from tasks.policy import MOST_EXTENSIONS
from tasks.selectors.progress import Progress
from tasks.selectors.review import pseudonym_of, results
from tasks.selectors.work import Sheet

M = TypeVar("M", bound=Model)
# Verdicts commit a little after their instant; a cursor never runs ahead of that.
SETTLING = timedelta(seconds=2)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Values = dict[str, Any]  # Any: JSON, rendered by DRF


def found(rows: QuerySet[M], key: UUID) -> M:
    """The row if the asker may see it, else NotFound."""
    row = rows.filter(pk=key).order_by("pk").first()
    if row is None:
        raise NotFound("There is nothing here.")
    return row


def asking_expert(request: Request) -> Expert:
    """The expert behind the request. Raises NotSignedIn, and Forbidden for everybody else."""
    person = principal_of(request)
    expert = expert_of(person) if isinstance(person, User) else None
    if expert is None:
        raise Forbidden("Only experts do this. Sign in as one.")
    return expert


def batch_values(batch: Batch, progress: Progress) -> Values:
    """A batch and how far it is."""
    return {
        "id": batch.pk,
        "project": batch.project_id,
        "name": batch.name,
        "state": batch.state,
        "close_reason": batch.close_reason,
        "price": {"minor": batch.price_minor, "currency": batch.currency},
        "fee_minor": batch.fee_minor,
        "answers_per_task": batch.answers_per_task,
        "created_at": batch.created_at,
        "opened_at": batch.opened_at,
        "closed_at": batch.closed_at,
        "progress": {
            name: getattr(progress, name)
            for name in (
                "tasks",
                "tasks_ended",
                "answers_wanted",
                "active",
                "in_review",
                "changes_requested",
                "approved",
                "rejected",
            )
        },
    }


def assignment_values(assignment: Assignment, sheet: Sheet) -> Values:
    """A held task with its prompt and draft."""
    return {
        "id": assignment.pk,
        "task": assignment.task_id,
        "project": assignment.project_id,
        "format": assignment.project.format,
        "state": assignment.state,
        "payload": sheet.payload,
        "answer": sheet.answer,
        "draft_revision": sheet.draft_revision,
        "next_revision": sheet.next_revision,
        "seconds_left": sheet.seconds_left,
        "extensions_left": sheet.extensions_left,
        "price": {"minor": assignment.price_minor, "currency": assignment.batch.currency},
        "notes": list(sheet.notes),
    }


def lease_values(assignment: Assignment, *, at: datetime) -> Values:
    """The clock of an assignment."""
    until = assignment.lease_until
    return {
        "state": assignment.state,
        "seconds_left": None if until is None else max(0, int((until - at).total_seconds())),
        "extensions_left": max(0, MOST_EXTENSIONS - assignment.extensions),
        "active_seconds": assignment.active_seconds,
    }


def result_page(batch: Batch, request: Request, *, at: datetime) -> Values:
    """One page of approved answers after the cursor; `cursor` leads on even when all were read."""
    limit = _limit(request.query_params.get("limit", "50"))
    cursor = request.query_params.get("cursor")
    rows = results(Assignment.objects.filter(batch=batch), until=at - SETTLING)
    if cursor is not None:
        decided, key = _opened(cursor)
        rows = rows.filter(Q(decided_at__gt=decided) | Q(decided_at=decided, pk__gt=key))
    page = list(rows.select_related("task", "project")[: limit + 1])
    shown = page[:limit]
    last = {
        sent.assignment_id: sent
        for sent in Submission.objects.filter(
            assignment__in=shown, revision=F("assignment__revision")
        )
    }
    return {
        "results": [_result(assignment, last[assignment.pk]) for assignment in shown],
        "cursor": _closed(shown[-1]) if shown else cursor,
        "has_more": len(page) > limit,
    }


def _result(assignment: Assignment, sent: Submission) -> Values:
    return {
        "assignment": assignment.pk,
        "task": assignment.task_id,
        "key": assignment.task.row_key,
        "expert": pseudonym_of(assignment),
        "state": assignment.state,
        "answer": sent.answer,
        "content_sha256": sent.content_sha256,
        "confidence": sent.confidence,
        "unclear": sent.is_unclear,
        "submitted_at": sent.submitted_at,
        "decided_at": assignment.decided_at,
    }


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 200):
        raise not_readable("limit", "limit goes from 1 to 200.")
    return int(text)


def _closed(assignment: Assignment) -> str:
    assert assignment.decided_at is not None  # constraint decided_at_matches_state
    text = f"{(assignment.decided_at - EPOCH) // timedelta(microseconds=1)}.{assignment.pk}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened(cursor: str) -> tuple[datetime, UUID]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        microseconds, _, key = text.partition(".")
        return EPOCH + timedelta(microseconds=int(microseconds)), UUID(key)
    except (binascii.Error, ValueError, OverflowError):
        raise not_readable("cursor", "This cursor was not made here.") from None
