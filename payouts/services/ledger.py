"""`post` is the only writer of the ledger."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from payouts.models import Account, Posting, Side
from payouts.services.entries import (
    Fresh,
    Merged,
    insert_entries,
    insert_postings,
    write_whole,
)

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
    posting = Posting(
        key=key,
        kind=kind,
        currency=currency,
        effective_at=effective_at,
        actor=actor,
        external_ref=external_ref,
        reverses=reverses,
    )
    return post_many(drafts=[(posting, legs)])[0]


def post_many(*, drafts: Sequence[tuple[Posting, Sequence[Leg]]]) -> list[Posting]:
    """Write several unsaved postings with their legs in as few statements as one; all or none.

    Each once per its key; returned in the order given. Raises what `post` raises.
    """
    merged = {posting.id: _merge(legs) for posting, legs in drafts}
    for posting, _ in drafts:
        posting.request_hash = _digest(posting.kind, posting.currency, merged[posting.id])
    wanted = [(posting, merged[posting.id]) for posting, _ in drafts]
    if len(wanted) != 1:
        return _write_many(wanted) if wanted else []
    posting, legs = wanted[0]
    outcome = write_whole(posting=posting, merged=legs)
    if outcome == "overdrawn":
        return _write_many(wanted)  # with the accounts locked, to tell the amounts
    posting.is_new = outcome == "written"
    return [posting if posting.is_new else _first(posting)]


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


def _write_many(wanted: Fresh) -> list[Posting]:
    with transaction.atomic():
        free = insert_postings(postings=[posting for posting, _ in wanted])
        fresh = [(posting, merged) for posting, merged in wanted if posting.id in free]
        if fresh:
            ids = {account for _, merged in fresh for account, _ in merged}
            _refuse_overdraft(lock_accounts(account_ids=ids), fresh)
            insert_entries(fresh=fresh)
        found = [posting if posting.id in free else _first(posting) for posting, _ in wanted]
    for posting, _ in fresh:
        posting.is_new = True
    return found


def _merge(legs: Sequence[Leg]) -> Merged:
    """One entry per account and side, by account; of one account the raising side first.

    So locks are taken in one order, and no balance dips between two entries.
    """
    merged: dict[tuple[UUID, Side], int] = defaultdict(int)
    for leg in legs:
        if leg.amount_minor:
            merged[leg.account.id, leg.side] += leg.amount_minor
    normal = {leg.account.id: leg.account.normal for leg in legs}
    return {row: merged[row] for row in sorted(merged, key=lambda r: (r[0], r[1] != normal[r[0]]))}


def _digest(kind: str, currency: str, merged: Merged) -> str:
    rows = sorted((str(account), side, amount) for (account, side), amount in merged.items())
    return hashlib.sha256(json.dumps([kind, currency, rows]).encode()).hexdigest()


def _first(wanted: Posting) -> Posting:
    found = Posting.objects.get(key=wanted.key)
    if found.request_hash != wanted.request_hash:
        raise KeyReused(f"The key {wanted.key} already stands for another posting.", key=wanted.key)
    return found


def _refuse_overdraft(locked: Mapping[UUID, Account], fresh: Fresh) -> None:
    left = {row.id: row.balance_minor for row in locked.values()}
    for posting, merged in fresh:
        change: dict[UUID, int] = defaultdict(int)
        for (account_id, side), amount in merged.items():
            change[account_id] += amount if side == locked[account_id].normal else -amount
        for account_id, raised in change.items():
            account, present = locked[account_id], left[account_id]
            if raised < 0 and not account.may_go_negative and present + raised < 0:
                raise InsufficientBalance(
                    account, Money(-raised, posting.currency), Money(present, account.currency)
                )
            left[account_id] += raised
