"""Exported payroll that the employer cannot pay: people who left, a wrong amount (MONEY 14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from payouts.models import PayrollExport, PayrollLine, Proposal
from payouts.services.payroll_lines import give_back, live_lines
from payouts.services.proposing import SamePerson, decides, propose

VOID = "void_payroll"


class NotInPayroll(DomainError):
    """A line is not of this payroll, or is void already."""

    code = "not_in_payroll"
    status = 409


@transaction.atomic
def propose_void(
    *, export: PayrollExport, lines: Sequence[UUID], why: str, by: User, at: datetime
) -> Proposal:
    """Ask a second person to void lines of an exported payroll that its employer has not paid.

    Raises IllegalTransition in any other state, NotInPayroll, SamePerson for whoever the payroll
    pays, AlreadyProposed.
    """
    row = _lock(export.id)
    _require_stranger(row, by)
    found = _lines(row, lines)
    terms = {
        "lines": [str(line.id) for line in found],
        "people": len(found),
        "number": row.number,
        "amount_minor": sum(line.amount_minor for line in found),
        "currency": row.currency,
    }
    return propose(
        kind=VOID,
        subject_id=row.id,
        organization=row.organization,
        terms=terms,
        why=why,
        by=by,
        at=at,
    )


def _only_strangers(proposal: Proposal, by: User) -> None:
    _require_stranger(PayrollExport.objects.get(id=proposal.subject_id), by)


@decides(VOID, only=_only_strangers)
def _void(proposal: Proposal, by: User, at: datetime) -> PayrollExport:
    """Give the lines back to the people's balances; without any left, the payroll is void."""
    row = _lock(proposal.subject_id)
    found = _lines(row, [UUID(each) for each in proposal.terms["lines"]])
    give_back(export=row, lines=found, by=by, at=at)
    PayrollLine.objects.filter(id__in=[line.id for line in found]).update(voided_at=at)
    if not live_lines(export=row):
        row.state, row.cancelled_at = "voided", at
        row.save(update_fields=["state", "cancelled_at"])
    for line in found:
        _record(row, line, proposal, by, at)
    return row


def _lock(export_id: UUID) -> PayrollExport:
    rows = PayrollExport.objects.select_for_update(of=("self",)).select_related("organization")
    row = rows.get(id=export_id)
    require_transition(PayrollExport.TRANSITIONS, row, "voided")
    return row


def _lines(export: PayrollExport, ids: Sequence[UUID]) -> list[PayrollLine]:
    found = [line for line in live_lines(export=export) if line.id in set(ids)]
    if not found or len(found) != len(set(ids)):
        raise NotInPayroll("Choose lines of this payroll that are not void yet.")
    return found


def _require_stranger(export: PayrollExport, by: User) -> None:
    if export.lines.filter(expert__user=by).exists():
        raise SamePerson("This payroll pays you; somebody else has to void it.")


def _record(
    export: PayrollExport, line: PayrollLine, proposal: Proposal, by: User, at: datetime
) -> None:
    record(
        "payroll.line_voided",
        at=at,
        object_kind="payroll_line",
        object_id=line.id,
        actor=by.pk,
        organization=export.organization_id,
        expert=line.expert_id,
        data={
            "payroll": str(export.id),
            "number": export.number,
            "minor": line.amount_minor,
            "currency": export.currency,
            "why": proposal.why,
        },
    )
