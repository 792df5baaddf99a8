"""What the sandbox's Stripe has, and what could happen to each of it next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from marketplace.kit.money import Money
from payouts.models import SandboxObject

MOST = 50
# What is shown under each word, and which states of it have which buttons.
KINDS: dict[str, str] = {
    "payments": "charge",
    "debits": "checkout.session",
    "chargebacks": "dispute",
    "refunds": "refund",
    "transfers": "transfer",
    "bank": "payout",
}
_BUTTONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("charge", "paid"): ("warn_of_chargeback", "open_chargeback"),
    ("checkout.session", "processing"): ("settle_debit", "fail_debit"),
    ("dispute", "warning_needs_response"): ("escalate_chargeback", "lose_chargeback"),
    ("dispute", "needs_response"): ("win_chargeback", "lose_chargeback"),
    ("refund", "succeeded"): ("fail_refund",),
    ("transfer", "made"): ("reverse_transfer",),
    ("payout", "in_transit"): ("fail_bank",),
    ("payout", "paid"): ("fail_bank",),
    ("payout", "failed"): ("change_bank",),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """An object of the sandbox, its state in one word, and the buttons that fit it."""

    object_id: str
    amount: Money
    state: str
    made_at: datetime
    buttons: tuple[str, ...]


def happenings(show: str) -> list[Happening]:
    """The newest objects of a kind, one of KINDS; of the debits those that wait for their bank."""
    type_ = KINDS[show]
    rows = SandboxObject.objects.filter(type=type_)
    if type_ == "charge":
        rows = rows.filter(account="")
    if type_ == "checkout.session":
        intents = SandboxObject.objects.filter(type="payment_intent", body__status="processing")
        waiting = intents.order_by("-position").values_list("object_id", flat=True)[:MOST]
        rows = rows.filter(body__payment_intent__in=list(waiting))
    return list(_read(type_, list(rows.order_by("-position")[:MOST])))


def _read(type_: str, rows: list[SandboxObject]) -> Iterator[Happening]:
    for row in rows:
        amount = row.body["amount_total" if type_ == "checkout.session" else "amount"]
        state = _state(row)
        yield Happening(
            object_id=row.object_id,
            amount=Money(amount, str(row.body["currency"]).upper()),
            state=state,
            made_at=row.created_at,
            buttons=_BUTTONS.get((type_, state), ()),
        )


def _state(row: SandboxObject) -> str:
    body = row.body
    if row.type == "charge":
        return "disputed" if body.get("disputed") else "paid"
    if row.type == "checkout.session":
        return "processing"
    if row.type == "transfer":
        return "reversed" if body.get("reversed") else "made"
    return "sent_again" if body.get("sent_again") else str(body["status"])
