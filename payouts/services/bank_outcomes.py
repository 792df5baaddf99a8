"""How a try to pay a bank ended, and what Stripe sees of it. The ledger does not change here."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from payouts.gateways.port import BankPayout, GatewayError, Refused
from payouts.models import BankAttempt, Payout, StripeEvent
from payouts.services.attempts import end_attempt, pause_attempt, unclaim_attempt
from payouts.services.breaking import open_break
from payouts.services.holding import lock_payout, move, note
from payouts.services.pacing import back_off

logger = logging.getLogger(__name__)
# Stripe's own states of a bank payout, and ours. A paid one may still fail within five days.
SEEN = {
    "pending": "bank_pending",
    "in_transit": "bank_pending",
    "paid": "paid",
    "failed": "bank_failed",
    "canceled": "bank_failed",
}
TOO_LITTLE, NOT_SENT = "balance_insufficient", "not_sent"
MOST_TOO_LITTLE = 12  # tries with growing pauses, about six hours
LOOK_AGAIN = timedelta(hours=6)


@transaction.atomic(durable=True)
def succeed(*, attempt_id: UUID, seen: BankPayout, at: datetime) -> BankAttempt:
    """Stripe made the bank payout; the payout goes where this one is. Once, whoever says so.

    One of another amount freezes the attempt for a person. One of a try that was said not to be
    sent takes the place of what was readied since, or opens a Break if that was sent too.
    """
    attempt, payout = _lock(attempt_id)
    if _is_over(attempt):
        return _doubt(attempt, seen, at)
    is_known = attempt.provider_id == seen.payout_id
    if not is_known and seen.amount != Money(attempt.amount_minor, attempt.currency):
        logger.error("A bank payout is not what was asked for", extra={"key": attempt.key})
        differs = GatewayError(f"{seen.payout_id} pays {seen.amount}", code="payout_differs")
        return _freeze(attempt, payout, differs, at)
    return _take(attempt, payout, seen, at)


@transaction.atomic(durable=True)
def adopt(*, attempt_id: UUID, seen: BankPayout, at: datetime) -> BankAttempt:
    """Take over what Stripe made of a try, as two people want; another amount opens a Break."""
    attempt, payout = _lock(attempt_id)
    if _is_over(attempt):
        return _doubt(attempt, seen, at)
    asked = Money(attempt.amount_minor, attempt.currency)
    if attempt.state != "succeeded" and seen.amount != asked:
        _open(attempt, seen, "amount_mismatch", f"pays {seen.amount} for {asked}", at)
    return _take(attempt, payout, seen, at)


def _take(attempt: BankAttempt, payout: Payout, seen: BankPayout, at: datetime) -> BankAttempt:
    if attempt.state != "succeeded":
        _set_aside(attempt, at)
        end_attempt(attempt=attempt, state="succeeded", at=at, provider_id=seen.payout_id)
    attempt.bank_account = seen.bank_account
    if SEEN[seen.state] == "bank_failed":
        require_transition(BankAttempt.TRANSITIONS, attempt, "returned")
        attempt.state, attempt.error_code = "returned", seen.why
    attempt.next_try_at = _next_look(attempt, seen, at)
    attempt.save(update_fields=["bank_account", "state", "error_code", "next_try_at"])
    take_over(payout=payout, seen=seen, at=at)
    return attempt


@transaction.atomic(durable=True)
def refuse(*, attempt_id: UUID, refusal: Refused, at: datetime) -> BankAttempt:
    """Definitively not made. A new try with a new key follows where one may help.

    Too little in the expert's Stripe balance is asked again later, some hours long. Anything else
    is the expert's to mend, at the bank or at Stripe.
    """
    attempt, payout = _lock(attempt_id)
    if attempt.state not in {"sending", "unknown"}:
        return attempt
    end_attempt(
        attempt=attempt, state="rejected", at=at, code=refusal.code, message=refusal.message
    )
    if refusal.code == NOT_SENT:
        attempt.next_try_at = at
    elif refusal.code == TOO_LITTLE and attempt.number < MOST_TOO_LITTLE:
        attempt.next_try_at = at + back_off(key=attempt.key, sends=attempt.number)
    else:
        follow(payout=payout, target="bank_failed", why=refusal.code or refusal.message, at=at)
        attempt.next_try_at = at if has_new_bank(attempt=attempt) else None
    attempt.save(update_fields=["next_try_at"])
    return attempt


@transaction.atomic(durable=True)
def forget_answer(*, attempt_id: UUID, error: GatewayError, at: datetime) -> None:
    """We do not know: the same key again or a look-up, never another payout."""
    attempt, _ = _lock(attempt_id)
    if attempt.state == "sending":
        attempt.state = "unknown"
        _pause(attempt, error, at)


@transaction.atomic(durable=True)
def postpone(*, attempt_id: UUID, error: GatewayError, at: datetime) -> None:
    """Stripe is busy: the same key again, later."""
    attempt, _ = _lock(attempt_id)
    if attempt.state == "sending":
        _pause(attempt, error, at)


@transaction.atomic(durable=True)
def freeze(*, attempt_id: UUID, error: GatewayError, at: datetime) -> None:
    """The key stands for another body: nothing is sent or replaced until a person has looked."""
    attempt, payout = _lock(attempt_id)
    _freeze(attempt, payout, error, at)


@transaction.atomic(durable=True)
def take_back(*, attempt_id: UUID, at: datetime) -> None:
    """Our key or permission is wrong: a first call is as if it never had been claimed."""
    attempt, _ = _lock(attempt_id)
    if attempt.state == "sending" and attempt.sends == 1:
        unclaim_attempt(attempt=attempt)
        attempt.next_try_at = at
        attempt.save(update_fields=["next_try_at"])


def take_over(*, payout: Payout, seen: BankPayout, at: datetime) -> None:
    """Take a locked payout where this bank payout is, if that says something new of it."""
    if _is_newest(payout, seen):
        follow(payout=payout, target=SEEN[seen.state], why=seen.why, at=at)


def follow(*, payout: Payout, target: str, why: str, at: datetime) -> None:
    """Move a locked payout to what is seen at the bank; messages may come in any order."""
    if payout.state in {target, "reversed"}:
        return
    if payout.state == "paid" and target != "bank_failed":
        return  # only a failure undoes paid
    if target in {"paid", "bank_failed"} and payout.state in {"transferred", "bank_failed"}:
        move(payout=payout, state="bank_pending", why="")
    move(payout=payout, state=target, why=why)
    if target == "paid":
        payout.paid_at = at
        payout.save(update_fields=["paid_at"])
        note(kind="payout.paid", payout=payout, at=at)
    elif target == "bank_failed":
        note(kind="payout.bank_failed", payout=payout, at=at)


def _is_newest(payout: Payout, seen: BankPayout) -> bool:
    """Whether this bank payout still says something new; then the payout follows it.

    One that failed is over, whatever is read of it later: its money goes on in another one.
    """
    if payout.bank_payout_id == seen.payout_id:
        return payout.state != "bank_failed"
    if payout.bank_payout_id and SEEN[seen.state] == "bank_failed":
        return False
    if payout.state == "paid":  # the earlier one must have failed, and we were not told
        move(payout=payout, state="bank_failed", why="")
    payout.bank_payout_id = seen.payout_id
    payout.save(update_fields=["bank_payout_id"])
    return True


def _lock(attempt_id: UUID) -> tuple[BankAttempt, Payout]:
    payout_id = BankAttempt.objects.values_list("payout", flat=True).get(id=attempt_id)
    payout = lock_payout(payout_id=payout_id)
    return BankAttempt.objects.select_for_update(no_key=True).get(id=attempt_id), payout


def _siblings(attempt: BankAttempt, *states: str) -> list[BankAttempt]:
    rows = BankAttempt.objects.filter(payout=attempt.payout_id, state__in=states)
    return list(rows.exclude(id=attempt.id).order_by("number"))


def _next_look(attempt: BankAttempt, seen: BankPayout, at: datetime) -> datetime | None:
    if attempt.state == "returned":
        return at if has_new_bank(attempt=attempt) else None
    return at + LOOK_AGAIN if SEEN[seen.state] == "bank_pending" else None


def has_new_bank(*, attempt: BankAttempt) -> bool:
    """Whether the expert gave another bank account while the try was on its way."""
    told = StripeEvent.objects.filter(
        account=attempt.payout.destination,
        kind="account.external_account.created",
        received_at__gte=attempt.first_sent_at or attempt.ended_at,
    )
    return told.exclude(object_id=attempt.bank_account).exists()


def _is_over(attempt: BankAttempt) -> bool:
    is_double = attempt.state == "rejected" and _siblings(
        attempt, "sending", "unknown", "succeeded"
    )
    return attempt.state == "returned" or bool(is_double)


def _set_aside(attempt: BankAttempt, at: datetime) -> None:
    for other in _siblings(attempt, "created"):
        end_attempt(attempt=other, state="rejected", at=at, code="superseded")
    BankAttempt.objects.filter(payout=attempt.payout_id, state="rejected").update(next_try_at=None)


def _doubt(attempt: BankAttempt, seen: BankPayout, at: datetime) -> BankAttempt:
    """A word about a try that is over. Two payouts for one are a person's to explain."""
    if attempt.state == "rejected":
        logger.error("A bank may be paid twice", extra={"key": attempt.key})
        said = f"pays {attempt.key}, which was said not to be sent"
        _open(attempt, seen, "duplicate_provider_object", said, at)
    return attempt


def _open(attempt: BankAttempt, seen: BankPayout, kind: str, said: str, at: datetime) -> None:
    open_break(
        kind=kind,
        ref=seen.payout_id,
        currency=seen.amount.currency,
        expected_minor=0 if attempt.state == "rejected" else -attempt.amount_minor,
        found_minor=-seen.amount.minor,
        detail=f"{seen.payout_id} {said}.",
        at=at,
    )


def _freeze(attempt: BankAttempt, payout: Payout, error: GatewayError, at: datetime) -> BankAttempt:
    if not attempt.is_frozen and attempt.state in {"sending", "unknown"}:
        attempt.state, attempt.is_frozen = "unknown", True
        _pause(attempt, error, at)
        note(kind="payout.frozen", payout=payout, at=at)
    return attempt


def _pause(attempt: BankAttempt, error: GatewayError, at: datetime) -> None:
    pause_attempt(attempt=attempt, error=error, at=at)
    attempt.save(update_fields=["state", "is_frozen", "next_try_at", "error_code", "error_message"])
