"""Take an expired assignment up again."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from marketplace.kit.errors import DomainError
from marketplace.kit.states import require_transition
from tasks.models import Assignment, ExpertRoute
from tasks.models.assignments import TRANSITIONS
from tasks.policy import MOST_ACTIVE
from tasks.services.seats import lock_assignment, record_of


class SeatTaken(DomainError):
    """Somebody else has the seat by now, or the task has ended."""

    code = "seat_taken"
    status = 409


class TooManyActive(DomainError):
    """The expert works on as many tasks as one may hold at once."""

    code = "too_many_active"
    status = 409


class NotOffered(DomainError):
    """The project asks for terms or qualifications that the expert has not, or they pause."""

    code = "not_offered"
    status = 409


@transaction.atomic
def claim_again(*, assignment: Assignment, at: datetime) -> Assignment:
    """Take an expired assignment up again, with its draft, while a seat of its task is free.

    It is held under the terms and guidelines of now. Raises SeatTaken, TooManyActive, NotOffered,
    and IllegalTransition for an assignment that did not expire.
    """
    _claim_alone(assignment.expert_id)
    assignment = lock_assignment(assignment=assignment)
    require_transition(TRANSITIONS, assignment, "active")
    _require_free_hands(assignment.expert_id)
    task = assignment.task
    if not task.is_open:
        raise SeatTaken("The seat has been taken by somebody else, or the task has ended.")
    assignment.engagement = _offer(assignment).engagement
    assignment.guideline_id = _guideline_now(assignment)
    task.taken += 1
    task.is_open = task.taken < task.seats
    task.save(update_fields=["taken", "is_open"])
    assignment.state, assignment.extensions, assignment.last_beat_at = "active", 0, at
    assignment.lease_until = at + timedelta(seconds=assignment.lease_seconds)
    assignment.save(
        update_fields=[
            "state", "extensions", "last_beat_at", "lease_until", "engagement", "guideline",
        ]
    )  # fmt: skip
    record_of("assignment.claimed", assignment=assignment, at=at, actor=assignment.expert.user_id)
    return assignment


def _claim_alone(expert_id: UUID) -> None:
    """Take the lock that `tasks_claim_next` takes: one claim of an expert after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('tasks.claim:' || %s, 0))",
            [str(expert_id)],
        )


def _require_free_hands(expert_id: UUID) -> None:
    held = Assignment.objects.filter(expert_id=expert_id, state="active").count()
    if held >= MOST_ACTIVE:
        raise TooManyActive(
            f"You work on {held} tasks already. Submit or return one, then take this up again.",
            most=MOST_ACTIVE,
        )


def _offer(assignment: Assignment) -> ExpertRoute:
    """The expert's way to the task now."""
    offers = ExpertRoute.objects.filter(
        expert=assignment.expert_id,
        route=assignment.task.route_id,
        expert__paused_at__isnull=True,
    )
    offer = offers.select_related("engagement").order_by("pk").first()
    if offer is None:
        raise NotOffered(
            "This project is not open to you now. Look at its terms and the skills it asks for, "
            "and end your break if you take one."
        )
    return offer


def _guideline_now(assignment: Assignment) -> UUID:
    guideline_id = assignment.project.current_guideline_id
    assert guideline_id is not None  # a project starts with guidelines
    return guideline_id
