"""Where taken money comes from, by the earning's own state, and whom it goes back to."""

from __future__ import annotations

from datetime import datetime

from marketplace.events.services.recording import record
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from payouts.models import Account, Clawback, Earning, PayrollItem, Reservation
from payouts.selectors.clawbacks import left_of, root_of
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.freezing import WALLET, require_cover


def lock_batch(*, earning: Earning) -> Reservation | None:
    """The reservation behind an earning, locked: reservations come before earnings."""
    if earning.reservation_id is None:
        return None
    rows = Reservation.objects.select_related("reserved", "escrow")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=earning.reservation_id)


def take(
    *,
    clawback: Clawback,
    earning: Earning,
    batch: Reservation | None,
    by: User,
    at: datetime,
) -> Money:
    """Move a decided clawback's money, batch and earning locked; what the expert owes of it.

    An earning that no round has posted is voided without a posting: nothing has moved yet. Pay
    that an employer has paid comes out of the employer's wallet, which got it back then. Raises
    FundsFrozen and InsufficientBalance where that is not there any more.
    """
    amount = Money(clawback.amount_minor, earning.currency)
    is_void = earning.state == "pending" and amount.minor == earning.pay_minor
    is_whole = amount == left_of(earning)
    there = 0 if earning.state == "paid" else min(amount.minor, earning.payable_minor)
    rest, fee = amount.minor - there, clawback.fee_minor
    owed = 0 if earning.pay_channel == "payroll" else rest
    if earning.posting_id is not None:
        client = _client(earning, batch if is_void else None)
        legs = [
            *_from_expert(earning, there, owed),
            *_from_employer(clawback, earning, Money(rest - owed, amount.currency), at),
            ledger.Leg(account("platform_revenue", currency=amount.currency), "D", fee),
            ledger.Leg(client, "C", amount.minor + fee),
        ]
        ledger.post(
            key=f"void:{earning.id}" if is_void else f"clawback:{clawback.id}",
            kind="earning_voided" if is_void else "clawed_back",
            currency=amount.currency,
            legs=legs,
            effective_at=at,
            actor=by.pk,
        )
    earning.clawed_minor += min(amount.minor, earning.payable_minor)
    if is_whole:
        require_transition(Earning.TRANSITIONS, earning, "voided" if is_void else "clawed_back")
        earning.state = "voided" if is_void else "clawed_back"
    earning.save(update_fields=["clawed_minor", "state"])
    if is_void:
        _record_void(clawback, earning, by, at)
    return Money(owed, earning.currency)


def _from_expert(earning: Earning, there: int, owed: int) -> list[ledger.Leg]:
    currency, expert = earning.currency, earning.expert
    held = "expert_pending" if earning.state == "pending" else "expert_available"
    return [
        ledger.Leg(account(held, currency=currency, expert=expert), "D", there),
        ledger.Leg(account("expert_receivable", currency=currency, expert=expert), "D", owed),
    ]


def _from_employer(
    clawback: Clawback, earning: Earning, amount: Money, at: datetime
) -> list[ledger.Leg]:
    if not amount:
        return []
    items = PayrollItem.objects.select_related("line__export__organization")
    employer = items.get(earning=earning, is_live=True).line.export.organization
    key = f"clawback:{clawback.id}"
    require_cover(organization=employer, amount=amount, of=WALLET, key=key, at=at)
    wallet = account("wallet", currency=amount.currency, organization=employer)
    return [ledger.Leg.debit(wallet, amount)]


def _client(earning: Earning, batch: Reservation | None) -> Account:
    """Back to the batch while it is open, else to the project, else to the operator."""
    if batch is not None and batch.state == "open":
        return batch.reserved
    return root_of(earning).escrow or account("platform_expense", currency=earning.currency)


def _record_void(clawback: Clawback, earning: Earning, by: User, at: datetime) -> None:
    record(
        "earning.voided",
        at=at,
        object_kind="earning",
        object_id=earning.pk,
        actor=by.pk,
        expert=earning.expert_id,
        data={
            "clawback": str(clawback.pk),
            "minor": clawback.amount_minor,
            "currency": earning.currency,
        },
    )
