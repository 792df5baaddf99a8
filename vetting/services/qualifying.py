"""Who may do which work, and when that ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.states import require_transition
from marketplace.people.models import DecisionRecord, Expert, User
from marketplace.people.services.deciding import (
    Reason,
    Subject,
    record_adverse_decision,
    record_decision,
)
from vetting.models import Application, Qualification, RequirementPolicy, Skill
from vetting.models.qualifications import OPEN, TRANSITIONS
from vetting.signals import qualification_changed


@transaction.atomic
def grant_qualification(
    *,
    expert: Expert,
    skill: Skill,
    basis: dict[str, Any],  # Any: the tree of reasons
    expires_at: datetime,
    at: datetime,
    level: int = 1,
    policy: RequirementPolicy | None = None,
    application: Application | None = None,
) -> Qualification:
    """Open work of a skill and level to an expert; one that is held already is given back.

    A suspended one stays suspended: only its own decision lifts it.
    """
    Expert.objects.select_for_update(no_key=True).get(pk=expert.pk)
    held = Qualification.objects.filter(expert=expert, skill=skill, level=level, state__in=OPEN)
    for qualification in held:
        return qualification
    qualification = Qualification.objects.create(
        expert=expert,
        skill=skill,
        level=level,
        basis=basis,
        policy=policy,
        application=application,
        granted_at=at,
        expires_at=expires_at,
    )
    _tell("qualification.granted", qualification, at, None)
    return qualification


@transaction.atomic
def suspend_qualification(
    *, qualification: Qualification, reason: Reason, by: User, at: datetime
) -> Qualification:
    """Stop new claims, by a person with a reason and evidence; running work may finish.

    The expert may appeal for 30 days. Raises InvalidInput without reason, message or evidence.
    """
    qualification = _locked(qualification)
    require_transition(TRANSITIONS, qualification, "suspended")
    qualification.decision = _adverse("qualification.suspended", qualification, reason, by, at)
    return _move(qualification, "suspended", by, at)


@transaction.atomic
def restore_qualification(*, qualification: Qualification, by: User, at: datetime) -> Qualification:
    """Lift a suspension from now on; nothing is back-dated."""
    qualification = _locked(qualification)
    require_transition(TRANSITIONS, qualification, "active")
    subject = Subject("qualification", qualification.pk, qualification.expert)
    qualification.decision = record_decision(
        kind="qualification.restored", subject=subject, decided_by=by, at=at
    )
    return _move(qualification, "active", by, at, event="qualification.restored")


@transaction.atomic
def revoke_qualification(
    *, qualification: Qualification, reason: Reason, by: User, at: datetime
) -> Qualification:
    """End a qualification for good, by a person with a reason and evidence; it can be appealed."""
    qualification = _locked(qualification)
    require_transition(TRANSITIONS, qualification, "revoked")
    qualification.decision = _adverse("qualification.revoked", qualification, reason, by, at)
    qualification.ended_at = at
    return _move(qualification, "revoked", by, at)


@transaction.atomic
def expire_qualifications(*, at: datetime) -> int:
    """End those whose time is over; announced beforehand and not adverse. How many."""
    due = Qualification.objects.select_for_update(of=("self",), skip_locked=True)
    rows = list(due.filter(state__in=OPEN, expires_at__lte=at).order_by("expires_at", "id"))
    for qualification in rows:
        qualification.ended_at = at
        _move(qualification, "expired", None, at)
    return len(rows)


def _adverse(
    kind: str, qualification: Qualification, reason: Reason, by: User, at: datetime
) -> DecisionRecord:
    subject = Subject("qualification", qualification.pk, qualification.expert)
    return record_adverse_decision(kind=kind, subject=subject, reason=reason, decided_by=by, at=at)


def _locked(qualification: Qualification) -> Qualification:
    rows = Qualification.objects.select_for_update(of=("self",)).select_related("expert", "skill")
    return rows.get(pk=qualification.pk)


def _move(
    qualification: Qualification, state: str, by: User | None, at: datetime, *, event: str = ""
) -> Qualification:
    qualification.state = state
    qualification.save(update_fields=["state", "decision", "ended_at"])
    _tell(event or f"qualification.{state}", qualification, at, by)
    return qualification


def _tell(kind: str, qualification: Qualification, at: datetime, by: User | None) -> None:
    record(
        kind,
        at=at,
        object_kind="qualification",
        object_id=qualification.pk,
        actor=by.pk if by else None,
        expert=qualification.expert_id,
        data={"skill": str(qualification.skill_id), "level": qualification.level},
    )
    qualification_changed.send(sender=Qualification, expert_id=qualification.expert_id)
