"""Acts on money that take two people: one proposes, another decides (MONEY 16).

A service registers what an approval does with `decides`; the page and the tests know no kinds.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.states import require_transition
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts import services
from payouts.models import Proposal

Approval = Callable[[Proposal, User, datetime], object]
Check = Callable[[Proposal, User], None]
_APPROVALS: dict[str, Approval] = {}
_CHECKS: dict[str, Check] = {}
SHORTEST_REASON = 10


class SamePerson(DomainError):
    """Whoever proposes an act on money may not decide it."""

    code = "same_person"
    status = 403


class AlreadyProposed(DomainError):
    """The same act on the same thing waits for a decision."""

    code = "already_proposed"
    status = 409


def decides(kind: str, *, only: Check | None = None) -> Callable[[Approval], Approval]:
    """Register what the approval of this kind does, inside the approval's transaction.

    `only` raises for whoever may neither approve nor refuse it.
    """

    def register(approval: Approval) -> Approval:
        _APPROVALS[kind] = approval
        if only is not None:
            _CHECKS[kind] = only
        return approval

    return register


@transaction.atomic
def propose(
    *,
    kind: str,
    subject_id: UUID,
    terms: Mapping[str, Any],  # Any: JSON of the act
    why: str,
    by: User,
    at: datetime,
    organization: Organization | None = None,
) -> Proposal:
    """Ask a second person to let an act on money happen.

    Raises AlreadyProposed, InvalidInput when the reason is shorter than 10 characters.
    """
    if len(why.strip()) < SHORTEST_REASON:
        problem = {"field": "why", "problem": f"needs {SHORTEST_REASON} characters or more"}
        raise InvalidInput("Say why, in a few words.", errors=[problem])
    try:
        with transaction.atomic():
            row = Proposal.objects.create(
                kind=kind,
                subject_id=subject_id,
                organization=organization,
                terms=dict(terms),
                why=why.strip()[:500],
                proposed_by=by,
                proposed_at=at,
            )
    except IntegrityError as error:
        raise AlreadyProposed("This already waits for a second person.") from error
    _note("proposal.made", row, by, at)
    return row


@transaction.atomic
def approve(*, proposal: Proposal, by: User, at: datetime) -> Proposal:
    """Decide for a proposal and do what it says, together or not at all. Raises SamePerson."""
    row = _lock(proposal, "approved")
    if row.proposed_by_id == by.id:
        raise SamePerson("Somebody else has to approve what you proposed.")
    _require_may_decide(row, by)
    _approval_of(row.kind)(row, by, at)
    return _decide(row, "approved", "", by, at)


@transaction.atomic
def refuse(*, proposal: Proposal, answer: str, by: User, at: datetime) -> Proposal:
    """Decide against a proposal, with an answer for whoever made it. Raises SamePerson."""
    row = _lock(proposal, "refused")
    if row.proposed_by_id == by.id:
        raise SamePerson("Withdraw what you proposed; somebody else may refuse it.")
    _require_may_decide(row, by)
    return _decide(row, "refused", answer, by, at)


@transaction.atomic
def withdraw(*, proposal: Proposal, by: User, at: datetime) -> Proposal:
    """Take one's own proposal back."""
    row = _lock(proposal, "withdrawn")
    if row.proposed_by_id != by.id:
        raise SamePerson("Only whoever proposed it can withdraw it.")
    return _decide(row, "withdrawn", "", by, at)


def kinds() -> tuple[str, ...]:
    """Every act that two people do together."""
    for found in pkgutil.iter_modules(services.__path__):
        import_module(f"{services.__name__}.{found.name}")
    return tuple(sorted(_APPROVALS))


def _approval_of(kind: str) -> Approval:
    if kind not in _APPROVALS:
        kinds()
    return _APPROVALS[kind]


def _require_may_decide(row: Proposal, by: User) -> None:
    _approval_of(row.kind)  # a kind's check is known once its service is
    if row.kind in _CHECKS:
        _CHECKS[row.kind](row, by)


def _lock(proposal: Proposal, target: str) -> Proposal:
    row = Proposal.objects.select_for_update().get(id=proposal.id)
    require_transition(Proposal.TRANSITIONS, row, target)
    return row


def _decide(row: Proposal, state: str, answer: str, by: User, at: datetime) -> Proposal:
    row.state, row.answer, row.decided_by, row.decided_at = state, answer[:500], by, at
    row.save(update_fields=["state", "answer", "decided_by", "decided_at"])
    _note(f"proposal.{state}", row, by, at)
    return row


def _note(kind: str, row: Proposal, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="proposal",
        object_id=row.id,
        actor=by.id,
        organization=row.organization_id,
        data={"act": row.kind, "subject": str(row.subject_id)},
    )
