"""Sending: claim and commit, call, record (MONEY 6). Unknown is not failed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet, Sum

from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.money import Money
from payouts.gateways.chosen import gateway
from payouts.gateways.port import (
    KeyConflict,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    ReplayedFailure,
    SlowDown,
)
from payouts.models import FrozenRequest, Payee, Payout, PayoutAttempt, PayoutRun
from payouts.selectors.pausing import pause_reason
from payouts.services import outcomes
from payouts.services.bank_schedules import take_banks_of, we_pay_banks
from payouts.services.holding import cancel_payout, move, note
from payouts.services.looking_up import look_up
from payouts.services.pacing import Watch, keep_pace, slow_down
from payouts.services.running_payouts import (
    SENDS_PER_JOB,
    finish_run,
    lock_run,
    pause_run,
    start_run,
)

logger = logging.getLogger(__name__)
LONGEST_JOB = timedelta(seconds=35)  # and a call of 20 s ends before the job's hard limit
STALE = timedelta(minutes=2)
WAKING = timedelta(minutes=5)
NEXT_JOB = timedelta(seconds=5)
_SENDABLE_RUNS = ("running", "done")


def send_some(*, run_id: UUID, at: datetime, watch: Watch | None = None) -> int:
    """Send up to 50 attempts of an approved run at the set pace; how many. A sequence.

    `watch` tells the time that passes meanwhile, from `at` on.
    """
    timer = watch or Watch(at)
    sent, until = 0, timer.now() + LONGEST_JOB
    if pause_reason() or not _is_ready(run_id, until, timer):
        return 0
    while sent < SENDS_PER_JOB and _waiting(run_id).exists():
        if keep_pace(watch=timer, until=until) is None:
            break
        attempt = claim_next(run_id=run_id, at=timer.now())
        if attempt is None:
            break
        deliver(attempt=attempt, at=timer.now())
        sent += 1
    _enqueue_rest(run_id, timer.now())
    finish_run(run_id=run_id, at=timer.now())
    return sent


def claim_next(*, run_id: UUID, at: datetime) -> PayoutAttempt | None:
    """Take the next attempt of a run, durably, before its call; None when nothing is to send."""
    while True:
        with transaction.atomic(durable=True):
            run = lock_run(run_id=run_id)
            may_send = run.state in _SENDABLE_RUNS and not pause_reason()
            payout = _next_payout(run) if may_send else None
            if payout is None:
                return None
            if _may_send(payout, at):
                return _claim(payout, at)


def deliver(*, attempt: PayoutAttempt, at: datetime) -> None:
    """Make the call of a claimed attempt, byte for byte, and record how it ended."""
    provider = gateway()
    try:
        transfer = provider.send_transfer(
            request=attempt.request, key=attempt.key, api_version=attempt.api_version
        )
    except SlowDown as error:
        slow_down(at=at)
        outcomes.postpone(attempt_id=attempt.id, error=error, at=at)
    except KeyConflict as error:
        logger.exception("Idempotency key conflict; the payout is frozen")
        outcomes.freeze(attempt_id=attempt.id, error=error, at=at)
    except Misconfigured as error:
        logger.exception("Stripe refuses our credentials; the run stops")
        outcomes.take_back(attempt_id=attempt.id, error=error, at=at)
    except Refused as refusal:
        outcomes.refuse(attempt_id=attempt.id, refusal=refusal, at=at)
    except ReplayedFailure as error:
        outcomes.forget_answer(attempt_id=attempt.id, error=error, at=at)
        look_up(attempt=attempt, at=at)
    except OutcomeUnknown as error:
        outcomes.forget_answer(attempt_id=attempt.id, error=error, at=at)
    else:
        outcomes.succeed(attempt_id=attempt.id, transfer=transfer, at=at)


def wake_runs(*, at: datetime) -> int:
    """Queue sending for runs that still have payouts to send and may have lost their job; how many.

    A job may die with its worker and its message with Redis. A payout that waits needs neither.
    """
    states = ["approved", *_SENDABLE_RUNS]
    waiting = Payout.objects.filter(state="reserved", run__state__in=states)
    runs = waiting.filter(run__rail="stripe").order_by("run").values_list("run", flat=True)
    found = list(runs.distinct())
    with transaction.atomic(durable=True):
        for run_id in found:
            bucket = int(at.timestamp()) // int(WAKING.total_seconds())
            enqueue(
                "payouts.send_some",
                key=f"payouts.send_some:{run_id}:wake:{bucket}",
                run_id=str(run_id),
            )
    return len(found)


def _is_ready(run_id: UUID, until: datetime, watch: Watch) -> bool:
    """Start an approved run; pause one for which Stripe has too little, or does not know us."""
    run = PayoutRun.objects.get(id=run_id)
    if run.rail != "stripe" or run.state not in {"approved", *_SENDABLE_RUNS}:
        return False
    reason = _obstacle(run, until, watch)
    at = watch.now()
    with transaction.atomic(durable=True):
        run = start_run(run_id=run_id, at=at)
        if reason and run.state == "running":
            pause_run(run=run, reason=reason, at=at)
    return not reason and run.state in _SENDABLE_RUNS


def _obstacle(run: PayoutRun, until: datetime, watch: Watch) -> str:
    """Why nothing of the run may be sent now, in words, or nothing."""
    needed = Money(
        _waiting(run.id).aggregate(total=Sum("amount_minor"))["total"] or 0, run.currency
    )
    if not needed:
        return ""
    try:
        take_banks_of(run_id=run.id, until=until, watch=watch)
        present = gateway().available(currency=run.currency)
    except Misconfigured as error:
        logger.exception("Stripe refuses our credentials; the run stops")
        return f"misconfigured: {error.message}"
    if present < needed:
        return f"shortfall: the run needs {needed}, Stripe has {present} available"
    return ""


def _next_payout(run: PayoutRun) -> Payout | None:
    rows = Payout.objects.select_for_update(no_key=True, skip_locked=True)
    if we_pay_banks():
        rows = rows.filter(payee__in=Payee.objects.filter(manual_at__isnull=False))
    return rows.filter(run=run, state="reserved").order_by("id").first()


def _may_send(payout: Payout, at: datetime) -> bool:
    """Whether the destination is still the expert's and can receive; if not, cancel or hold."""
    payee = Payee.objects.get(id=payout.payee_id)
    if payee.state == "closed" or payee.account_id != payout.destination:
        cancel_payout(payout=payout, why="the payout account was replaced", at=at)
        return False
    if payee.state != "active":
        move(payout=payout, state="held", why="account")
        note(kind="payout.held", payout=payout, at=at)
        return False
    return True


def _claim(payout: Payout, at: datetime) -> PayoutAttempt:
    rows = PayoutAttempt.objects.select_for_update(no_key=True)
    attempt = rows.get(payout=payout, state="created")
    mark_sending(attempt=attempt, at=at)
    move(payout=payout, state="submitting", why="")
    return attempt


def mark_sending(*, attempt: FrozenRequest, at: datetime) -> None:
    """Claim a locked attempt for one call."""
    attempt.state, attempt.sends = "sending", attempt.sends + 1
    attempt.first_sent_at = attempt.first_sent_at or at
    attempt.last_sent_at, attempt.next_try_at = at, at + STALE
    attempt.save(update_fields=["state", "sends", "first_sent_at", "last_sent_at", "next_try_at"])


def _waiting(run_id: UUID) -> QuerySet[Payout]:
    return Payout.objects.filter(run=run_id, state="reserved")


def _enqueue_rest(run_id: UUID, at: datetime) -> None:
    with transaction.atomic(durable=True):
        if _waiting(run_id).filter(run__state__in=_SENDABLE_RUNS).exists():
            enqueue(
                "payouts.send_some",
                key=f"payouts.send_some:{run_id}:after:{at.timestamp()}",
                run_at=at + NEXT_JOB,
                run_id=str(run_id),
            )
