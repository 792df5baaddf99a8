"""An approved unit of work becomes an expert's money."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import Account, Earning, Posting, Reservation
from payouts.services import ledger
from payouts.services.accounts import account


class EarningKeyReused(DomainError):
    """This unit of work has already been credited with other terms. A bug of the caller."""

    code = "earning_key_reused"
    status = 422


@transaction.atomic
def credit(  # noqa: PLR0913 the terms of one earning
    *,
    key: str,
    expert: Expert,
    pay: Money,
    fee: Money,
    reservation: Reservation,
    pay_channel: str,
    hold: timedelta,
    at: datetime,
    cap: Money | None = None,
    seconds: int | None = None,
) -> Earning:
    """Credit approved work from the batch's reservation, once per key.

    One insert, no ledger row: the next round posts it (MONEY 4). The expert sees it at once.
    `cap` is what the seat holds, pay and fee at most; `seconds` is the measured time. Raises
    EarningKeyReused when the key stands for other terms.
    """
    earning = _new(key, expert, pay, fee, pay_channel)
    earning.cap_minor, earning.seconds = (cap or pay + fee).minor, seconds
    earning.escrow_id = reservation.escrow_id
    earning.reservation = reservation
    earning.earned_at, earning.available_at = at, at + hold
    found = _insert(earning)
    if found.id == earning.id:
        _record(found, reservation.organization_id, reservation.subject_id, at)
    return found


@transaction.atomic
def credit_now(
    *,
    key: str,
    expert: Expert,
    pay: Money,
    fee: Money,
    source: Account,
    pay_channel: str,
    hold: timedelta,
    at: datetime,
) -> Earning:
    """Credit something with no reservation behind it (a bonus, a paid test) and post it at once.

    `source` is the account that pays: a project's escrow, a pool or platform_expense. Once per
    key. Raises InsufficientBalance, EarningKeyReused.
    """
    earning = _new(key, expert, pay, fee, pay_channel)
    earning.escrow = source if source.kind == "escrow" else None
    earning.earned_at, earning.available_at = at, at + hold
    if Earning.objects.filter(key=key).exists():
        return _first(earning)
    earning.posting = _post_now(earning, expert, source, at)
    if not earning.posting.is_new:  # a rival call won while ours waited for the posting's key
        return _first(earning)
    found = _insert(earning)
    _record(found, source.organization_id, source.subject_id, at)
    return found


def _new(key: str, expert: Expert, pay: Money, fee: Money, pay_channel: str) -> Earning:
    return Earning(
        id=uuid7(),
        key=key,
        expert=expert,
        currency=pay.currency,
        pay_minor=pay.minor,
        fee_minor=fee.minor,
        cap_minor=(pay + fee).minor,
        pay_channel=pay_channel,
    )


def _post_now(earning: Earning, expert: Expert, source: Account, at: datetime) -> Posting:
    currency = earning.currency
    pending = account("expert_pending", currency=currency, expert=expert)
    revenue = account("platform_revenue", currency=currency)
    return ledger.post(
        key=f"earning:{earning.key}",
        kind="earning_posted_now",
        currency=currency,
        legs=[
            ledger.Leg(source, "D", earning.pay_minor + earning.fee_minor),
            ledger.Leg(pending, "C", earning.pay_minor),
            ledger.Leg(revenue, "C", earning.fee_minor),
        ],
        effective_at=at,
    )


def _insert(wanted: Earning) -> Earning:
    Earning.objects.bulk_create([wanted], ignore_conflicts=True)
    return _first(wanted)


def _first(wanted: Earning) -> Earning:
    found = Earning.objects.get(key=wanted.key)
    terms = ["expert_id", "currency", "pay_minor", "fee_minor", "reservation_id", "pay_channel"]
    if any(getattr(found, term) != getattr(wanted, term) for term in terms):
        raise EarningKeyReused(
            f"{wanted.key} has already been credited with other terms.", key=wanted.key
        )
    return found


def _record(
    earning: Earning, organization: UUID | None, project: UUID | None, at: datetime
) -> None:
    record(
        "earning.recorded",
        at=at,
        object_kind="earning",
        object_id=earning.id,
        expert=earning.expert_id,
        organization=organization,
        project=project,
        data={"key": earning.key, "minor": earning.pay_minor, "currency": earning.currency},
    )
