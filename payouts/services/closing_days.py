"""Closing a day of the ledger: a hash that later changes cannot keep (MONEY 2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.db import IntegrityError, transaction

from marketplace.events.services.recording import record
from payouts.models import Account, Earning, LedgerClose
from payouts.selectors.closes import chained, day_to_close, first_open_day

# Half past midnight: the last round of the day is written by then.
CLOSING_TIME = timedelta(minutes=30)
# No transaction of the money lasts so long: what was written before is there to be seen.
SETTLED = timedelta(minutes=10)


def close_days(*, at: datetime) -> list[LedgerClose]:
    """Close every day that has ended, per currency and in order; those closed now. A sequence.

    A currency waits while an earning of the day has no posting yet.
    """
    closed = []
    currencies = Account.objects.values_list("currency", flat=True).distinct()
    for currency in currencies.order_by("currency"):
        day = _next_day(currency)
        while day is not None and _end(day) + CLOSING_TIME <= at:
            row = _close(currency, day, at)
            if row is None:
                break
            closed.append(row)
            day += timedelta(days=1)
    return closed


@transaction.atomic(durable=True)
def _close(currency: str, day: date, at: datetime) -> LedgerClose | None:
    last = LedgerClose.objects.filter(currency=currency).order_by("-date").first()
    if (last and last.date >= day) or _is_unposted(currency, day):
        return None
    closed_at = at - SETTLED
    found = day_to_close(currency=currency, until=_end(day), written_before=closed_at)
    prev = last.sha256 if last else ""
    row = LedgerClose(
        date=day,
        currency=currency,
        postings=found.postings,
        debits_minor=found.debits_minor,
        sha256=chained(prev_sha256=prev, date=day, currency=currency, day=found),
        prev_sha256=prev,
        closed_at=closed_at,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # another worker closed it meanwhile
        return None
    record(
        "ledger.closed",
        at=at,
        object_kind="ledger_close",
        object_id=row.id,
        data={
            "date": str(day),
            "currency": currency,
            "postings": row.postings,
            "debits": row.debits_minor,
            "sha256": row.sha256,
        },
    )
    return row


def _next_day(currency: str) -> date | None:
    last = LedgerClose.objects.filter(currency=currency).order_by("-date").first()
    if last is None:
        return first_open_day(currency=currency)
    return last.date + timedelta(days=1)


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _is_unposted(currency: str, day: date) -> bool:
    rows = Earning.objects.filter(posting=None, state="pending", currency=currency)
    return rows.filter(earned_at__lt=_end(day)).exists()
