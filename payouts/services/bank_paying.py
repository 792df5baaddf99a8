"""Paying experts' banks ourselves: claim and commit, call, record, as with transfers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from marketplace.kit.errors import DomainError
from payouts.gateways.chosen import gateway
from payouts.gateways.port import (
    BankPayout,
    GatewayError,
    KeyConflict,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    ReplayedFailure,
    SlowDown,
)
from payouts.models import BankAttempt, Payout
from payouts.selectors.pausing import pause_reason
from payouts.services import bank_outcomes as outcomes
from payouts.services.attempts import end_attempt
from payouts.services.bank_attempts import PAYABLE_STATES, ready_attempt
from payouts.services.bank_leg import sync_bank_payout
from payouts.services.bank_schedules import hand_back_banks, we_pay_banks
from payouts.services.pacing import LONGEST_PAUSE, Watch, keep_pace, slow_down
from payouts.services.sending import LONGEST_JOB, mark_sending
from payouts.services.sweeping import KEYS_HOLD

logger = logging.getLogger(__name__)
MOST_PER_TICK = 500
_IN_THE_AIR = ("sending", "unknown", "succeeded")
Step = Callable[..., None]
CLOCKS_DIFFER = timedelta(hours=1)


def pay_banks(*, at: datetime, watch: Watch | None = None) -> int:
    """Settle the tries whose end is not known, then pay what arrived; how many calls. A sequence.

    One that fails keeps no other from its turn: the first failure is raised when all had theirs,
    but wrong credentials stop everything at once. Where Stripe pays banks, accounts go back to it.
    """
    timer, done = watch or Watch(at), 0
    failures: list[Exception] = []
    for step in _steps(at):
        if pause_reason() or keep_pace(watch=timer, until=at + LONGEST_JOB) is None:
            break
        try:
            step(at=timer.now())
        except Misconfigured:
            raise
        except (DatabaseError, DomainError, GatewayError) as failure:
            logger.exception("Could not pay a bank")
            failures.append(failure)
        done += 1
    if not we_pay_banks() and not pause_reason():
        hand_back_banks(until=at + LONGEST_JOB, watch=timer)
    if failures:
        raise failures[0]
    return done


def _steps(at: datetime) -> list[Step]:
    states = [*_IN_THE_AIR, "created", *(["rejected", "returned"] if we_pay_banks() else [])]
    due = BankAttempt.objects.filter(state__in=states, next_try_at__lte=at, is_frozen=False)
    steps: list[Step] = []
    for row in due.order_by("next_try_at", "id")[:MOST_PER_TICK]:
        is_new = row.state not in _IN_THE_AIR
        steps.append(
            partial(pay_bank, payout_id=row.payout_id) if is_new else partial(_settle, row.id)
        )
    if we_pay_banks():
        fresh = _untried().order_by("id").values_list("id", flat=True)
        steps += [partial(pay_bank, payout_id=each) for each in fresh[:MOST_PER_TICK]]
    return steps


def pay_bank(*, payout_id: UUID, at: datetime) -> None:
    """Pay one expert's bank what a transfer became, by the try that waits or a new one.

    A sequence.
    """
    attempt = claim(payout_id=payout_id, at=at)
    if attempt is None and we_pay_banks() and ready_attempt(payout_id=payout_id, at=at):
        attempt = claim(payout_id=payout_id, at=at)
    if attempt is not None:
        deliver(attempt=attempt, at=at)


@transaction.atomic(durable=True)
def claim(*, payout_id: UUID, at: datetime) -> BankAttempt | None:
    """Take a payout's try, durably, before its call; None on pause or when somebody else has it.

    A payout that went on without us, or back, needs no try of ours, nor does any once Stripe pays
    banks.
    """
    rows = Payout.objects.select_for_update(no_key=True, skip_locked=True)
    payout = rows.filter(id=payout_id).order_by("id").first()
    if payout is None or pause_reason():
        return None
    attempts = BankAttempt.objects.select_for_update(no_key=True, of=("self",))
    ready = attempts.filter(payout=payout, state="created").select_related("payout")
    attempt = ready.order_by("id").first()
    is_ours = we_pay_banks() and payout.state in PAYABLE_STATES
    if attempt is not None and not is_ours:
        end_attempt(attempt=attempt, state="rejected", at=at, code="not_needed")
        return None
    if attempt is not None:
        mark_sending(attempt=attempt, at=at)
    return attempt


def deliver(*, attempt: BankAttempt, at: datetime) -> None:
    """Make the call of a claimed try, byte for byte, and record how it ended.

    Raises Misconfigured, after undoing the claim of a first call.
    """
    try:
        seen = gateway().send_bank_payout(
            account_id=attempt.payout.destination,
            request=attempt.request,
            key=attempt.key,
            api_version=attempt.api_version,
        )
    except SlowDown as error:
        slow_down(at=at)
        outcomes.postpone(attempt_id=attempt.id, error=error, at=at)
    except KeyConflict as error:
        logger.exception("Idempotency key conflict; the bank payout is frozen")
        outcomes.freeze(attempt_id=attempt.id, error=error, at=at)
    except Misconfigured:
        outcomes.take_back(attempt_id=attempt.id, at=at)
        raise
    except Refused as refusal:
        outcomes.refuse(attempt_id=attempt.id, refusal=refusal, at=at)
    except ReplayedFailure as error:
        outcomes.forget_answer(attempt_id=attempt.id, error=error, at=at)
        look_up(attempt=attempt, at=at)
    except OutcomeUnknown as error:
        outcomes.forget_answer(attempt_id=attempt.id, error=error, at=at)
    else:
        outcomes.succeed(attempt_id=attempt.id, seen=seen, at=at)


def look_up(*, attempt: BankAttempt, at: datetime) -> BankAttempt | None:
    """Search Stripe for the try's bank payout and take it over; None when none is to be seen."""
    seen = find_payout(attempt=attempt, at=at)
    return None if seen is None else outcomes.succeed(attempt_id=attempt.id, seen=seen, at=at)


def find_payout(*, attempt: BankAttempt, at: datetime) -> BankPayout | None:
    """What Stripe made of a try, or None where it shows nothing."""
    since = (attempt.first_sent_at or at) - CLOCKS_DIFFER
    found = gateway().find_bank_payouts(account_id=attempt.payout.destination, created_after=since)
    ours = (str(attempt.payout_id), str(attempt.number))
    return next((each for each in found if (each.payout, each.attempt) == ours), None)


def _settle(attempt_id: UUID, *, at: datetime) -> None:
    attempt = _claim_again(attempt_id, at)
    if attempt is None:
        return
    if attempt.state == "succeeded":
        sync_bank_payout(
            account_id=attempt.payout.destination, payout_id=str(attempt.provider_id), at=at
        )
    elif attempt.state == "sending":
        deliver(attempt=attempt, at=at)
    else:
        look_up(attempt=attempt, at=at)


@transaction.atomic(durable=True)
def _claim_again(attempt_id: UUID, at: datetime) -> BankAttempt | None:
    rows = BankAttempt.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    due = rows.filter(id=attempt_id, state__in=_IN_THE_AIR, next_try_at__lte=at, is_frozen=False)
    attempt = due.select_related("payout").order_by("id").first()
    if attempt is None or attempt.first_sent_at is None:
        return None
    if attempt.state != "succeeded" and at - attempt.first_sent_at < KEYS_HOLD:
        mark_sending(attempt=attempt, at=at)
        return attempt
    if attempt.state != "succeeded":
        attempt.state = "unknown"
    attempt.next_try_at = at + LONGEST_PAUSE
    attempt.save(update_fields=["state", "next_try_at"])
    return attempt


def _untried() -> QuerySet[Payout]:
    """What arrived since we pay the bank of its account. What came before Stripe itself pays."""
    tries = BankAttempt.objects.filter(payout=OuterRef("pk"))
    rows = Payout.objects.filter(state="transferred", transferred_at__gte=F("payee__manual_at"))
    return rows.filter(~Exists(tries), payee__rail="stripe")
