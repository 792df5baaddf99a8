"""Setting the price of a batch aside, drawing extra seats from its pool, giving back the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.organizations.models import Organization
from payouts.models import Posting, Reservation
from payouts.selectors.budgets import unposted_of
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.freezing import FREE, require_cover


class ReservationKeyReused(DomainError):
    """The reservation exists with another price. A bug of the caller."""

    code = "reservation_key_reused"
    status = 422


class ReservationClosed(DomainError):
    """The batch is closing or closed; its reservation takes no more seats."""

    code = "reservation_closed"
    status = 409


@transaction.atomic
def reserve(
    *,
    reservation_id: UUID,
    organization: Organization,
    subject_id: UUID,
    base: Money,
    pool: Money,
    quote: Mapping[str, Any],  # Any: the frozen price, JSON of the caller
    by: UUID,
    at: datetime,
) -> Reservation:
    """Set `base` (every seat) and `pool` (extra answers) aside from the project's budget.

    The same id with the same price returns the first reservation. Raises InsufficientBalance
    with the amounts when the budget is too small, FundsFrozen; then nothing is reserved.
    """
    total = base + pool
    known = _known(reservation_id, base, pool)
    if known:
        return known
    pots = {
        kind: account(
            kind,
            currency=total.currency,
            organization=organization,
            subject_id=subject_id if kind == "escrow" else reservation_id,
        )
        for kind in ("escrow", "reserved", "overrun")
    }
    key = f"reservation:{reservation_id}"
    require_cover(organization=organization, amount=total, of=FREE, key=key, at=at)
    posting = ledger.post(
        key=key,
        kind="reservation_made",
        currency=total.currency,
        legs=[
            ledger.Leg.debit(pots["escrow"], total),
            ledger.Leg.credit(pots["reserved"], base),
            ledger.Leg.credit(pots["overrun"], pool),
        ],
        effective_at=at,
        actor=by,
    )
    if not posting.is_new:  # a rival call with this id committed while ours waited for the key
        return Reservation.objects.get(id=reservation_id)
    reservation = Reservation.objects.create(
        id=reservation_id,
        organization=organization,
        subject_id=subject_id,
        currency=total.currency,
        base_minor=base.minor,
        pool_minor=pool.minor,
        quote=dict(quote),
        opened_by=by,
        opened_at=at,
        **pots,
    )
    _record("reservation.made", reservation, total, by, at)
    return reservation


@transaction.atomic
def draw_overrun(*, reservation: Reservation, amount: Money, key: str, at: datetime) -> Posting:
    """Pay for extra seats from the pool, once per key. Raises InsufficientBalance."""
    row = _lock_open(reservation)
    return ledger.post(
        key=f"draw:{key}",
        kind="overrun_drawn",
        currency=row.currency,
        legs=[ledger.Leg.debit(row.overrun, amount), ledger.Leg.credit(row.reserved, amount)],
        effective_at=at,
    )


@transaction.atomic
def raise_overrun(
    *, reservation: Reservation, amount: Money, by: UUID, key: str, at: datetime
) -> Posting:
    """Add to the pool from the project's budget, once per key.

    Raises InsufficientBalance, FundsFrozen.
    """
    row = _lock_open(reservation)
    require_cover(organization=row.organization, amount=amount, of=FREE, key=f"raise:{key}", at=at)
    return ledger.post(
        key=f"raise:{key}",
        kind="overrun_raised",
        currency=row.currency,
        legs=[ledger.Leg.debit(row.escrow, amount), ledger.Leg.credit(row.overrun, amount)],
        effective_at=at,
        actor=by,
    )


@transaction.atomic
def release_reservation(*, reservation: Reservation, keep: Money, at: datetime) -> Money:
    """Give the project back its pool and what is reserved above `keep` and unposted earnings.

    `keep` is what may still become due, read by the caller *before* this call: an approval that
    commits in between is then counted twice, never not at all. Call it again as verdicts become
    final; with nothing kept and nothing unposted the reservation is released. Returns what moved.
    """
    row = _lock(reservation)
    if row.state == "released":
        return Money(0, row.currency)
    locked = ledger.lock_accounts(account_ids=[row.reserved_id, row.overrun_id])
    owed = keep + unposted_of(reservation_id=row.id, currency=row.currency)
    held = Money(locked[row.reserved_id].balance_minor, row.currency)
    free = max(held - owed, Money(0, row.currency))
    pool = Money(locked[row.overrun_id].balance_minor, row.currency)
    if free + pool:
        _post_release(row, free, pool, at)
    _move(row, at, is_settled=not owed)
    return free + pool


def _post_release(row: Reservation, free: Money, pool: Money, at: datetime) -> None:
    row.releases += 1
    ledger.post(
        key=f"release:{row.id}:{row.releases}",
        kind="reservation_released",
        currency=row.currency,
        legs=[
            ledger.Leg.debit(row.reserved, free),
            ledger.Leg.debit(row.overrun, pool),
            ledger.Leg.credit(row.escrow, free + pool),
        ],
        effective_at=at,
    )
    _record("reservation.released", row, free + pool, None, at)


def _move(row: Reservation, at: datetime, *, is_settled: bool) -> None:
    if row.state == "open":
        row.state, row.closing_at = "closing", at
    if is_settled:
        require_transition(Reservation.TRANSITIONS, row, "released")
        row.state, row.released_at = "released", at
    row.save(update_fields=["state", "closing_at", "released_at", "releases"])


def _known(reservation_id: UUID, base: Money, pool: Money) -> Reservation | None:
    found = Reservation.objects.filter(id=reservation_id).order_by("id").first()
    if found is None:
        return None
    same = (found.base_minor, found.pool_minor, found.currency)
    if same != (base.minor, pool.minor, base.currency):
        raise ReservationKeyReused("This batch is already reserved at another price.")
    return found


def _lock(reservation: Reservation) -> Reservation:
    # NO KEY: approvals insert earnings that refer to this row.
    rows = Reservation.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("escrow", "reserved", "overrun").get(id=reservation.id)


def _lock_open(reservation: Reservation) -> Reservation:
    row = _lock(reservation)
    if row.state != "open":
        raise ReservationClosed(f"This batch is {row.state}; it takes no more seats.")
    return row


def _record(kind: str, row: Reservation, amount: Money, by: UUID | None, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="reservation",
        object_id=row.id,
        actor=by,
        organization=row.organization_id,
        project=row.subject_id,
        data={"minor": amount.minor, "currency": amount.currency},
    )
