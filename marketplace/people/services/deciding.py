"""Decisions about people, kept with who made them and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.people.models import DecisionRecord, Expert, User

APPEAL_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Subject:
    """What is decided: a row by its kind (`application`) and id, and whose it is."""

    kind: str
    id: UUID
    expert: Expert | None = None


@dataclass(frozen=True)
class Reason:
    """Why. `code` is stable, `message` is what the person reads, `evidence` lists facts or ids."""

    code: str
    message: str
    evidence: Sequence[Any]  # Any: JSON values
    guideline_ref: str = ""


NO_REASON = Reason(code="", message="", evidence=())


class NotYourDecision(DomainError):
    """Nobody decides on themselves, and nobody confirms their own proposal."""

    code = "not_your_decision"
    status = 403


@transaction.atomic
def record_decision(
    *,
    kind: str,
    subject: Subject,
    at: datetime,
    decided_by: User | None = None,
    reason: Reason = NO_REASON,
    proposed_by: User | None = None,
    appeal_until: datetime | None = None,
) -> DecisionRecord:
    """Record a decision that takes nothing from the person.

    Without `decided_by` a rule made it. With `proposed_by`, `decided_by` confirmed the proposal.
    """
    _keep_apart(subject=subject, decided_by=decided_by, proposed_by=proposed_by)
    decision = _decision(kind=kind, subject=subject, reason=reason, at=at)
    decision.adverse, decision.automated = False, decided_by is None
    decision.appeal_until = appeal_until
    return _keep(decision, decided_by=decided_by, proposed_by=proposed_by)


@transaction.atomic
def record_adverse_decision(
    *,
    kind: str,
    subject: Subject,
    reason: Reason,
    decided_by: User,
    at: datetime,
    proposed_by: User | None = None,
    appeal_for: timedelta = APPEAL_FOR,
) -> DecisionRecord:
    """Record that somebody was refused, paid less, suspended or lowered, by a human, with reasons.

    The person may appeal until `at + appeal_for`. Raises InvalidInput without code, message or
    evidence.
    """
    _keep_apart(subject=subject, decided_by=decided_by, proposed_by=proposed_by)
    if not (reason.code and reason.message.strip() and reason.evidence):
        raise InvalidInput(
            "This decision needs a reason, a message to the person, and evidence.", errors=[]
        )
    decision = _decision(kind=kind, subject=subject, reason=reason, at=at)
    decision.adverse, decision.automated = True, False
    decision.appeal_until = at + appeal_for
    return _keep(decision, decided_by=decided_by, proposed_by=proposed_by)


def _keep_apart(*, subject: Subject, decided_by: User | None, proposed_by: User | None) -> None:
    if decided_by is not None and decided_by == proposed_by:
        raise NotYourDecision("Somebody else has to confirm your proposal.")
    deciders = {person.pk for person in (decided_by, proposed_by) if person}
    if subject.expert and subject.expert.user_id in deciders:
        raise NotYourDecision("Nobody decides about themselves.")


def _decision(*, kind: str, subject: Subject, reason: Reason, at: datetime) -> DecisionRecord:
    return DecisionRecord(
        kind=kind,
        subject_kind=subject.kind,
        subject_id=subject.id,
        expert=subject.expert,
        reason_code=reason.code,
        message=reason.message.strip(),
        evidence=list(reason.evidence),
        guideline_ref=reason.guideline_ref,
        decided_at=at,
    )


def _keep(
    decision: DecisionRecord, *, decided_by: User | None, proposed_by: User | None
) -> DecisionRecord:
    decision.decided_by, decision.proposed_by = decided_by, proposed_by
    decision.confirmed_by = decided_by if proposed_by else None
    decision.save(force_insert=True)
    record(
        "decision.recorded",
        at=decision.decided_at,
        object_kind="decision",
        object_id=decision.pk,
        actor=decided_by.pk if decided_by else None,
        expert=decision.expert_id,
        data={
            "kind": decision.kind,
            "subject_kind": decision.subject_kind,
            "subject_id": str(decision.subject_id),
            "reason_code": decision.reason_code,
            "adverse": decision.adverse,
        },
    )
    return decision
