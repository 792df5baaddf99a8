"""How a call to Stripe ended: whoever learns it first writes it down, the others change nothing."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.money import Money
from payouts.gateways.port import GatewayError, Refused, Transfer
from payouts.models import Payout, PayoutAttempt
from payouts.services.attempts import (
    end_attempt,
    next_attempt,
    pause_attempt,
    unclaim_attempt,
)
from payouts.services.breaking import open_break
from payouts.services.holding import PAID_LATE, move, note
from payouts.services.running_payouts import lock_run, pause_run
from payouts.services.settling import (
    is_as_asked,
    is_explained,
    lock_attempt,
    set_aside,
    settle,
    waits,
)

logger = logging.getLogger(__name__)
ACCOUNT_CODES = frozenset(
    ["insufficient_capabilities_for_transfer", "account_invalid", "account_closed"]
)
ACCOUNT_PAUSE = timedelta(minutes=10)


@transaction.atomic(durable=True)
def succeed(*, attempt_id: UUID, transfer: Transfer, at: datetime) -> PayoutAttempt:
    """The transfer exists: the money has left, the earnings are paid. Once, whoever says so.

    A transfer that is not what was asked for books nothing: the payout is frozen for two people.
    One of an attempt that was said to be rejected is the payout's success all the same, where
    nothing else of it was sent and Stripe shows it exactly as asked; else it opens a Break.
    """
    attempt, payout = lock_attempt(attempt_id=attempt_id)
    if attempt.state == "succeeded":
        return attempt
    asked = (Money(payout.amount_minor, payout.currency), payout.destination)
    if attempt.state == "rejected":
        if not _is_ours(attempt, payout, transfer):
            return _doubt(attempt, payout, transfer, at)
        set_aside(payout=payout, at=at)
    elif (transfer.amount, transfer.destination) != asked:
        logger.error("A transfer is not what was asked for", extra={"attempt": str(attempt.id)})
        return _freeze(attempt, payout, _differs(transfer), at)
    settle(attempt=attempt, payout=payout, transfer=transfer, at=at)
    return attempt


@transaction.atomic(durable=True)
def refuse(*, attempt_id: UUID, refusal: Refused, at: datetime) -> PayoutAttempt:
    """What `reject` does, at the end of a call."""
    return reject(attempt_id=attempt_id, refusal=refusal, at=at)


@transaction.atomic
def reject(*, attempt_id: UUID, refusal: Refused, at: datetime) -> PayoutAttempt:
    """Definitively not sent. The money stays reserved; what happens next depends on the reason.

    Too little money at Stripe pauses the run and readies a new attempt: nobody is marked failed.
    A destination that cannot receive is held until it can. Anything else waits for a person.
    """
    run_id = PayoutAttempt.objects.values_list("payout__run", flat=True).get(id=attempt_id)
    run = lock_run(run_id=run_id)
    attempt, payout = lock_attempt(attempt_id=attempt_id)
    if attempt.state in {"succeeded", "rejected"}:
        return attempt
    end_attempt(
        attempt=attempt, state="rejected", at=at, code=refusal.code, message=refusal.message
    )
    if refusal.code == "balance_insufficient":
        move(payout=payout, state="rejected", why="")
        move(payout=payout, state="reserved", why="")
        next_attempt(payout=payout)
        if run.state == "running":
            pause_run(run=run, reason="shortfall: Stripe's available balance is too small", at=at)
    elif refusal.code in ACCOUNT_CODES:
        move(payout=payout, state="held", why="account")
        note(kind="payout.held", payout=payout, at=at)
        _look_again(attempt, payout, at)
    else:
        move(payout=payout, state="rejected", why=refusal.code or refusal.message)
        note(kind="payout.rejected", payout=payout, at=at)
    return attempt


@transaction.atomic(durable=True)
def forget_answer(*, attempt_id: UUID, error: GatewayError, at: datetime) -> PayoutAttempt:
    """We do not know. The attempt is repeated with the same key or looked up, never replaced."""
    attempt, payout = lock_attempt(attempt_id=attempt_id)
    if attempt.state != "sending":
        return attempt
    attempt.state = "unknown"
    pause_attempt(attempt=attempt, error=error, at=at)
    attempt.save(update_fields=["state", "next_try_at", "error_code", "error_message"])
    if payout.state == "submitting":
        move(payout=payout, state="unknown", why="")
    return attempt


@transaction.atomic(durable=True)
def postpone(*, attempt_id: UUID, error: GatewayError, at: datetime) -> PayoutAttempt:
    """Stripe is busy: the attempt stays on its way and is tried again with the same key."""
    attempt, _ = lock_attempt(attempt_id=attempt_id)
    if attempt.state == "sending":
        pause_attempt(attempt=attempt, error=error, at=at)
        attempt.save(update_fields=["next_try_at", "error_code", "error_message"])
    return attempt


@transaction.atomic(durable=True)
def freeze(*, attempt_id: UUID, error: GatewayError, at: datetime) -> PayoutAttempt:
    """The key stands for another body: nothing is sent or replaced until a person has looked."""
    attempt, payout = lock_attempt(attempt_id=attempt_id)
    return _freeze(attempt, payout, error, at)


@transaction.atomic(durable=True)
def take_back(*, attempt_id: UUID, error: GatewayError, at: datetime) -> None:
    """Our key or permission is wrong: the run stops and the attempt is as if never claimed."""
    run_id = PayoutAttempt.objects.values_list("payout__run", flat=True).get(id=attempt_id)
    run = lock_run(run_id=run_id)
    attempt, payout = lock_attempt(attempt_id=attempt_id)
    if attempt.state == "sending" and attempt.sends == 1:
        unclaim_attempt(attempt=attempt)
        move(payout=payout, state="reserved", why="")
    if run.state == "running":
        pause_run(run=run, reason=f"misconfigured: {error.message}", at=at)


def _freeze(
    attempt: PayoutAttempt, payout: Payout, error: GatewayError, at: datetime
) -> PayoutAttempt:
    if attempt.is_frozen or attempt.state not in {"sending", "unknown"}:
        return attempt
    attempt.state, attempt.is_frozen = "unknown", True
    pause_attempt(attempt=attempt, error=error, at=at)
    attempt.save(update_fields=["state", "is_frozen", "next_try_at", "error_code", "error_message"])
    if payout.state == "submitting":
        move(payout=payout, state="unknown", why=error.code)
    note(kind="payout.frozen", payout=payout, at=at)
    return attempt


def _is_ours(attempt: PayoutAttempt, payout: Payout, transfer: Transfer) -> bool:
    """Whether Stripe itself proves that a rejected attempt has paid the payout."""
    is_proof = attempt.rail == "stripe" and waits(payout=payout)
    movement = transfer.movement or transfer.transfer_id
    is_exact = is_as_asked(attempt=attempt, payout=payout, transfer=transfer)
    return is_proof and is_exact and not is_explained(ref=movement)


def _doubt(
    attempt: PayoutAttempt, payout: Payout, transfer: Transfer, at: datetime
) -> PayoutAttempt:
    """The money left after all: the payout sends nothing more until two people have looked."""
    logger.error("A rejected attempt was paid", extra={"attempt": str(attempt.id)})
    difference = open_break(
        kind="missing_in_ledger",
        ref=transfer.movement or transfer.transfer_id,
        currency=transfer.amount.currency,
        expected_minor=0,
        found_minor=-transfer.amount.minor,
        detail=f"{transfer.transfer_id} pays {attempt.key}, which was rejected.",
        at=at,
    )
    if difference.state != "open" or payout.state not in {"reserved", "rejected", "held"}:
        return attempt
    if payout.state == "rejected":
        move(payout=payout, state="reserved", why="")
    if payout.state == "reserved":
        move(payout=payout, state="held", why=PAID_LATE)
        note(kind="payout.held", payout=payout, at=at)
    # What waits for its account would go on by itself.
    payout.why = PAID_LATE
    payout.save(update_fields=["why"])
    return attempt


def _differs(transfer: Transfer) -> GatewayError:
    return GatewayError(
        f"{transfer.transfer_id} moves {transfer.amount} to {transfer.destination}",
        code="transfer_differs",
    )


def _look_again(attempt: PayoutAttempt, payout: Payout, at: datetime) -> None:
    # The account may be well again already, its message answered before this refusal came.
    enqueue(
        "payouts.sync_payee",
        key=f"payouts.sync_payee:{attempt.id}",
        run_at=at + ACCOUNT_PAUSE,
        account_id=payout.destination,
    )
