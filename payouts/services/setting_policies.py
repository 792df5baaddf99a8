"""Changing a rule with a number: a new row with a date, an author and a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.models import POLICY_KINDS, Policy, Proposal
from payouts.services.proposing import decides, propose

SHORTEST_REASON = 10
# A looser number of these lets money out sooner, or more of it: it takes two people.
TWO_PEOPLE = frozenset(
    [
        "fee_basis_points",
        "hold_hours",
        "payout_max_per_expert",
        "payout_max_per_run",
        "cash_out_budget",
    ]
)
AMOUNTS = frozenset(
    [
        "payout_minimum",
        "payout_max_per_expert",
        "payout_max_per_run",
        "cash_out_budget",
        "year_threshold",
    ]
)
_SCOPES = {
    "fee_basis_points": {"organization", "currency"},
    "hold_hours": {"organization", "currency"},
    "payout_minimum": {"currency", "country"},
    "payout_max_per_expert": {"currency"},
    "payout_max_per_run": {"currency"},
    "cash_out_budget": {"currency"},
    "year_threshold": {"currency", "country", "year"},
    "vat_basis_points": {"country"},
}
_MOST = {"fee_basis_points": 10_000, "vat_basis_points": 10_000, "hold_hours": 24 * 90}


class TakesTwoPeople(DomainError):
    """This rule lets money out: propose the number, and somebody else decides."""

    code = "takes_two_people"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a number is for; what is empty is any."""

    currency: str = ""
    country: str = ""
    organization: Organization | None = None
    year: int | None = None


EVERYTHING = Scope()


@transaction.atomic
def set_policy(
    *,
    kind: str,
    value: int,
    why: str,
    effective_at: datetime,
    by: User,
    at: datetime,
    scope: Scope = EVERYTHING,
) -> Policy:
    """Let a number count from `effective_at` on; earlier claims and quotes keep theirs.

    Raises InvalidInput with every problem, TakesTwoPeople for a rule that lets money out.
    """
    _require(kind, value, why, effective_at, scope, at)
    if kind in TWO_PEOPLE:
        raise TakesTwoPeople("This rule lets money out, so somebody else has to agree.")
    return _write(kind, value, why, effective_at, scope, by, at)


@transaction.atomic
def propose_policy(
    *,
    kind: str,
    value: int,
    why: str,
    effective_at: datetime,
    by: User,
    at: datetime,
    scope: Scope = EVERYTHING,
) -> Proposal:
    """Ask a second person for a number; approved later than `effective_at`, it counts from then.

    Raises InvalidInput with every problem, and what `propose` raises.
    """
    _require(kind, value, why, effective_at, scope, at)
    return propose(
        kind="set_policy",
        subject_id=uuid7(),
        organization=scope.organization,
        terms={
            "kind": kind,
            "value": value,
            "effective_at": effective_at.isoformat(),
            "currency": scope.currency,
            "country": scope.country,
            "year": scope.year,
        },
        why=why,
        by=by,
        at=at,
    )


@decides("set_policy")
def _set_approved(proposal: Proposal, by: User, at: datetime) -> None:
    terms = proposal.terms
    scope = Scope(
        currency=terms["currency"],
        country=terms["country"],
        organization=proposal.organization,
        year=terms["year"],
    )
    start = max(datetime.fromisoformat(terms["effective_at"]), at)
    _write(
        terms["kind"], terms["value"], proposal.why, start, scope, proposal.proposed_by, at, by.pk
    )


def _require(
    kind: str, value: int, why: str, effective_at: datetime, scope: Scope, at: datetime
) -> None:
    problems = []
    if kind not in POLICY_KINDS:
        problems.append(("kind", "is not a rule with a number"))
    elif not 0 <= value <= _MOST.get(kind, 10**15):
        problems.append(("value", "is outside what this rule can be"))
    if len(why.strip()) < SHORTEST_REASON:
        problems.append(("why", f"needs {SHORTEST_REASON} characters or more"))
    if effective_at < at:
        problems.append(("effective_at", "is in the past; history does not change"))
    problems += [
        (name, "does not apply to this rule")
        for name in ("currency", "country", "organization", "year")
        if getattr(scope, name) and name not in _SCOPES.get(kind, ())
    ]
    if kind in AMOUNTS and not scope.currency:
        problems.append(("currency", "is needed: the number is an amount"))
    if problems:
        found = [{"field": field, "problem": problem} for field, problem in problems]
        first = found[0]
        raise InvalidInput(
            f"The {first['field'].replace('_', ' ')} {first['problem']}.", errors=found
        )


def _write(
    kind: str,
    value: int,
    why: str,
    effective_at: datetime,
    scope: Scope,
    by: User,
    at: datetime,
    approved_by: UUID | None = None,
) -> Policy:
    row = Policy.objects.create(
        kind=kind,
        value=value,
        why=why.strip()[:300],
        effective_at=effective_at,
        organization=scope.organization,
        currency=scope.currency,
        country=scope.country,
        year=scope.year,
        made_by=by,
        made_at=at,
    )
    record(
        "policy.set",
        at=at,
        object_kind="policy",
        object_id=row.id,
        actor=by.pk,
        organization=scope.organization.pk if scope.organization else None,
        data={
            "kind": kind,
            "value": value,
            "effective_at": effective_at,
            "currency": scope.currency,
            "country": scope.country,
            "year": scope.year,
            "approved_by": approved_by,
        },
    )
    return row
