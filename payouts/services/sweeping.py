"""Attempts whose end nobody knows: the same key while Stripe keeps it, a look-up after that."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from marketplace.kit.errors import DomainError
from marketplace.people.models import User
from payouts.gateways.port import GatewayError, Refused
from payouts.models import PayoutAttempt
from payouts.selectors.pausing import pause_reason
from payouts.services import outcomes
from payouts.services.holding import resume_payout
from payouts.services.looking_up import look_up
from payouts.services.pacing import LONGEST_PAUSE, Watch, keep_pace
from payouts.services.proposing import SamePerson
from payouts.services.running_payouts import SENDS_PER_JOB, finish_run
from payouts.services.sending import LONGEST_JOB, deliver, mark_sending, wake_runs

logger = logging.getLogger(__name__)
# Stripe may forget a key after 24 h; then the same key would send a second time.
KEYS_HOLD = timedelta(hours=20)
PROVABLE_AFTER = timedelta(hours=24)


class StillUncertain(DomainError):
    """It is too early to say that an attempt was never sent, or it was."""

    code = "still_uncertain"
    status = 409


def sweep_attempts(*, at: datetime, watch: Watch | None = None) -> int:
    """Repeat or look up every attempt whose end is not known; how many. A sequence.

    Queues sending again for runs whose job was lost. An attempt that fails keeps no other from its
    turn: the first failure is raised when all had theirs.
    """
    if pause_reason():
        return 0
    wake_runs(at=at)
    timer, swept = watch or Watch(at), list(_due(at).values_list("id", "payout__run"))
    failures: list[Exception] = []
    for attempt_id, _ in swept:
        if keep_pace(watch=timer, until=at + LONGEST_JOB) is None:
            break
        try:
            _settle(attempt_id, timer.now())
        except (DatabaseError, DomainError, GatewayError) as failure:
            logger.exception("Could not settle an attempt", extra={"attempt": str(attempt_id)})
            failures.append(failure)
    for run_id in {run_id for _, run_id in swept}:
        finish_run(run_id=run_id, at=at)
    if failures:
        raise failures[0]
    return len(swept)


def _settle(attempt_id: UUID, at: datetime) -> None:
    attempt = _claim_again(attempt_id, at)
    if attempt is not None and attempt.state == "sending":
        deliver(attempt=attempt, at=at)
    elif attempt is not None:
        look_up(attempt=attempt, at=at)


def confirm_not_sent(
    *, attempt: PayoutAttempt, by: User, seconded_by: User, at: datetime
) -> PayoutAttempt:
    """Two people declare that an unknown attempt never happened; a new one is readied. A sequence.

    Stripe is asked once more first, and a transfer that turns up is adopted instead; one that left
    for another account did not pay this expert. Raises StillUncertain within 24 h of the first
    call, SamePerson for one person alone.
    """
    if by.id == seconded_by.id:
        raise SamePerson("Two people have to confirm that a payout was not sent.")
    row = PayoutAttempt.objects.select_related("payout").get(id=attempt.id)
    is_early = row.first_sent_at is None or at - row.first_sent_at < PROVABLE_AFTER
    if row.state != "unknown" or is_early:
        raise StillUncertain("This payout may still turn up at Stripe. Look again after 24 hours.")
    found = look_up(attempt=row, at=at)
    if found is None or found.destination != row.payout.destination:
        refusal = Refused(f"confirmed by {by.id} and {seconded_by.id}", code="not_sent")
        outcomes.refuse(attempt_id=row.id, refusal=refusal, at=at)
        with transaction.atomic(durable=True):
            resume_payout(payout=row.payout, at=at)
    row.refresh_from_db()
    return row


@transaction.atomic(durable=True)
def _claim_again(attempt_id: UUID, at: datetime) -> PayoutAttempt | None:
    rows = PayoutAttempt.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    due = rows.filter(_is_due(at), id=attempt_id).select_related("payout")
    attempt = due.order_by("id").first()
    if attempt is None or attempt.first_sent_at is None:
        return None
    if at - attempt.first_sent_at < KEYS_HOLD:
        mark_sending(attempt=attempt, at=at)
        return attempt
    attempt.state, attempt.next_try_at = "unknown", at + LONGEST_PAUSE
    attempt.save(update_fields=["state", "next_try_at"])
    return attempt


def _due(at: datetime) -> QuerySet[PayoutAttempt]:
    return PayoutAttempt.objects.filter(_is_due(at)).order_by("id")[:SENDS_PER_JOB]


def _is_due(at: datetime) -> Q:
    return Q(state__in=["sending", "unknown"], next_try_at__lte=at, is_frozen=False)
