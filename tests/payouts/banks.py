"""Experts whose banks we pay ourselves, and what really left for a bank."""

from __future__ import annotations

from datetime import datetime

from marketplace.kit.ids import uuid7
from payouts.models import BankAttempt, Payout, SandboxObject
from payouts.services import bank_paying, sandboxing
from tests.payouts import make
from tests.payouts.make import NOON, usd


def transferred(pay: int = 5000, country: str = "US") -> Payout:
    """A payout whose transfer is in the expert's Stripe balance."""
    client = make.stocked(usd(100_000))
    make.earned(make.onboarded(country), pay, client=client)
    return make.send(make.approved_run())


def paid(payout: Payout, at: datetime = NOON) -> Payout:
    """The payout after one tick."""
    bank_paying.pay_banks(at=at, watch=make.still(at))
    payout.refresh_from_db()
    return payout


def last_try(payout: Payout) -> BankAttempt:
    last = payout.bank_attempts.order_by("number").last()
    assert last is not None
    return last


def tries(payout: Payout) -> list[str]:
    return list(payout.bank_attempts.order_by("number").values_list("state", flat=True))


def left() -> list[int]:
    """The amounts that really left for banks, in order."""
    rows = SandboxObject.objects.filter(type="payout").exclude(account="").order_by("position")
    return [row.body["amount"] for row in rows]


def fault(kind: str, times: int = 1) -> None:
    """The next bank payouts go wrong in this way."""
    make.fault_at(kind, "/v1/payouts", times)


def press(button: str, object_id: str) -> None:
    """Let it happen at the sandbox; its messages wait."""
    sandboxing.press(button=button, object_id=object_id, by=uuid7(), at=NOON)
