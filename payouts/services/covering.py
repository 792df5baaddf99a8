"""When a reservation cannot pay what it owes. It must not happen; the expert is paid anyway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from marketplace.events.services.recording import record
from payouts.models import Account, Break, Reservation
from payouts.services import ledger
from payouts.services.accounts import account


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
            _open_break(row, owed=amount, present=present, round_key=round_key, at=at)
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


def _open_break(
    reservation: Reservation, *, owed: int, present: int, round_key: str, at: datetime
) -> None:
    found = Break.objects.create(
        kind="earning_unfunded",
        ref=f"{reservation.id}:{round_key}",
        currency=reservation.currency,
        expected_minor=owed,
        found_minor=present,
        detail="A batch's reservation did not cover its approved work; the experts were paid.",
        opened_at=at,
    )
    record(
        "break.opened",
        at=at,
        object_kind="break",
        object_id=found.id,
        organization=reservation.organization_id,
        project=reservation.subject_id,
        data={
            "kind": found.kind,
            "expected": owed,
            "found": present,
            "currency": found.currency,
        },
    )
