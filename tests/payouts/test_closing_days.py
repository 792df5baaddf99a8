"""Closed days: one hash per currency and day, chained, and every later change is seen."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from django.db import connection

from marketplace.events.models import Event
from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from payouts.models import LedgerClose, Posting
from payouts.selectors.invariants import check_ledger
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.closing_days import close_days
from payouts.services.rounds import post_earnings
from tests.payouts import make
from tests.payouts.make import usd

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MIDNIGHT_THIRTY = timedelta(minutes=30)


@pytest.fixture
def today() -> datetime:
    """Midnight, UTC, of the day in which the database really writes."""
    return datetime.combine(clock.now().astimezone(UTC).date(), time(), UTC)


def _moved(at: datetime, minor: int = 100, currency: str = "USD") -> Posting:
    bank = account("platform_bank", currency=currency)
    amount = Money(minor, currency)
    return ledger.post(
        key=f"topup:{uuid7()}",
        kind="treasury_moved",
        currency=currency,
        legs=[ledger.Leg.debit(make.clearing(currency), amount), ledger.Leg.credit(bank, amount)],
        effective_at=at,
    )


def _closed(at: datetime) -> list[tuple[int, str, int, int]]:
    """Closed by a run: days before `at`'s own, currency, postings, debits."""
    return [
        ((at.date() - row.date).days, row.currency, row.postings, row.debits_minor)
        for row in close_days(at=at)
    ]


def _late(today: datetime) -> datetime:
    """Tomorrow's closing: what the test writes now is settled then."""
    return today + DAY + MIDNIGHT_THIRTY


def _broken(number: str, at: datetime) -> list[str]:
    return [each.problem for each in check_ledger(at).broken if each.invariant == number]


def test_day_is_closed_half_an_hour_after_midnight(today: datetime) -> None:
    _moved(today)

    early = _closed(_late(today) - timedelta(seconds=1))
    due = _closed(_late(today))

    assert (early, due) == ([], [(1, "USD", 1, 100)])


def test_days_that_were_missed_are_closed_in_order_and_chained(today: datetime) -> None:
    _moved(today - 2 * DAY, 100)
    _moved(today, 300)

    closed = _closed(_late(today))

    assert closed == [(3, "USD", 1, 100), (2, "USD", 0, 0), (1, "USD", 1, 300)]
    first, second, third = LedgerClose.objects.order_by("date")
    assert first.prev_sha256 == ""
    assert (second.prev_sha256, third.prev_sha256) == (first.sha256, second.sha256)
    assert len({first.sha256, second.sha256, third.sha256}) == 3


def test_each_currency_has_its_own_chain(today: datetime) -> None:
    _moved(today, 100, "EUR")
    _moved(today, 200, "JPY")

    assert _closed(_late(today)) == [(1, "EUR", 1, 100), (1, "JPY", 1, 200)]


def test_close_leaves_its_hash_in_the_events(today: datetime) -> None:
    _moved(today)

    row = close_days(at=_late(today))[0]

    event = Event.objects.get(kind="ledger.closed")
    assert event.data["sha256"] == row.sha256
    assert event.data["date"] == str(today.date())


def test_day_waits_for_its_unposted_earnings(today: datetime) -> None:
    batch = make.reservation(usd(500))
    make.credited(batch, make.expert(), 500, at=today)

    before = [row for row in _closed(_late(today)) if row[0] == 1]
    post_earnings(at=_late(today))
    after = [row for row in _closed(_late(today)) if row[0] == 1]

    assert (before, len(after)) == ([], 1)


def test_posting_written_late_joins_a_later_close(today: datetime) -> None:
    _moved(today - 3 * DAY)
    _write_before(today - 3 * DAY + timedelta(hours=1))
    first = close_days(at=today - 2 * DAY + MIDNIGHT_THIRTY)
    _moved(today - 3 * DAY, 900)

    later = _closed(_late(today))

    assert [(row.postings, row.debits_minor) for row in first] == [(1, 100)]
    assert later == [(3, "USD", 1, 900), (2, "USD", 0, 0), (1, "USD", 0, 0)]
    assert _broken("L16", _late(today)) == []


def test_every_hash_recomputes(today: datetime) -> None:
    _moved(today - DAY, 100)
    _moved(today - DAY, 200, "EUR")
    _moved(today, 300)
    close_days(at=_late(today))

    assert _broken("L16", _late(today)) == []


CHANGES = {
    "an amount": "UPDATE payouts_entry SET amount_minor = 101 WHERE posting_id = %s",
    "a key": "UPDATE payouts_posting SET key = 'other' WHERE id = %s",
    "its time": "UPDATE payouts_posting SET effective_at = effective_at + '1 second' WHERE id = %s",
    "who did it": "UPDATE payouts_posting SET actor = id WHERE id = %s",
    "all of it": "DELETE FROM payouts_entry WHERE posting_id = %s",
}


@pytest.mark.parametrize("what", CHANGES)
def test_change_of_a_closed_day_is_named(what: str, today: datetime) -> None:
    changed = _moved(today - DAY)
    _moved(today)
    close_days(at=_late(today))

    _past_the_triggers(CHANGES[what], changed.id)

    problems = _broken("L16", _late(today))
    assert problems[0].startswith(f"the close of {(today - DAY).date()} USD")


def test_forged_close_breaks_the_chain(today: datetime) -> None:
    _moved(today - DAY)
    _moved(today)
    close_days(at=_late(today))

    first = LedgerClose.objects.order_by("date")[0]
    _past_the_triggers(
        "UPDATE payouts_ledgerclose SET sha256 = repeat('0', 64) WHERE id = %s", first.id
    )

    assert len(_broken("L16", _late(today))) == 2


def _write_before(instant: datetime) -> None:
    """As if everything so far had been written then."""
    _past_the_triggers("UPDATE payouts_posting SET created_at = %s", instant)


def _past_the_triggers(sql: str, value: datetime | UUID) -> None:
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql, [value])
        cursor.execute("SET session_replication_role = origin")
