"""Hold a seat: claim, keep, extend, return, expire."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import connection, transaction

from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from marketplace.kit.states import require_transition
from marketplace.people.models import Expert
from marketplace.projects.models import Project
from tasks.models import Assignment
from tasks.models.assignments import TRANSITIONS
from tasks.policy import EXTEND_BELOW, LONGEST_BEAT, MOST_EXTENSIONS
from tasks.services.seats import give_back_seat, lock_assignment, record_of, settle_task

RETURN_REASONS = ("", "outside_my_field", "unclear", "too_long", "broken")


class LeaseOver(DomainError):
    """The seat is no longer this expert's; the message says why and what is paid."""

    code = "lease_over"
    status = 410


class NoMoreExtensions(DomainError):
    """The lease has been extended as often as the rules allow."""

    code = "no_more_extensions"
    status = 409


@transaction.atomic
def claim_next(
    *, expert: Expert, at: datetime, project: Project | None = None
) -> Assignment | None:
    """Take the next free seat on the expert's routes, or None when there is nothing to claim.

    The best task by priority and age on the first route that has one, never one that this expert
    holds or has held, and none while they hold MOST_ACTIVE (policy). The work is one SQL function
    (migration 0002): no ledger row, one event. A seat that another claim has locked is waited for
    before None is answered.
    """
    if expert.paused_at is not None:
        return None
    assignment_id = uuid7()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tasks_claim_next(%s, %s, %s, %s, %s, %s)",
            [
                assignment_id,
                uuid7(),
                expert.pk,
                project.pk if project else None,
                secrets.randbelow(2**31),
                at,
            ],
        )
        (is_claimed,) = cursor.fetchone()
    if not is_claimed:
        return None
    return Assignment.objects.select_related("task", "batch", "project").get(pk=assignment_id)


@transaction.atomic
def beat(*, assignment: Assignment, active_seconds: int, at: datetime) -> Assignment:
    """Count work time and, while the expert works with under 10 minutes left, extend the lease.

    Never more is counted than the time since the last beat, and at most 90 s. Records no event.
    Raises LeaseOver.
    """
    assignment = lock_active(assignment=assignment)
    since = min(at - (assignment.last_beat_at or assignment.claimed_at), LONGEST_BEAT)
    counted = max(0, min(active_seconds, int(since.total_seconds())))
    assignment.active_seconds += counted
    assignment.last_beat_at = at
    assignment.save(update_fields=["active_seconds", "last_beat_at"])
    left = _lease_until(assignment) - at
    if active_seconds > 0 and left < EXTEND_BELOW and assignment.extensions < MOST_EXTENSIONS:
        assignment.extensions += 1
        _set_lease(assignment, at)
    return assignment


@transaction.atomic
def extend_lease(*, assignment: Assignment, at: datetime) -> Assignment:
    """Begin the lease anew, at its first length. Raises LeaseOver, NoMoreExtensions."""
    assignment = lock_active(assignment=assignment)
    if assignment.extensions >= MOST_EXTENSIONS:
        raise NoMoreExtensions(
            f"The lease was extended {MOST_EXTENSIONS} times. Submit, or return the task."
        )
    assignment.extensions += 1
    _set_lease(assignment, at)
    return assignment


@transaction.atomic
def return_assignment(*, assignment: Assignment, at: datetime, reason: str = "") -> Assignment:
    """Give the seat back. Free, and never counted against the expert. Raises LeaseOver.

    `reason` is one of RETURN_REASONS.
    """
    assignment = lock_active(assignment=assignment)
    _leave(assignment, "returned", at)
    record_of(
        "assignment.returned",
        assignment=assignment,
        at=at,
        actor=assignment.expert.user_id,
        reason=reason,
    )
    return assignment


def expire_leases(*, at: datetime, limit: int = 500) -> int:
    """Give back the seats of leases that ran out by `at`; how many. The drafts stay.

    One transaction each, so that a submission arriving meanwhile wins or loses alone.
    """
    due = Assignment.objects.filter(state="active", lease_until__lte=at)
    return sum(_expire(assignment, at) for assignment in due.order_by("lease_until", "id")[:limit])


@transaction.atomic
def _expire(assignment: Assignment, at: datetime) -> bool:
    assignment = lock_assignment(assignment=assignment)
    if assignment.state != "active" or _lease_until(assignment) > at:
        return False  # submitted, returned or extended meanwhile
    _leave(assignment, "expired", at)
    record_of("assignment.expired", assignment=assignment, at=at, actor=None)
    return True


def lock_active(*, assignment: Assignment) -> Assignment:
    """The assignment, locked, if its expert still holds the seat; else LeaseOver."""
    assignment = lock_assignment(assignment=assignment)
    if assignment.state != "active":
        raise lease_over(assignment=assignment)
    return assignment


def lease_over(*, assignment: Assignment) -> LeaseOver:
    """Say which way the hold ended."""
    sentence = _ENDS.get(assignment.state, "This work was already submitted.")
    return LeaseOver(sentence, state=assignment.state, pay_minor=assignment.pay_minor)


_ENDS = {
    "expired": "The time for this task ran out; your draft is kept.",
    "returned": "You returned this task; your draft is kept for a day.",
    "cancelled_paid": "The client cancelled the batch; you are paid a part of the price.",
}


def _leave(assignment: Assignment, state: str, at: datetime) -> None:
    require_transition(TRANSITIONS, assignment, state)
    assignment.state, assignment.lease_until = state, None
    assignment.save(update_fields=["state", "lease_until"])
    give_back_seat(assignment=assignment)
    settle_task(assignment=assignment, at=at)


def _set_lease(assignment: Assignment, at: datetime, *fields: str) -> None:
    assignment.lease_until = at + timedelta(seconds=assignment.lease_seconds)
    assignment.save(update_fields=["lease_until", "extensions", *fields])


def _lease_until(assignment: Assignment) -> datetime:
    assert assignment.lease_until is not None  # constraint lease_matches_state
    return assignment.lease_until
