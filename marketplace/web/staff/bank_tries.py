"""The tries of a payout to reach a bank, where that is ours to do, and what may be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from marketplace.kit.errors import InvalidInput, NotFound
from marketplace.kit.money import Money
from marketplace.people.models import User
from payouts.models import LIVE_ATTEMPT, BankAttempt, Payout, Proposal
from payouts.services import bank_retrying
from payouts.services.bank_attempts import PAYABLE_STATES
from payouts.services.bank_schedules import we_pay_banks

ASKED = "A second person decides now; it waits under Second person."


def bank_tries_of(payout: Payout) -> list[BankAttempt]:
    """The newest first; none before the transfer."""
    return list(payout.bank_attempts.order_by("-number")) if payout.transfer_id else []


def bank_context(
    payout: Payout, tries: Sequence[BankAttempt], waiting: Sequence[Proposal], *, acts: bool
) -> dict[str, Any]:  # Any: template values
    """What the page shows of the way to the bank."""
    is_alive = any(each.state in LIVE_ATTEMPT for each in tries)
    # One that was refused for now, or never tried, goes by itself.
    is_over = payout.state == "bank_failed" and not is_alive and not _goes_by_itself(tries)
    is_unasked = payout.state == "transferred" and not tries and not _is_ours(payout)
    may_send = we_pay_banks() and payout.state in PAYABLE_STATES and (is_over or is_unasked)
    doubtful = any(each.state == "unknown" for each in tries)
    return {
        "we_pay_banks": we_pay_banks(),
        "bank_tries": [(each, Money(each.amount_minor, each.currency)) for each in tries],
        "may_send_to_bank": acts and may_send,
        "may_doubt_bank": acts and doubtful and not waiting,
    }


def _goes_by_itself(tries: Sequence[BankAttempt]) -> bool:
    return bool(tries) and tries[0].next_try_at is not None


def _is_ours(payout: Payout) -> bool:
    since = payout.payee.manual_at
    return since is not None and since <= (payout.transferred_at or since)


def _send(_request: HttpRequest, found: Payout, by: User, at: datetime) -> str:
    bank_retrying.send_again(payout=found, by=by, at=at)
    return "It is sent to the bank within a minute."


def _doubt(request: HttpRequest, found: Payout, by: User, at: datetime) -> str:
    unknown = [each for each in bank_tries_of(found) if each.state == "unknown"]
    why = request.POST.get("why", "").strip()
    if not unknown:
        raise NotFound("No try to reach the bank is unknown.")
    if not why:
        raise InvalidInput("Write why.", errors=[])
    bank_retrying.propose_not_paid(attempt=unknown[0], why=why, by=by, at=at)
    return ASKED


BANK_ACTS: dict[str, Callable[[HttpRequest, Payout, User, datetime], str]] = {
    "bank-again": _send,
    "bank-not-made": _doubt,
}
