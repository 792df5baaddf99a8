"""The ledger follows the approvals in rounds: one posting for many earnings (MONEY 4)."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import TruncDate

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from payouts.models import Earning, Posting, Reservation
from payouts.services import ledger
from payouts.services.accounts import account, expert_accounts
from payouts.services.covering import cover
from payouts.services.debts import settle_debts

logger = logging.getLogger(__name__)
ROUND_SIZE = 500
LONGEST_TICK_S = 20
Queue = tuple[UUID, str, date]


class Unposted(NamedTuple):
    """What a round reads of an earning."""

    id: UUID
    expert_id: UUID
    reservation_id: UUID
    pay_minor: int
    fee_minor: int
    earned_at: datetime


def post_earnings(*, at: datetime) -> int:
    """Post every unposted earning, in rounds of one project, currency and UTC day.

    A sequence: one durable transaction a round, the queues in turn. A second poster stops at
    once, because two only wait for each other. Stops after 20 s; the next tick goes on. Returns
    the earnings posted; raises at the end what stopped a queue, which stops no other.
    """
    stop, posted = time.monotonic() + LONGEST_TICK_S, 0
    queues, errors = deque(_queues()), list[Exception]()
    while queues and time.monotonic() < stop:
        queue = queues.popleft()
        try:
            with transaction.atomic(durable=True):
                size = _post_round(queue, at) if _is_only_poster() else 0
        except (DomainError, IntegrityError, LookupError, RuntimeError) as error:
            logger.exception("A queue of earnings cannot be posted")
            errors.append(error)
            continue
        posted += size
        if size == ROUND_SIZE:
            queues.append(queue)
    if errors:
        raise ExceptionGroup("earnings cannot be posted", errors)
    return posted


def release_holds(*, at: datetime) -> int:
    """Make the earnings whose hold is over available to pay out. A sequence, like the above.

    What an expert owes is netted from it at once.
    """
    released = 0
    while True:
        with transaction.atomic(durable=True):
            size = _release_round(at)
        released += size
        if size < ROUND_SIZE:
            break
    settle_debts(at=at)
    return released


def release_early(*, earnings: Sequence[Earning], at: datetime) -> None:
    """End the hold of these locked, posted earnings of one currency now instead of later."""
    _release(earnings, earnings[0].currency, at)
    ids = [earning.id for earning in earnings]
    Earning.objects.filter(id__in=ids).update(state="available", available_at=at)


def _queues() -> list[Queue]:
    rows = Earning.objects.filter(posting=None, state="pending", escrow__isnull=False)
    days = rows.annotate(day=TruncDate("earned_at", tzinfo=UTC))
    found = days.values_list("escrow_id", "currency", "day").distinct()
    return [
        (escrow, currency, day)
        for escrow, currency, day in found.order_by("escrow_id", "currency", "day")
    ]


def _is_only_poster() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('payouts.post_earnings'))")
        return bool(cursor.fetchone()[0])


def _post_round(queue: Queue, at: datetime) -> int:
    escrow_id, currency, day = queue
    rows = (
        Earning.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(posting=None, state="pending", escrow=escrow_id, currency=currency)
        .filter(earned_at__date=day)
        .order_by("id")
        .values_list(*Unposted._fields)[:ROUND_SIZE]
    )
    earnings = [Unposted(*row) for row in rows]
    if not earnings:
        return 0
    posting = _post(earnings, currency, at)
    ids = [earning.id for earning in earnings]
    changed = Earning.objects.filter(id__in=ids, posting=None).update(posting=posting)
    if changed != len(earnings):
        raise RuntimeError("a round must take every earning it locked")
    return changed


def _post(earnings: Sequence[Unposted], currency: str, at: datetime) -> Posting:
    key = f"round:{fingerprint(ids=[earning.id for earning in earnings])}"
    write = partial(
        ledger.post,
        key=key,
        kind="earnings_posted",
        currency=currency,
        effective_at=max(earning.earned_at for earning in earnings),
    )
    credited, owed = _credits(earnings, currency), _owed(earnings)
    debited = [ledger.Leg(row.reserved, "D", amount) for row, amount in owed.items()]
    try:
        return write(legs=[*debited, *credited])
    except ledger.InsufficientBalance:
        logger.exception("A reservation cannot cover its earnings; others pay")
        debited = cover(owed=owed, credited=credited, round_key=key, at=at)
        return write(legs=[*debited, *credited])


def _owed(earnings: Sequence[Unposted]) -> dict[Reservation, int]:
    sums: dict[UUID, int] = defaultdict(int)
    for earning in earnings:
        sums[earning.reservation_id] += earning.pay_minor + earning.fee_minor
    rows = Reservation.objects.select_related("reserved").in_bulk(sums)
    return {rows[reservation]: amount for reservation, amount in sums.items()}


def _credits(earnings: Sequence[Unposted], currency: str) -> list[ledger.Leg]:
    pays: dict[UUID, int] = defaultdict(int)
    for earning in earnings:
        pays[earning.expert_id] += earning.pay_minor
    pending = expert_accounts(kind="expert_pending", currency=currency, experts=pays)
    fees = sum(earning.fee_minor for earning in earnings)
    revenue = account("platform_revenue", currency=currency)
    experts = [ledger.Leg(pending[expert], "C", pay) for expert, pay in pays.items()]
    return [*experts, ledger.Leg(revenue, "C", fees)]


def _release_round(at: datetime) -> int:
    rows = (
        Earning.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(posting__isnull=False, state="pending", available_at__lte=at)
        .order_by("available_at", "id")[:ROUND_SIZE]
    )
    earnings = list(rows)
    for currency in sorted({earning.currency for earning in earnings}):
        _release([earning for earning in earnings if earning.currency == currency], currency, at)
    ids = [earning.id for earning in earnings]
    Earning.objects.filter(id__in=ids).update(state="available")
    return len(earnings)


def _release(earnings: Sequence[Earning], currency: str, at: datetime) -> None:
    sums: dict[UUID, int] = defaultdict(int)
    for earning in earnings:
        sums[earning.expert_id] += earning.payable_minor
    if not any(sums.values()):
        return
    pending = expert_accounts(kind="expert_pending", currency=currency, experts=sums)
    available = expert_accounts(kind="expert_available", currency=currency, experts=sums)
    posting = ledger.post(
        key=f"released:{fingerprint(ids=[earning.id for earning in earnings])}",
        kind="holds_released",
        currency=currency,
        legs=[ledger.Leg(pending[expert], "D", amount) for expert, amount in sums.items()]
        + [ledger.Leg(available[expert], "C", amount) for expert, amount in sums.items()],
        effective_at=at,
    )
    for expert, amount in sums.items():
        record(
            "earning.released",
            at=at,
            object_kind="posting",
            object_id=posting.id,
            expert=expert,
            data={"minor": amount, "currency": currency},
        )


def fingerprint(*, ids: Iterable[UUID]) -> str:
    """The sha256 of sorted ids, the idempotency key of a round."""
    return hashlib.sha256(",".join(sorted(map(str, ids))).encode()).hexdigest()
