"""What every verdict shares: the lock, the rules of who and why, the rows it leaves."""

from __future__ import annotations

from datetime import datetime

from marketplace.kit.errors import DomainError, Forbidden, InvalidInput
from marketplace.people.models import User
from marketplace.people.services.deciding import Reason, Subject, record_adverse_decision
from tasks.models import Assignment, Review, Submission
from tasks.models.assignments import TRANSITIONS
from tasks.models.reviews import CATEGORIES, SHORTEST_REASON
from tasks.policy import DISPUTE_WINDOW
from tasks.services.seats import lock_assignment
from tasks.services.submitting import skills_of
from vetting.services.scoring import record_evidence

BEST_SCORE = 5


class OwnWork(Forbidden):
    """Nobody judges their own work, in whatever role."""

    code = "own_work"


class ReasonMissing(InvalidInput):
    """An adverse verdict needs a category, a guideline reference and 100 characters of message."""

    code = "reason_missing"


class ScoreOutOfRange(InvalidInput):
    """A score goes from 1 to 5."""

    code = "score_out_of_range"


class NothingToReview(DomainError):
    """The assignment is not waiting for a verdict."""

    code = "nothing_to_review"
    status = 409


def lock_waiting(*, assignment: Assignment, by: User) -> Assignment:
    """The assignment, locked, if it waits for a verdict that `by` may give."""
    assignment = lock_assignment(assignment=assignment)
    if assignment.expert.user_id == by.pk:
        raise OwnWork("This is your own work; somebody else decides about it.")
    if assignment.state != "awaiting_review":
        raise NothingToReview(
            f"This answer is {assignment.state.replace('_', ' ')}; there is nothing to decide.",
            state=assignment.state,
            allowed=sorted(TRANSITIONS[assignment.state]),
        )
    return assignment


def require_reason(*, category: str, guideline_ref: str, message: str) -> None:
    """Refuse an adverse verdict without category, guideline reference and explanation."""
    errors = []
    if category not in CATEGORIES:
        errors.append(("category", f"must be one of {', '.join(CATEGORIES)}"))
    if not guideline_ref.strip():
        errors.append(("guideline_ref", "names the part of the guidelines that was not followed"))
    missing = SHORTEST_REASON - len(message.strip())
    if missing > 0:
        errors.append(("message", f"needs {missing} more characters (at least {SHORTEST_REASON})"))
    if errors:
        field, problem = errors[0]
        raise ReasonMissing(
            f"The {field.replace('_', ' ')} {problem}.",
            errors=[{"field": field, "problem": problem} for field, problem in errors],
        )


def write_review(
    *,
    assignment: Assignment,
    by: User,
    verdict: str,
    at: datetime,
    message: str = "",
    score: int | None = None,
) -> Review:
    """The review of a verdict that takes nothing from the expert. Raises ScoreOutOfRange."""
    if score is not None and not 1 <= score <= BEST_SCORE:
        raise ScoreOutOfRange(
            f"A score goes from 1 to {BEST_SCORE}.",
            errors=[{"field": "score", "problem": f"is not 1 to {BEST_SCORE}"}],
        )
    return Review.objects.create(
        submission=_last(assignment),
        reviewer=by,
        author_id=assignment.expert.user_id,
        verdict=verdict,
        score=score,
        message=message.strip(),
        reviewed_at=at,
    )


def write_adverse_review(
    *,
    assignment: Assignment,
    by: User,
    verdict: str,
    category: str,
    guideline_ref: str,
    message: str,
    at: datetime,
    percent: int | None = None,
) -> Review:
    """The review of a verdict that pays less or nothing, with its DecisionRecord."""
    submission = _last(assignment)
    decision = record_adverse_decision(
        kind=f"verdict.{verdict}",
        subject=Subject("assignment", assignment.pk, assignment.expert),
        reason=Reason(
            code=category,
            message=message,
            evidence=[
                {"submission": str(submission.pk), "content_sha256": submission.content_sha256}
            ],
            guideline_ref=guideline_ref.strip(),
        ),
        decided_by=by,
        at=at,
        appeal_for=DISPUTE_WINDOW,
    )
    return Review.objects.create(
        submission=submission,
        reviewer=by,
        author_id=assignment.expert.user_id,
        verdict=verdict,
        pay_percent=percent,
        category=category,
        guideline_ref=guideline_ref.strip(),
        message=message.strip(),
        decision=decision,
        reviewed_at=at,
    )


def count_against(*, assignment: Assignment, at: datetime) -> None:
    """A rejection is evidence of a wrong answer in every skill of the work.

    An approval is none: it says that the work is payable, not that the label is right.
    """
    for skill in skills_of(assignment=assignment):
        record_evidence(
            expert=assignment.expert,
            skill=skill,
            source="verdict",
            credit=0.0,
            subject_kind="assignment",
            subject_id=assignment.pk,
            happened_at=at,
        )


def count_score(*, assignment: Assignment, score: int, at: datetime) -> None:
    """A reviewer's score is evidence in every skill of the work: 1 is wrong, 5 is right."""
    for skill in skills_of(assignment=assignment):
        record_evidence(
            expert=assignment.expert,
            skill=skill,
            source="review",
            credit=(score - 1) / (BEST_SCORE - 1),
            subject_kind="assignment",
            subject_id=assignment.pk,
            happened_at=at,
        )


def _last(assignment: Assignment) -> Submission:
    return Submission.objects.get(assignment=assignment, revision=assignment.revision)
