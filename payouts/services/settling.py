"""A transfer that exists: the payout is sent, its earnings are paid, the books say what left."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from payouts.gateways.port import Transfer
from payouts.models import Break, Earning, Payout, PayoutAttempt
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.attempts import end_attempt, group_of
from payouts.services.holding import PAID_LATE, lock_payout, move
from payouts.services.holding import note as tell
from payouts.services.owing import Return, owe_again

PAID_FROM = {"stripe": "psp_clearing", "bank_file": "platform_bank"}
# How a payout that waits comes to rest, so that a transfer which turned up can be booked.
_TO_HELD = {"rejected": ("reserved", "held"), "reserved": ("held",), "held": ()}
_MAY_HAVE_LEFT = ("sending", "unknown", "succeeded")


def lock_attempt(*, attempt_id: UUID) -> tuple[PayoutAttempt, Payout]:
    """An attempt and its payout, held until the transaction ends."""
    payout_id = PayoutAttempt.objects.values_list("payout", flat=True).get(id=attempt_id)
    payout = lock_payout(payout_id=payout_id)
    return PayoutAttempt.objects.select_for_update(no_key=True).get(id=attempt_id), payout


def is_as_asked(*, attempt: PayoutAttempt, payout: Payout, transfer: Transfer) -> bool:
    """Whether a transfer is this attempt's in amount, destination and metadata."""
    asked = (Money(payout.amount_minor, payout.currency), payout.destination)
    marks = (group_of(payout=payout), str(attempt.number))
    return (transfer.amount, transfer.destination) == asked and (
        (transfer.group, transfer.attempt) == marks
    )


def waits(*, payout: Payout) -> bool:
    """Whether nothing of a locked payout is or may be sent, so that a late transfer is its only."""
    sent = payout.attempts.filter(state__in=_MAY_HAVE_LEFT)
    return payout.state in _TO_HELD and not sent.exists()


def is_explained(*, ref: str) -> bool:
    """Whether two people have booked this movement some other way already."""
    known = Break.objects.filter(kind__in=["missing_in_ledger", "amount_mismatch"], ref=ref)
    return known.filter(approved_by__isnull=False).exists()


def set_aside(*, payout: Payout, at: datetime) -> None:
    """Rest a waiting payout for a transfer that turned up; what was readied is never sent."""
    for state in _TO_HELD[payout.state]:
        move(payout=payout, state=state, why=PAID_LATE)
    for row in payout.attempts.filter(state="created").order_by("number"):
        end_attempt(attempt=row, state="rejected", at=at, code="paid_by_an_earlier_try")


def settle(
    *,
    attempt: PayoutAttempt,
    payout: Payout,
    transfer: Transfer,
    at: datetime,
    by: UUID | None = None,
) -> None:
    """Take a transfer over as the success of a locked attempt; the caller knows that it is its.

    Of another amount than was asked for: what is missing is available again, what is too much is
    owed. Raises IllegalTransition where the payout was sent or given back.
    """
    asked = Money(payout.amount_minor, payout.currency)
    end_attempt(attempt=attempt, state="succeeded", at=at, provider_id=transfer.transfer_id)
    require_transition(Payout.TRANSITIONS, payout, "transferred")
    payout.state, payout.why = "transferred", ""
    payout.transfer_id, payout.transferred_at = transfer.transfer_id, at
    payout.sent_minor = None if transfer.amount == asked else transfer.amount.minor
    payout.save(update_fields=["state", "why", "transfer_id", "transferred_at", "sent_minor"])
    paid = Earning.objects.filter(items__payout=payout, items__is_live=True, state="reserved")
    paid.update(state="paid")
    _book(attempt, payout, transfer, asked, at, by)
    tell(kind="payout.sent", payout=payout, at=at, by=by)


def _book(
    attempt: PayoutAttempt,
    payout: Payout,
    transfer: Transfer,
    asked: Money,
    at: datetime,
    by: UUID | None,
) -> None:
    currency, sent = asked.currency, transfer.amount
    moving = account("payout_in_transit", currency=currency, expert=payout.expert)
    legs = [ledger.Leg.debit(moving, min(asked, sent))]
    if sent > asked:
        owed = account("expert_receivable", currency=currency, expert=payout.expert)
        legs.append(ledger.Leg.debit(owed, sent - asked))
    paying = account(PAID_FROM[attempt.rail], currency=currency)
    ledger.post(
        key=f"transfer:{attempt.id}",
        kind="transfer_made",
        currency=currency,
        legs=[*legs, ledger.Leg.credit(paying, sent)],
        effective_at=at,
        actor=by,
        external_ref=transfer.transfer_id,
    )
    if sent < asked:
        rest = Return(f"{attempt.id}:rest", "sent_less", "")
        sources = [ledger.Leg.debit(moving, asked - sent)]
        owe_again(payout=payout, sources=sources, back=rest, at=at, by=by)
