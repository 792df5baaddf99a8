"""Taking a test: start, answer, submit, run out of time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.states import require_transition
from marketplace.people.models import Expert, User
from vetting import ranking
from vetting.models import Assessment, AssessmentVersion, Attempt, AttemptItem, Item, Response
from vetting.models.attempts import RUNNING, TRANSITIONS
from vetting.selectors.attempts import (
    Answered,
    answered,
    attempts_that_count,
    candidates,
    current_version,
    topics_of,
    unseen_items,
    verdict_on,
)
from vetting.services.grading import grade_attempt

GRACE = timedelta(seconds=5)


class NoRulesYet(DomainError):
    """The test is not published."""

    code = "assessment_not_published"
    status = 404


class AlreadyPassed(DomainError):
    """There is nothing to take again."""

    code = "already_passed"


class NoAttemptsLeft(DomainError):
    """Every attempt the rules allow is used."""

    code = "no_attempts_left"


class CoolingDown(DomainError):
    """The next attempt opens later; `data["from"]` says when."""

    code = "cooling_down"


class NoUnseenItems(DomainError):
    """Too few questions are left that this person has not met; no attempt is used."""

    code = "no_unseen_items"


class TimeIsUp(DomainError):
    """The deadline has passed; what was saved before it is graded."""

    code = "time_is_up"
    status = 410


class QuestionClosed(DomainError):
    """Only the question on the page can be answered."""

    code = "question_closed"


class UnansweredQuestion(DomainError):
    """The test still asks; `data["position"]` is the open question."""

    code = "unanswered_question"


@transaction.atomic
def start_attempt(*, expert: Expert, assessment: Assessment, at: datetime) -> Attempt:
    """Begin a test and show its first question; a running attempt is given back as it is.

    Raises NoRulesYet, AlreadyPassed, NoAttemptsLeft, CoolingDown or NoUnseenItems.
    """
    Expert.objects.select_for_update(no_key=True).get(pk=expert.pk)
    running = attempts_that_count(expert, assessment).filter(state__in=RUNNING)
    for attempt in running:
        return attempt
    version = current_version(assessment)
    if version is None:
        raise NoRulesYet("This test is not open yet.")
    number = _require_attempt_left(expert, version, at)
    if len(unseen_items(expert, version)) < version.minimum:
        raise NoUnseenItems("There are not enough questions left that you have not seen.")
    attempt = Attempt.objects.create(
        expert=expert,
        assessment=assessment,
        version=version,
        number=number,
        seed=secrets.randbits(62),
        state="in_progress",
        started_at=at,
        deadline_at=at + timedelta(seconds=version.time_limit_s),
    )
    _show_next(attempt, [], at)
    _tell("attempt.started", attempt, at)
    return attempt


def _require_attempt_left(expert: Expert, version: AssessmentVersion, at: datetime) -> int:
    """The number of the next attempt."""
    all_numbers = Attempt.objects.filter(expert=expert, assessment=version.assessment_id)
    past = list(attempts_that_count(expert, version.assessment).order_by("number"))
    if any(attempt.state == "passed" for attempt in past):
        raise AlreadyPassed("You have passed this test.")
    if len(past) >= version.max_attempts:
        raise NoAttemptsLeft("All attempts at this test are used.", attempts=len(past))
    if past and version.cool_down_days:
        waits = version.cool_down_days
        days = waits[min(len(past), len(waits)) - 1]
        opens = (past[-1].ended_at or at) + timedelta(days=days)
        if at < opens:
            raise CoolingDown(
                f"You can take this test again from {opens:%d %B %Y}.", **_when(opens)
            )
    return all_numbers.count() + 1


def _when(opens: datetime) -> dict[str, str]:
    return {"from": opens.isoformat()}


@transaction.atomic
def save_response(
    *, attempt: Attempt, position: int, choices: Sequence[int], at: datetime
) -> Response:
    """Keep an answer to the question on the page; the last revision counts.

    `choices` are places in the item's own order. Raises TimeIsUp 5 s after the deadline,
    QuestionClosed, or InvalidInput.
    """
    attempt = _locked(attempt)
    _require_running(attempt, at)
    current = _current(attempt)
    if current.position != position:
        raise QuestionClosed(f"Question {position} is closed; the page shows {current.position}.")
    _require_choices(current.item, choices)
    newest = current.responses.order_by("-revision").first()
    if newest is not None and sorted(newest.choices) == sorted(choices):
        return newest
    return Response.objects.create(
        attempt_item=current,
        revision=newest.revision + 1 if newest else 1,
        choices=sorted(choices),
        saved_at=at,
    )


@transaction.atomic
def answer_question(
    *, attempt: Attempt, position: int, choices: Sequence[int], at: datetime
) -> AttemptItem | None:
    """Save an answer and show the next question; None when the test has asked enough."""
    save_response(attempt=attempt, position=position, choices=choices, at=at)
    attempt = _locked(attempt)
    return _show_next(attempt, answered(attempt), at)


@transaction.atomic
def submit_attempt(*, attempt: Attempt, at: datetime) -> Attempt:
    """Hand in and grade; handing in twice gives the same result.

    Raises UnansweredQuestion while the test still asks.
    """
    attempt = _locked(attempt)
    if attempt.state in ("passed", "failed"):
        return attempt
    require_transition(TRANSITIONS, attempt, "submitted")
    answers = answered(attempt)
    if not _has_asked_enough(attempt, answers, at):
        raise UnansweredQuestion(f"Question {len(answers)} is still open.", position=len(answers))
    return _end(attempt, answers, "submitted", at)


@transaction.atomic
def time_out_attempt(*, attempt: Attempt, at: datetime) -> Attempt:
    """End an attempt whose deadline passed, grading what was saved. Otherwise nothing happens."""
    attempt = _locked(attempt)
    if attempt.state != "in_progress" or at <= attempt.deadline_at + GRACE:
        return attempt
    return _end(attempt, answered(attempt), "timed_out", at)


def time_out_attempts(*, at: datetime) -> int:
    """End every attempt whose deadline passed, each in its own transaction; how many."""
    due = Attempt.objects.filter(state="in_progress", deadline_at__lt=at - GRACE)
    attempts = list(due.order_by("deadline_at", "id"))
    for attempt in attempts:
        time_out_attempt(attempt=attempt, at=at)
    return len(attempts)


@transaction.atomic
def void_attempt(*, attempt: Attempt, by: User, at: datetime) -> Attempt:
    """Take back an attempt for a fault of the platform: it costs nothing, its items are fresh."""
    attempt = _locked(attempt)
    require_transition(TRANSITIONS, attempt, "voided")
    attempt.state, attempt.ended_at = "voided", at
    attempt.save(update_fields=["state", "ended_at"])
    _tell("attempt.voided", attempt, at, by=by)
    return attempt


def _end(attempt: Attempt, answers: list[Answered], how: str, at: datetime) -> Attempt:
    attempt.state, attempt.ended_by, attempt.ended_at = how, how, at
    attempt.save(update_fields=["state", "ended_by", "ended_at"])
    _tell(f"attempt.{how}", attempt, at)
    return grade_attempt(attempt=attempt, answers=answers, at=at)


def _locked(attempt: Attempt) -> Attempt:
    rows = Attempt.objects.select_for_update(of=("self",)).select_related("version", "expert")
    return rows.get(pk=attempt.pk)


def _require_running(attempt: Attempt, at: datetime) -> None:
    if attempt.state != "in_progress" or at > attempt.deadline_at + GRACE:
        raise TimeIsUp("The time is up. What you saved before is being graded.")


def _current(attempt: Attempt) -> AttemptItem:
    current = attempt.shown.select_related("item").order_by("-position").first()
    assert current is not None  # an attempt starts with its first question
    return current


def _require_choices(item: Item, choices: Sequence[int]) -> None:
    known = set(range(len(item.options)))
    if not choices or not set(choices) <= known or len(set(choices)) < len(choices):
        errors = [{"field": "choices", "problem": "names an option that is not there"}]
        raise InvalidInput("Choose one of the options.", errors=errors)
    if len(item.key) == 1 and len(choices) > 1:
        errors = [{"field": "choices", "problem": "takes one option"}]
        raise InvalidInput("Choose one option only.", errors=errors)


def _show_next(attempt: Attempt, answers: list[Answered], at: datetime) -> AttemptItem | None:
    if answers and _has_asked_enough(attempt, answers, at):
        return None
    chosen = ranking.next_item(
        candidates(attempt, answers, at=at),
        shown=[each.item.topic for each in answers],
        topics=topics_of(attempt.version),
        cut=attempt.version.cut,
        seed=attempt.seed,
        minimum=attempt.version.minimum,
    )
    assert chosen is not None  # or it would have asked enough
    item = Item.objects.get(pk=chosen.id)
    position = len(answers) + 1
    order = list(range(len(item.options)))
    Random(f"{attempt.seed}:{position}:options").shuffle(order)  # noqa: S311 order, not a secret
    return AttemptItem.objects.create(
        attempt=attempt, item=item, position=position, option_order=order, shown_at=at
    )


def _has_asked_enough(attempt: Attempt, answers: list[Answered], at: datetime) -> bool:
    """The rule has stopped and every topic had its fewest questions, or none is left to ask."""
    if any(each.choices is None for each in answers):
        return False
    shown = [each.item.topic for each in answers]
    if len(answers) >= attempt.version.maximum or not candidates(attempt, answers, at=at):
        return True
    if not ranking.minimums_met(shown, topics_of(attempt.version)):
        return False
    return verdict_on(attempt, answers).status != "continue"


def _tell(kind: str, attempt: Attempt, at: datetime, *, by: User | None = None) -> None:
    record(
        kind,
        at=at,
        object_kind="attempt",
        object_id=attempt.pk,
        actor=by.pk if by else attempt.expert.user_id,
        expert=attempt.expert_id,
        data={"assessment": str(attempt.assessment_id), "number": attempt.number},
    )
