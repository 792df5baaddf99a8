"""Breaks: differences between the books that a person has to explain (MONEY 11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, Forbidden, InvalidInput
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from payouts.models import Account, Break, Posting, Proposal
from payouts.services import ledger
from payouts.services.proposing import decides, propose

RESOLVE = "resolve_break"


class BreakChanged(DomainError):
    """The difference is another than the one that the resolution was proposed for."""

    code = "break_changed"
    status = 409


@transaction.atomic
def open_break(  # noqa: PLR0913 a difference has two sides
    *,
    kind: str,
    ref: str,
    currency: str,
    expected_minor: int,
    found_minor: int,
    detail: str,
    at: datetime,
    organization: UUID | None = None,
    project: UUID | None = None,
) -> Break:
    """Keep a difference until it is explained; one open row per kind and ref.

    An open one takes the figures that are seen now. One that two people have accepted stays
    closed as long as the difference is the one that they accepted.
    """
    figures = {"expected_minor": expected_minor, "found_minor": found_minor, "detail": detail[:500]}
    fresh = Break(kind=kind, ref=ref, currency=currency, opened_at=at, **figures)
    rows = Break.objects.select_for_update().filter(kind=kind, ref=ref, state="open")
    accepted = None if rows.exists() else _accepted(fresh)
    if accepted is not None:
        return accepted
    Break.objects.bulk_create([fresh], ignore_conflicts=True)
    row = rows.get()
    if row.id == fresh.id:
        _note("break.opened", row, at, organization=organization, project=project)
        return row
    for name, value in figures.items():
        setattr(row, name, value)
    row.save(update_fields=list(figures))
    return row


@transaction.atomic
def take_break(*, row: Break, owner: User) -> Break:
    """Make one person answer for an open break."""
    found = _lock(row.id)
    found.owner = owner
    found.save(update_fields=["owner"])
    return found


@transaction.atomic
def propose_resolution(
    *, row: Break, note: str, legs: Sequence[ledger.Leg] = (), by: User, at: datetime
) -> Proposal:
    """Explain an open break; `legs` are the correction to book when a second person approves.

    Raises InvalidInput when the legs do not balance, are of another currency or touch what an
    expert holds or owes; Forbidden for an account of one's own; AlreadyProposed.
    """
    found = _lock(row.id)
    _require_correction(found, legs)
    _require_no_stake([leg.account.id for leg in legs], by)
    return propose(
        kind=RESOLVE,
        subject_id=found.id,
        terms={
            "difference_minor": found.found_minor - found.expected_minor,
            "legs": [
                {"account": str(leg.account.id), "side": leg.side, "minor": leg.amount_minor}
                for leg in legs
            ],
        },
        why=note,
        by=by,
        at=at,
    )


def _require_stranger(proposal: Proposal, by: User) -> None:
    _require_no_stake([UUID(leg["account"]) for leg in proposal.terms["legs"]], by)


@decides(RESOLVE, only=_require_stranger)
def _resolve(proposal: Proposal, by: User, at: datetime) -> Break:
    """Close the break as its proposal explains it, and book the correction.

    Raises BreakChanged when the difference has gone or is another by now.
    """
    found = _lock(proposal.subject_id)
    if found.found_minor - found.expected_minor != proposal.terms["difference_minor"]:
        raise BreakChanged("The difference is another by now; refuse this and propose again.")
    posting = _correct(found, proposal.terms["legs"], by, at)
    return explain(row=found, proposal=proposal, posting=posting, by=by, at=at)


@transaction.atomic
def explain(
    *, row: Break, proposal: Proposal, posting: Posting | None, by: User, at: datetime
) -> Break:
    """Close an open break as two people explain it, with what was booked for it."""
    found = _lock(row.id)
    found.state, found.note, found.posting = "resolved", proposal.why, posting
    found.resolved_by, found.approved_by, found.resolved_at = proposal.proposed_by, by, at
    found.save(
        update_fields=["state", "note", "resolved_by", "approved_by", "resolved_at", "posting"]
    )
    _note("break.resolved", found, at, actor=by.id)
    return found


@transaction.atomic
def close_gone(*, kind: str, ref: str, at: datetime) -> None:
    """Resolve the open break of this kind and ref, if there is one: its difference has gone."""
    rows = Break.objects.select_for_update().filter(kind=kind, ref=ref, state="open")
    for row in rows.order_by("id"):
        row.state, row.resolved_at, row.note = "resolved", at, "The difference has gone."
        row.save(update_fields=["state", "resolved_at", "note"])
        _note("break.resolved", row, at)


def _accepted(fresh: Break) -> Break | None:
    rows = Break.objects.filter(kind=fresh.kind, ref=fresh.ref, approved_by__isnull=False)
    last = rows.order_by("-resolved_at", "-id").first()
    if last is None or _difference(last) != _difference(fresh):
        return None
    return last


def _difference(row: Break) -> int:
    return row.found_minor - row.expected_minor


def _lock(break_id: UUID) -> Break:
    row = Break.objects.select_for_update().get(id=break_id)
    require_transition(Break.TRANSITIONS, row, "resolved")
    return row


def _require_correction(found: Break, legs: Sequence[ledger.Leg]) -> None:
    if not legs:
        return
    if any(leg.account.currency != found.currency for leg in legs):
        _refuse("legs", f"take accounts in {found.currency}")
    if any(leg.account.kind.startswith("expert_") for leg in legs):
        _refuse("legs", "what an expert holds or owes moves with an earning or a clawback only")
    sums = {"D": 0, "C": 0}
    for leg in legs:
        sums[leg.side] += leg.amount_minor
    if sums["D"] != sums["C"] or not sums["D"]:
        _refuse("legs", "debits and credits are the same, and more than zero")


def _require_no_stake(account_ids: Sequence[UUID], by: User) -> None:
    accounts = Account.objects.filter(id__in=account_ids)
    if accounts.filter(Q(expert__user=by) | Q(organization__memberships__user=by)).exists():
        raise Forbidden("Somebody else has to do this: the correction touches money of yours.")


def _refuse(field: str, problem: str) -> None:
    raise InvalidInput(
        "This correction cannot be booked.", errors=[{"field": field, "problem": problem}]
    )


def _correct(
    found: Break,
    legs: Sequence[dict[str, Any]],  # Any: JSON of the proposal
    by: User,
    at: datetime,
) -> Posting | None:
    if not legs:
        return None
    accounts = Account.objects.in_bulk([UUID(leg["account"]) for leg in legs])
    return ledger.post(
        key=f"correction:{found.id}",
        kind="correction",
        currency=found.currency,
        legs=[
            ledger.Leg(accounts[UUID(leg["account"])], leg["side"], leg["minor"]) for leg in legs
        ],
        effective_at=at,
        actor=by.id,
        external_ref=found.ref if found.kind in _PROVIDER_REFS else "",
    )


# Kinds whose ref is an object of the provider, so that the correction is matched with it.
_PROVIDER_REFS = frozenset(
    {
        "missing_in_ledger",
        "amount_mismatch",
        "currency_mismatch",
        "duplicate_provider_object",
        "fee_unbooked",
        "unknown_type",
    }
)


def _note(
    kind: str,
    row: Break,
    at: datetime,
    *,
    actor: UUID | None = None,
    organization: UUID | None = None,
    project: UUID | None = None,
) -> None:
    record(
        kind,
        at=at,
        object_kind="break",
        object_id=row.id,
        actor=actor,
        organization=organization,
        project=project,
        data={
            "kind": row.kind,
            "ref": row.ref,
            "expected": row.expected_minor,
            "found": row.found_minor,
            "currency": row.currency,
        },
    )
