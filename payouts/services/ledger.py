"""`post` is the only writer of the ledger."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from payouts.models import Account, Posting, Side

_PLACES = {
    "wallet": "the wallet",
    "escrow": "the project's budget",
    "reserved": "the batch's reservation",
    "overrun": "the pool for extra answers",
    "expert_pending": "the expert's balance on hold",
    "expert_available": "the available balance",
    "payout_in_transit": "the payouts on their way",
}


class InsufficientBalance(DomainError):
    """An account holds less than is asked of it. `wanted` and `present` are Money."""

    code = "insufficient_balance"
    status = 409

    def __init__(self, account: Account, wanted: Money, present: Money) -> None:
        place = _PLACES.get(account.kind, account.kind.replace("_", " "))
        super().__init__(
            f"This needs {wanted}, but there is {present} in {place}.",
            account=account.kind,
            wanted={"minor": wanted.minor, "currency": wanted.currency},
            present={"minor": present.minor, "currency": present.currency},
        )
        self.account = account
        self.wanted = wanted
        self.present = present


class KeyReused(DomainError):
    """The key already stands for a posting with other legs. A bug of the caller."""

    code = "key_reused"
    status = 422


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a posting; zero amounts are left out, negative ones refused."""

    account: Account
    side: Side
    amount_minor: int

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int or self.amount_minor < 0:
            raise ValueError("a leg has a whole amount that is not negative")

    @classmethod
    def debit(cls, account: Account, amount: Money) -> Leg:
        """A leg on the left."""
        return cls(account, "D", amount.minor)

    @classmethod
    def credit(cls, account: Account, amount: Money) -> Leg:
        """A leg on the right."""
        return cls(account, "C", amount.minor)


def post(
    *,
    key: str,
    kind: str,
    currency: str,
    legs: Sequence[Leg],
    effective_at: datetime,
    actor: UUID | None = None,
    external_ref: str = "",
    reverses: Posting | None = None,
) -> Posting:
    """Write one balanced posting, once per key; `is_new` says whether this call wrote it.

    The same key with the same legs returns the first posting. Raises KeyReused for other legs
    and InsufficientBalance when a guarded account would go below zero; a refused posting leaves
    no trace of its key.
    """
    merged = _merge(legs)
    posting = Posting(
        id=uuid7(),
        key=key,
        kind=kind,
        currency=currency,
        request_hash=_digest(kind, currency, merged),
        effective_at=effective_at,
        actor=actor,
        external_ref=external_ref,
        reverses=reverses,
    )
    with transaction.atomic():
        if not _insert(posting):
            return _first(posting)
        locked = lock_accounts(account_ids={account for account, _ in merged})
        _refuse_overdraft(locked, merged, currency)
        _insert_entries(posting, locked, merged)
    posting.is_new = True
    return posting


def reverse(*, posting: Posting, key: str, at: datetime, actor: UUID | None = None) -> Posting:
    """Undo a posting in full by its mirror image. A posting is reversed once at most."""
    entries = posting.entries.select_related("account").order_by("id")
    return post(
        key=key,
        kind="reversal",
        currency=posting.currency,
        legs=[Leg(e.account, "C" if e.side == "D" else "D", e.amount_minor) for e in entries],
        effective_at=at,
        actor=actor,
        reverses=posting,
    )


def lock_accounts(*, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Lock accounts in the order of their ids until the transaction ends.

    NO KEY: a plain FOR UPDATE would block every insert of a row that refers to the account.
    """
    rows = Account.objects.select_for_update(no_key=True).filter(id__in=account_ids)
    return {row.id: row for row in rows.order_by("id")}


Merged = dict[tuple[UUID, Side], int]


def _merge(legs: Iterable[Leg]) -> Merged:
    merged: dict[tuple[UUID, Side], int] = defaultdict(int)
    for leg in legs:
        if leg.amount_minor:
            merged[leg.account.id, leg.side] += leg.amount_minor
    return merged


def _digest(kind: str, currency: str, merged: Merged) -> str:
    rows = sorted((str(account), side, amount) for (account, side), amount in merged.items())
    return hashlib.sha256(json.dumps([kind, currency, rows]).encode()).hexdigest()


def _insert(posting: Posting) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO payouts_posting (id, kind, currency, key, request_hash, reverses_id,
              external_ref, actor, effective_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (key) DO NOTHING
            """,
            [
                posting.id,
                posting.kind,
                posting.currency,
                posting.key,
                posting.request_hash,
                posting.reverses_id,
                posting.external_ref,
                posting.actor,
                posting.effective_at,
            ],
        )
        return bool(cursor.rowcount == 1)


def _first(wanted: Posting) -> Posting:
    found = Posting.objects.get(key=wanted.key)
    if found.request_hash != wanted.request_hash:
        raise KeyReused(f"The key {wanted.key} already stands for another posting.", key=wanted.key)
    return found


def _refuse_overdraft(locked: dict[UUID, Account], merged: Merged, currency: str) -> None:
    change: dict[UUID, int] = defaultdict(int)
    for (account_id, side), amount in merged.items():
        change[account_id] += amount if side == locked[account_id].normal else -amount
    for account_id, account in locked.items():
        if change[account_id] < 0 and not account.may_go_negative:
            wanted, present = -change[account_id], account.balance_minor
            if present < wanted:
                raise InsufficientBalance(
                    account, Money(wanted, currency), Money(present, account.currency)
                )


def _insert_entries(posting: Posting, locked: dict[UUID, Account], merged: Merged) -> None:
    # The raising side first: the overdraft check looks after every single entry.
    rows = sorted(merged, key=lambda row: (row[0], row[1] != locked[row[0]].normal))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO payouts_entry
              (posting_id, account_id, side, amount_minor, account_version, balance_after_minor)
            SELECT %s, account, side, amount, 0, 0
            FROM unnest(%s::uuid[], %s::text[], %s::bigint[])
              WITH ORDINALITY AS leg(account, side, amount, place)
            ORDER BY place
            """,
            [
                posting.id,
                [account for account, _ in rows],
                [side for _, side in rows],
                [merged[row] for row in rows],
            ],
        )
