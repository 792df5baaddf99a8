"""When a reservation cannot pay what it owes. It must not happen; the expert is paid anyway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from payouts.models import Account, Reservation
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.breaking import open_break


def cover(
    *,
    owed: Mapping[Reservation, int],
    credited: Iterable[ledger.Leg],
    round_key: str,
    at: datetime,
) -> list[ledger.Leg]:
    """The debits that pay a round: reserved, then the pool, the project's budget, the operator.

    What is left of an account is shared by all reservations of the round. Every account of the
    round is locked here, in one order, and each reservation that falls short opens a Break.
    """
    rows = list(owed)
    expense = account("platform_expense", currency=rows[0].currency)
    pots = {pot for row in rows for pot in _pots(row)}
    locked = ledger.lock_accounts(
        account_ids={*pots, expense.id, *(leg.account.id for leg in credited)}
    )
    left = {pot: locked[pot].balance_minor for pot in pots}
    legs = []
    for row, amount in owed.items():
        present = left[row.reserved_id]
        legs += _draw(row, amount, left=left, locked=locked, last=expense)
        if present < amount:
            open_break(
                kind="earning_unfunded",
                ref=f"{row.id}:{round_key}",
                currency=row.currency,
                expected_minor=amount,
                found_minor=present,
                detail="A reservation did not cover its approved work; the experts were paid.",
                at=at,
                organization=row.organization_id,
                project=row.subject_id,
            )
    return legs


def _pots(reservation: Reservation) -> tuple[UUID, UUID, UUID]:
    return reservation.reserved_id, reservation.overrun_id, reservation.escrow_id


def _draw(
    reservation: Reservation,
    amount: int,
    *,
    left: dict[UUID, int],
    locked: Mapping[UUID, Account],
    last: Account,
) -> list[ledger.Leg]:
    legs, rest = [], amount
    for pot in _pots(reservation):
        part = min(rest, left[pot])
        legs.append(ledger.Leg(locked[pot], "D", part))
        left[pot] -= part
        rest -= part
    return [*legs, ledger.Leg(last, "D", rest)]
