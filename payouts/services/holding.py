"""Keeping a payout back, letting it go on, giving its money back to the expert's balance."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import JSON, record
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from payouts.models import Earning, Payout, PayoutAttempt
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.attempts import next_attempt

SHORTEST_REASON = 10
PAID_LATE = "an earlier try was paid after all"


class CallInFlight(DomainError):
    """A transfer may be on its way or made: only its outcome moves the payout now."""

    code = "call_in_flight"


class NotHere(DomainError):
    """The payout is past the state in which a person may do this."""

    code = "not_in_this_state"


@transaction.atomic
def hold_payout(*, payout: Payout, why: str, by: UUID, at: datetime) -> Payout:
    """Keep a reserved payout back with a reason in words. Its money stays reserved.

    Raises NotHere once it is being sent, InvalidInput without a reason.
    """
    if len(why.strip()) < SHORTEST_REASON:
        problem = {"field": "why", "problem": f"needs {SHORTEST_REASON} characters or more"}
        raise InvalidInput("Tell the expert why, in a few words.", errors=[problem])
    row = lock_payout(payout_id=payout.id)
    _require(row, "reserved")
    move(payout=row, state="held", why=why)
    note(kind="payout.held", payout=row, at=at, by=by)
    return row


@transaction.atomic
def retry_payout(*, payout: Payout, by: UUID, at: datetime) -> Payout:
    """Send a rejected payout once more, with a new key. Raises NotHere in any other state."""
    _require(lock_payout(payout_id=payout.id), "rejected")
    row = resume_payout(payout=payout, at=at)
    note(kind="payout.retried", payout=row, at=at, by=by)
    return row


@transaction.atomic
def resume_payout(*, payout: Payout, at: datetime) -> Payout:
    """Make a held or rejected payout sendable again: a new attempt, a new key, the same money.

    Raises NotHere in any other state, CallInFlight while an earlier call is not decided.
    """
    row = lock_payout(payout_id=payout.id)
    _require(row, "held", "rejected")
    _require_nothing_sent(row)
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
    """Give the money back to the expert's available balance. Cancelled is the end.

    Raises CallInFlight while a transfer may exist: giving back what was sent would pay it twice.
    """
    row = lock_payout(payout_id=payout.id)
    if row.state == "cancelled":
        return row
    if row.why == PAID_LATE:
        raise CallInFlight("An earlier try was paid. Two people release it once that is explained.")
    _require_nothing_sent(row)
    move(payout=row, state="cancelled", why=why)
    open_attempts = PayoutAttempt.objects.filter(payout=row, state="created")
    open_attempts.update(state="rejected", ended_at=at, error_code="cancelled")
    _give_back(row, at)
    note(kind="payout.cancelled", payout=row, at=at, by=by)
    return row


def _require(payout: Payout, *states: str) -> None:
    if payout.state not in states:
        raise NotHere(
            f"This payout is {payout.state.replace('_', ' ')}; it can no longer be done.",
            state=payout.state,
        )


def _require_nothing_sent(payout: Payout) -> None:
    if payout.attempts.filter(state__in=["sending", "unknown", "succeeded"]).exists():
        raise CallInFlight("A transfer of this payout may be on its way. Its outcome comes first.")


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
