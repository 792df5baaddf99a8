"""Send an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from pydantic import JsonValue

from marketplace.formats import registry
from marketplace.formats.interface import Context
from marketplace.formats.problems import InvalidPayload
from marketplace.kit.errors import DomainError
from marketplace.kit.states import require_transition
from tasks.models import Assignment, Draft, GoldAnswer, Submission
from tasks.models.assignments import TRANSITIONS
from tasks.policy import LONGEST_BEAT, AnyFormat, content_hash, kept_answer
from tasks.services.claiming import lease_over
from tasks.services.seats import lock_assignment, record_of, settle_task
from vetting.models import Skill
from vetting.services.scoring import record_evidence


class AlreadySubmitted(DomainError):
    """This revision was sent before with another answer."""

    code = "already_submitted"
    status = 409


class RevisionSkipped(DomainError):
    """Revisions are sent in order; `next` is the one that is due."""

    code = "revision_skipped"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What is said about an answer. `revision` counts from 1; `confidence` goes from 1 to 5."""

    revision: int = 1
    active_seconds: int = 0
    assistance: str = "none"
    assistance_note: str = ""
    confidence: int | None = None
    is_unclear: bool = False


@transaction.atomic
def submit(
    *, assignment: Assignment, answer: JsonValue, envelope: Envelope, at: datetime
) -> Submission:
    """Send the answer, as shown to the expert, for review; gold is graded at once.

    Idempotent by (assignment, revision): the same answer again returns the first submission. A
    lease that ran out still counts until its seat is given back. Raises InvalidPayload with every
    problem, LeaseOver, AlreadySubmitted, RevisionSkipped.
    """
    assignment = lock_assignment(assignment=assignment)
    form = registry.get(assignment.project.format)
    kept = kept_answer(form, answer=answer, seed=assignment.seed)
    if envelope.revision <= assignment.revision:
        return _sent_before(assignment, envelope.revision, kept)
    _require_turn(assignment, envelope.revision)
    _require_sound(form, assignment, kept, envelope)
    submission = _write(assignment, kept, envelope, at)
    _send_to_review(assignment, submission, at)
    if submission.revision == 1:
        _grade_gold(form, assignment, kept, at)
    settle_task(assignment=assignment, at=at)
    record_of(
        "assignment.submitted",
        assignment=assignment,
        at=at,
        actor=assignment.expert.user_id,
        revision=submission.revision,
        content_sha256=submission.content_sha256,
    )
    return submission


def _sent_before(assignment: Assignment, revision: int, kept: JsonValue) -> Submission:
    sent = Submission.objects.get(assignment=assignment, revision=revision)
    if sent.content_sha256 != content_hash(kept):
        raise AlreadySubmitted(
            "This task was already submitted with another answer.", state=assignment.state
        )
    return sent


def _require_turn(assignment: Assignment, revision: int) -> None:
    if assignment.state not in ("active", "changes_requested"):
        raise lease_over(assignment=assignment)
    due = assignment.revision + 1
    if revision != due:
        raise RevisionSkipped(f"Revision {due} is due, not {revision}.", next=due)


def _require_sound(
    form: AnyFormat, assignment: Assignment, kept: JsonValue, envelope: Envelope
) -> None:
    """Refuse what the format refuses; what it only marks goes on to the reviewer."""
    found = form.problems(
        prompt=assignment.task.payload,
        answer=kept,
        context=Context(active_seconds=envelope.active_seconds or None),
    )
    refused = [problem for problem in found if problem.severity == "refuse"]
    if refused:
        raise InvalidPayload(refused)


def _write(
    assignment: Assignment, kept: dict[str, JsonValue], envelope: Envelope, at: datetime
) -> Submission:
    claimed, most = max(envelope.active_seconds, assignment.active_seconds), _most(assignment, at)
    return Submission.objects.create(
        assignment=assignment,
        revision=envelope.revision,
        answer=kept,
        content_sha256=content_hash(kept),
        started_at=assignment.claimed_at,
        submitted_at=at,
        active_seconds=max(0, min(claimed, most)),
        assistance=envelope.assistance,
        assistance_note=envelope.assistance_note,
        confidence=envelope.confidence,
        is_unclear=envelope.is_unclear,
    )


def _most(assignment: Assignment, at: datetime) -> int:
    """Seconds that may count: since the claim; by the hour, measured ones and the last beat's."""
    if assignment.hourly_minor is None:
        return int((at - assignment.claimed_at).total_seconds())
    since = min(at - (assignment.last_beat_at or assignment.claimed_at), LONGEST_BEAT)
    return assignment.active_seconds + int(since.total_seconds())


def _send_to_review(assignment: Assignment, submission: Submission, at: datetime) -> None:
    require_transition(TRANSITIONS, assignment, "awaiting_review")
    assignment.state = "awaiting_review"
    assignment.lease_until = assignment.changes_due_at = None
    assignment.review_until = at + timedelta(days=assignment.batch.review_days)
    assignment.revision, assignment.submitted_at = submission.revision, at
    assignment.active_seconds = submission.active_seconds
    assignment.save(
        update_fields=[
            "state",
            "lease_until",
            "changes_due_at",
            "review_until",
            "revision",
            "submitted_at",
            "active_seconds",
        ]
    )
    Draft.objects.filter(assignment=assignment).delete()


def _grade_gold(form: AnyFormat, assignment: Assignment, kept: JsonValue, at: datetime) -> None:
    """Evidence in every skill that the work asks for, if the right answer is known."""
    gold = GoldAnswer.objects.filter(task=assignment.task, state="live").order_by("pk").first()
    if gold is None:
        return
    GoldAnswer.objects.filter(pk=gold.pk).update(exposures=F("exposures") + 1)
    credit = form.grade(form.read_answer(kept), form.read_answer(gold.answer))
    if credit is None:
        return
    for skill in skills_of(assignment=assignment):
        record_evidence(
            expert=assignment.expert,
            skill=skill,
            source="gold",
            credit=credit,
            subject_kind="assignment",
            subject_id=assignment.pk,
            happened_at=at,
        )


def skills_of(*, assignment: Assignment) -> list[Skill]:
    """The skills that the task's route asks for."""
    route = assignment.task.route
    needs = route.needs if route else []
    return list(Skill.objects.filter(pk__in=[skill for skill, _ in needs]).order_by("pk"))
