"""The statements with which `ledger.post` writes; nothing else calls them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Literal, cast
from uuid import UUID

from django.db import connection

from payouts.models import Posting, Side

# In the order in which the entries are written: by account, the raising side of it first.
Merged = dict[tuple[UUID, Side], int]
Fresh = Sequence[tuple[Posting, Merged]]
Value = str | datetime | UUID | None
Outcome = Literal["written", "taken", "overdrawn"]

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
ORDER BY place
"""
_WRITE = "SELECT payouts_write_posting(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def write_whole(*, posting: Posting, merged: Merged) -> Outcome:
    """Write a posting and its entries by one statement, which leaves no trace of a refusal.

    Each entry locks its account, in the order of the ids.
    """
    _, *columns = _columns([(posting, merged)])
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [*_values(posting), *columns])
        return cast("tuple[Outcome]", cursor.fetchone())[0]


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
        cursor.execute(_ENTRIES, _columns(fresh))


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
