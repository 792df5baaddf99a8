"""Decide on submitted work. Silence approves; every adverse verdict has a person and a reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from marketplace.kit.states import require_transition
from marketplace.people.models import User
from payouts.services.ledger import InsufficientBalance
from payouts.services.reserving import draw_overrun
from tasks import pricing
from tasks.models import Assignment, Review
from tasks.models.assignments import TRANSITIONS
from tasks.policy import CHANGES_WINDOW, DISPUTE_WINDOW
from tasks.services.crediting import due_price, full_price, pay_assignment
from tasks.services.seats import give_back_seat, lock_assignment, record_of, settle_task
from tasks.services.verdicts import (
    NothingToReview,
    OwnWork,
    ReasonMissing,
    ScoreOutOfRange,
    count_against,
    count_score,
    lock_waiting,
    require_reason,
    write_adverse_review,
    write_review,
)

__all__ = [
    "NothingToReview",
    "OwnWork",
    "ReasonMissing",
    "ScoreOutOfRange",
    "approve",
    "approve_overdue",
    "approve_partly",
    "ask_changes",
    "reject",
]


@transaction.atomic
def approve(
    *,
    assignment: Assignment,
    by: User,
    at: datetime,
    message: str = "",
    score: int | None = None,
) -> Review:
    """Accept the work; the expert earns what is due, whatever the score.

    A `score` from 1 (barely) to 5 (excellent) is evidence about the skill. Raises OwnWork,
    ScoreOutOfRange, and NothingToReview when it was decided or sent back meanwhile.
    """
    assignment = lock_waiting(assignment=assignment, by=by)
    review = write_review(
        assignment=assignment, by=by, verdict="approve", message=message, score=score, at=at
    )
    if score is not None:
        count_score(assignment=assignment, score=score, at=at)
    _approve(assignment, by, at)
    return review


@transaction.atomic
def approve_partly(
    *,
    assignment: Assignment,
    by: User,
    percent: int,
    category: str,
    guideline_ref: str,
    message: str,
    at: datetime,
) -> Review:
    """Accept a part: the expert earns 1 to 99 percent of the price and may dispute it.

    Raises ReasonMissing, OwnWork, NothingToReview.
    """
    assignment = lock_waiting(assignment=assignment, by=by)
    require_reason(category=category, guideline_ref=guideline_ref, message=message)
    if not 1 <= percent <= 99:
        raise ReasonMissing("A part is 1 to 99 percent of the price.")
    review = write_adverse_review(
        assignment=assignment,
        by=by,
        verdict="approve_partly",
        category=category,
        guideline_ref=guideline_ref,
        message=message,
        percent=percent,
        at=at,
    )
    price, _ = due_price(assignment=assignment)
    pay, fee = pricing.part(price, percent=percent, basis_points=assignment.batch.fee_basis_points)
    assignment.dispute_until = at + DISPUTE_WINDOW
    pay_assignment(assignment=assignment, state="partially_approved", pay=pay, fee=fee, at=at)
    settle_task(assignment=assignment, at=at)
    record_of(
        "assignment.partially_approved", assignment=assignment, at=at, actor=by.pk, percent=percent
    )
    return review


@transaction.atomic
def ask_changes(
    *,
    assignment: Assignment,
    by: User,
    message: str,
    at: datetime,
    within: timedelta = CHANGES_WINDOW,
) -> Review:
    """Send the work back to its expert, who has until `at + within`. Pays nothing yet.

    When the time passes, the last revision goes back to the reviewer. Raises ReasonMissing
    without a message, OwnWork, NothingToReview.
    """
    assignment = lock_waiting(assignment=assignment, by=by)
    if not message.strip():
        raise ReasonMissing("Say what should change.")
    review = write_review(
        assignment=assignment, by=by, verdict="ask_changes", message=message, at=at
    )
    require_transition(TRANSITIONS, assignment, "changes_requested")
    assignment.state, assignment.review_until = "changes_requested", None
    assignment.changes_due_at = at + within
    assignment.save(update_fields=["state", "review_until", "changes_due_at"])
    record_of("assignment.changes_requested", assignment=assignment, at=at, actor=by.pk)
    return review


@transaction.atomic
def reject(
    *,
    assignment: Assignment,
    by: User,
    category: str,
    guideline_ref: str,
    message: str,
    at: datetime,
) -> Review:
    """Refuse the work: not paid, counted against the skill, open to dispute for 14 days.

    The seat opens again while the batch runs and its pool covers one more answer; the money of
    this one stays reserved until the dispute window has passed. Raises ReasonMissing, OwnWork,
    NothingToReview.
    """
    assignment = lock_waiting(assignment=assignment, by=by)
    require_reason(category=category, guideline_ref=guideline_ref, message=message)
    review = write_adverse_review(
        assignment=assignment,
        by=by,
        verdict="reject",
        category=category,
        guideline_ref=guideline_ref,
        message=message,
        at=at,
    )
    require_transition(TRANSITIONS, assignment, "rejected")
    assignment.state, assignment.review_until = "rejected", None
    assignment.decided_at, assignment.dispute_until = at, at + DISPUTE_WINDOW
    assignment.save(update_fields=["state", "review_until", "decided_at", "dispute_until"])
    count_against(assignment=assignment, at=at)
    _refill(assignment, at)
    settle_task(assignment=assignment, at=at)
    record_of("assignment.rejected", assignment=assignment, at=at, actor=by.pk, category=category)
    return review


def approve_overdue(*, at: datetime, limit: int = 500) -> int:
    """Approve what nobody judged in its review window, and send overdue changes back to review.

    One transaction each; how many rows moved.
    """
    silent = Assignment.objects.filter(state="awaiting_review", review_until__lte=at)
    late = Assignment.objects.filter(state="changes_requested", changes_due_at__lte=at)
    moved = [_approve_silently(a, at) for a in silent.order_by("review_until", "id")[:limit]]
    moved += [_take_back(a, at) for a in late.order_by("changes_due_at", "id")[:limit]]
    return sum(moved)


@transaction.atomic
def _approve_silently(assignment: Assignment, at: datetime) -> bool:
    assignment = lock_assignment(assignment=assignment)
    until = assignment.review_until
    if until is None or until > at:
        return False  # judged meanwhile
    assignment.decided_by_rule = True
    _approve(assignment, None, at)
    return True


@transaction.atomic
def _take_back(assignment: Assignment, at: datetime) -> bool:
    assignment = lock_assignment(assignment=assignment)
    due = assignment.changes_due_at
    if due is None or due > at:
        return False  # sent again meanwhile
    require_transition(TRANSITIONS, assignment, "awaiting_review")
    assignment.state, assignment.changes_due_at = "awaiting_review", None
    assignment.review_until = at + timedelta(days=assignment.batch.review_days)
    assignment.save(update_fields=["state", "changes_due_at", "review_until"])
    record_of("assignment.changes_overdue", assignment=assignment, at=at, actor=None)
    return True


def _approve(assignment: Assignment, by: User | None, at: datetime) -> None:
    """Pay all that is due and move on. Without a person, silence did it."""
    pay, fee = due_price(assignment=assignment)
    pay_assignment(assignment=assignment, state="approved", pay=pay, fee=fee, at=at)
    settle_task(assignment=assignment, at=at)
    record_of(
        "assignment.approved",
        assignment=assignment,
        at=at,
        actor=by.pk if by else None,
        by_silence=by is None,
    )


def _refill(assignment: Assignment, at: datetime) -> None:
    """Open the seat for somebody else, paid from the pool; an empty pool leaves it closed."""
    batch = assignment.batch
    if batch.state not in ("open", "paused") or batch.reservation is None:
        return
    price, fee = full_price(assignment=assignment)
    try:
        with transaction.atomic():
            draw_overrun(
                reservation=batch.reservation,
                amount=price + fee,
                key=str(assignment.pk),
                at=at,
            )
    except InsufficientBalance:
        return
    give_back_seat(assignment=assignment)
