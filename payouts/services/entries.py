"""The statements with which `ledger.post` writes; nothing else calls them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from django.db import connection

from payouts.models import Posting, Side

# In the order in which the entries are written: by account, the raising side of it first.
Merged = dict[tuple[UUID, Side], int]
Fresh = Sequence[tuple[Posting, Merged]]
Value = str | datetime | UUID | None

_POSTINGS = """
INSERT INTO payouts_posting
  (id, kind, currency, key, request_hash, reverses_id, external_ref, actor, effective_at)
VALUES {rows} ON CONFLICT (key) DO NOTHING RETURNING id
"""
_ROW = "(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
_ENTRIES = """
INSERT INTO payouts_entry
  (posting_id, account_id, side, amount_minor, account_version, balance_after_minor)
SELECT posting, account, side, amount, 0, 0
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bigint[])
  WITH ORDINALITY AS leg(posting, account, side, amount, place)
WHERE {condition} ORDER BY place
"""
_POSTING = _POSTINGS.format(rows=_ROW)
_ITS_ENTRIES = _ENTRIES.format(condition="posting IN (SELECT id FROM free)")
_WHOLE = f"WITH free AS ({_POSTING}) {_ITS_ENTRIES}"


def insert_whole(*, posting: Posting, merged: Merged) -> bool:
    """Write a posting and its entries by one statement; False when its key is taken.

    Each entry locks its account, in the order of the ids; an overdraft is an IntegrityError.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE, [*_values(posting), *_columns([(posting, merged)])])
        return bool(cursor.rowcount)


def insert_postings(*, postings: Iterable[Posting]) -> set[UUID]:
    """The ids of those whose key was free. In the order of keys: rivals wait, never deadlock."""
    rows = sorted(postings, key=attrgetter("key"))
    with connection.cursor() as cursor:
        cursor.execute(
            _POSTINGS.format(rows=", ".join([_ROW] * len(rows))),
            [value for posting in rows for value in _values(posting)],
        )
        return {row for (row,) in cursor.fetchall()}


def insert_entries(*, fresh: Fresh) -> None:
    """Write the entries of new postings, whose accounts are locked, by one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES.format(condition="true"), _columns(fresh))


def _values(posting: Posting) -> list[Value]:
    return [
        posting.id,
        posting.kind,
        posting.currency,
        posting.key,
        posting.request_hash,
        posting.reverses_id,
        posting.external_ref,
        posting.actor,
        posting.effective_at,
    ]


def _columns(fresh: Fresh) -> list[list[UUID | str | int]]:
    rows = [
        (posting.id, account, side, amount)
        for posting, merged in fresh
        for (account, side), amount in merged.items()
    ]
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
