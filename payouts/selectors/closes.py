"""The hashes of closed days, computed from what the ledger holds (MONEY 2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

# A posting belongs to the first close of its currency that is not before the UTC day in which it
# took effect and that was made after it was written. So a posting that is written late joins a
# later close, and no close ever changes.
_ROWS = """
  SELECT p.id, json_build_array(p.id, p.kind, p.currency, p.key, p.request_hash, p.reverses_id,
      p.external_ref, p.actor, extract(epoch FROM p.effective_at),
      extract(epoch FROM p.created_at))::text AS head
  FROM payouts_posting p
"""
_FIRST_CLOSE = """
  SELECT c.id FROM payouts_ledgerclose c WHERE c.currency = p.currency
    AND c.date >= (p.effective_at AT TIME ZONE 'UTC')::date AND c.closed_at > p.created_at
  ORDER BY c.date LIMIT 1
"""
_LEGS = """
  SELECT e.posting_id, sum(e.amount_minor) FILTER (WHERE e.side = 'D') AS debits,
    string_agg(concat_ws('|', e.id, e.account_id, e.side, e.amount_minor, e.account_version,
      e.balance_after_minor), E'\\n' ORDER BY e.id) AS body
  FROM payouts_entry e
"""
_SUMS = """
  count(*), coalesce(sum(debits), 0),
  coalesce(encode(sha256(convert_to(string_agg(
    encode(sha256(convert_to(head || E'\\n' || body, 'UTF8')), 'hex'), '' ORDER BY id
  ), 'UTF8')), 'hex'), '')
"""


@dataclass(frozen=True, slots=True)
class Day:
    """What belongs to one close: how many postings, their debits, and the hash over all rows."""

    postings: int
    debits_minor: int
    digest: str


EMPTY = Day(0, 0, "")


def chained(*, prev_sha256: str, date: date, currency: str, day: Day | None) -> str:
    """The hash of a close over the one before it and its own day, empty without postings."""
    found = day or EMPTY
    text = f"{prev_sha256}|{date}|{currency}|{found.postings}|{found.debits_minor}|{found.digest}"
    return hashlib.sha256(text.encode()).hexdigest()


def day_to_close(*, currency: str, until: datetime, written_before: datetime) -> Day:
    """What took effect before `until`, was written before the other instant and is not closed."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH mine AS (
              {_ROWS} WHERE p.currency = %(currency)s AND p.effective_at < %(until)s
                AND p.created_at < %(written)s AND NOT EXISTS (
                  SELECT 1 FROM payouts_ledgerclose c WHERE c.currency = p.currency
                    AND c.date >= (p.effective_at AT TIME ZONE 'UTC')::date
                    AND c.closed_at > p.created_at)
            ), legs AS ({_LEGS} WHERE e.posting_id IN (SELECT id FROM mine) GROUP BY 1)
            SELECT {_SUMS} FROM mine JOIN legs ON legs.posting_id = mine.id
            """,  # noqa: S608 our own constants
            {"currency": currency, "until": until, "written": written_before},
        )
        return Day(*_counted(cursor.fetchone()))


def closed_days() -> dict[UUID, Day]:
    """What belongs to each close, computed anew from the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH placed AS (
              {_ROWS.replace("AS head", "AS head, (" + _FIRST_CLOSE + ") AS close_id")}
            ), legs AS ({_LEGS} GROUP BY 1)
            SELECT close_id, {_SUMS} FROM placed JOIN legs ON legs.posting_id = placed.id
            WHERE close_id IS NOT NULL GROUP BY close_id
            """  # noqa: S608 our own constants
        )
        return {close_id: Day(*_counted(rest)) for close_id, *rest in cursor.fetchall()}


def first_open_day(*, currency: str) -> date | None:
    """The earliest day with a posting of a currency in which nothing was ever closed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min((effective_at AT TIME ZONE 'UTC')::date) FROM payouts_posting"
            " WHERE currency = %s",
            [currency],
        )
        found: date | None = cursor.fetchone()[0]
        return found


def _counted(row: list[object] | tuple[object, ...]) -> tuple[int, int, str]:
    postings, debits, digest = row
    return int(str(postings)), int(str(debits)), str(digest)
