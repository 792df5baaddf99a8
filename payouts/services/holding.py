"""Keeping a payout back, letting it go on, giving its money back to the expert's balance."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import JSON, record
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from payouts.models import Earning, Payout, PayoutAttempt
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.attempts import next_attempt


@transaction.atomic
def hold_payout(*, payout: Payout, why: str, by: UUID, at: datetime) -> Payout:
    """Keep a reserved payout back with a reason. Its money stays reserved."""
    row = lock_payout(payout_id=payout.id)
    move(payout=row, state="held", why=why)
    note(kind="payout.held", payout=row, at=at, by=by)
    return row


@transaction.atomic
def release_payout(*, payout: Payout, by: UUID, at: datetime) -> Payout:
    """Let a held payout be sent after all."""
    row = resume_payout(payout=payout, at=at)
    note(kind="payout.released", payout=row, at=at, by=by)
    return row


@transaction.atomic
def resume_payout(*, payout: Payout, at: datetime) -> Payout:
    """Make a held or rejected payout sendable again: a new attempt, a new key, the same money."""
    row = lock_payout(payout_id=payout.id)
    move(payout=row, state="reserved", why="")
    attempt = next_attempt(payout=row)
    enqueue(
        "payouts.send_some",
        key=f"payouts.send_some:{row.run_id}:{attempt.id}:{at.timestamp()}",
        run_id=str(row.run_id),
    )
    return row


@transaction.atomic
def cancel_payout(*, payout: Payout, why: str, at: datetime, by: UUID | None = None) -> Payout:
    """Give the money back to the expert's available balance. Cancelled is the end."""
    row = lock_payout(payout_id=payout.id)
    if row.state == "cancelled":
        return row
    move(payout=row, state="cancelled", why=why)
    open_attempts = PayoutAttempt.objects.filter(payout=row, state="created")
    open_attempts.update(state="rejected", ended_at=at, error_code="cancelled")
    _give_back(row, at)
    note(kind="payout.cancelled", payout=row, at=at, by=by)
    return row


def lock_payout(*, payout_id: UUID) -> Payout:
    """The payout, held until the transaction ends."""
    return Payout.objects.select_for_update(no_key=True).get(id=payout_id)


def move(*, payout: Payout, state: str, why: str) -> None:
    """Move a locked payout along its table of transitions."""
    require_transition(Payout.TRANSITIONS, payout, state)
    payout.state, payout.why = state, why[:200]
    payout.save(update_fields=["state", "why"])


def note(*, kind: str, payout: Payout, at: datetime, by: UUID | None = None) -> None:
    """Record what became of a payout."""
    data: dict[str, JSON] = {
        "minor": payout.amount_minor,
        "currency": payout.currency,
        "why": payout.why,
    }
    record(
        kind,
        at=at,
        object_kind="payout",
        object_id=payout.id,
        actor=by,
        expert=payout.expert_id,
        data=data,
    )


def _give_back(payout: Payout, at: datetime) -> None:
    amount = Money(payout.amount_minor, payout.currency)
    moving = account("payout_in_transit", currency=amount.currency, expert=payout.expert)
    available = account("expert_available", currency=amount.currency, expert=payout.expert)
    Earning.objects.filter(items__payout=payout, items__is_live=True, state="reserved").update(
        state="available"
    )
    payout.items.filter(is_live=True).update(is_live=False)
    ledger.post(
        key=f"payout_release:{payout.id}",
        kind="payout_released",
        currency=amount.currency,
        legs=[ledger.Leg.debit(moving, amount), ledger.Leg.credit(available, amount)],
        effective_at=at,
    )
