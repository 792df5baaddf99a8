"""Finding our posting for each movement at the provider, and what to call it where there is none.

Repaired alone: a fee that nobody booked, a move of the operator's own money, and our own transfer
that turns out to exist. Everything else opens a Break.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from payouts.gateways.chosen import gateway
from payouts.gateways.port import Refused
from payouts.models import BalanceTransaction, Break, Funding, Posting
from payouts.selectors.provider import Booked, booked_for
from payouts.services.arriving import book_fee
from payouts.services.breaking import close_gone, open_break
from payouts.services.looking_up import adopt_transfer
from payouts.services.treasury import book_treasury_move

logger = logging.getLogger(__name__)
# A message about it may be on its way; until then it is no difference.
GRACE = timedelta(minutes=10)
CHUNK = 500
# Stripe's reporting categories (docs.stripe.com/reports/reporting-categories) and our postings.
_FEES = frozenset({"fee", "network_cost"})
_TREASURY = frozenset({"payout", "payout_reversal", "topup", "topup_reversal"})
_KINDS = (
    {
        "charge": "funding_paid",
        "refund": "refund_paid",
        "refund_failure": "refund_returned",
        "transfer": "transfer_made",
        "transfer_reversal": "transfer_reversed",
        "dispute": "chargeback_withdrawn",
        "dispute_reversal": "chargeback_reinstated",
    }
    | dict.fromkeys(_FEES, "fee_booked")
    | dict.fromkeys(_TREASURY, "treasury_moved")
)
CATEGORIES = tuple(sorted(_KINDS))
MOVEMENT_BREAKS = (
    "missing_in_ledger",
    "amount_mismatch",
    "currency_mismatch",
    "duplicate_provider_object",
    "fee_unbooked",
    "unknown_type",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a movement: what the books say, what the provider says, and in words."""

    kind: str
    expected_minor: int
    found_minor: int
    detail: str


def match_transactions(*, ids: Sequence[str], at: datetime) -> int:
    """Match movements to their postings, repair what may be, open Breaks for the rest. A sequence.

    Returns how many were repaired.
    """
    repaired = 0
    for start in range(0, len(ids), CHUNK):
        rows = BalanceTransaction.objects.filter(id__in=ids[start : start + CHUNK])
        repaired += _match_chunk(list(rows.order_by("created_at", "id")), at)
    return repaired


def _match_chunk(rows: Sequence[BalanceTransaction], at: datetime) -> int:
    payments = _payments(rows)
    booked = booked_for(rows=rows, payments=payments)
    taken = _taken(booked)
    sound: list[BalanceTransaction] = []
    changed: list[BalanceTransaction] = []
    repaired = 0
    for row in rows:
        found = _examine(row, booked, taken)
        # Twice at most: the movement itself, then its fee.
        for _ in range(2):
            if not isinstance(found, Finding) or not _repair(row, found, at):
                break
            repaired += 1
            booked = {**booked, **booked_for(rows=[row], payments=payments)}
            found = _examine(row, booked, taken)
        if isinstance(found, Posting):
            taken[str(found.id)] = row.id
            sound.append(row)
            changed += [row] if row.posting_id != found.id else []
            row.posting = found
        elif found.kind != "missing_in_ledger" or row.created_at <= at - GRACE:
            _tell(row, found, at)
    BalanceTransaction.objects.bulk_update(changed, ["posting"])
    _close(sound, at)
    return repaired


def _examine(
    row: BalanceTransaction, booked: Mapping[str, list[Booked]], taken: Mapping[str, str]
) -> Posting | Finding:
    """The posting that a movement is booked by, or what is wrong."""
    if row.category not in _KINDS and not _corrections(row, booked):
        return _finding("unknown_type", row, 0, f"Nobody knows how to book a {row.category}.")
    mains = _mains(row, booked)
    free = [each for each in mains if taken.get(str(each.posting.id), row.id) == row.id]
    corrections = _corrections(row, booked)
    if mains and not free and not corrections:
        other = f"{row.source} was already moved by {taken[str(mains[0].posting.id)]}."
        return _finding("duplicate_provider_object", row, 0, other)
    if corrections:
        free = [each for each in free if each.posting.currency == row.currency]
    parts = [*free[:1], *corrections]
    if not parts:
        return _finding("missing_in_ledger", row, 0, f"No posting knows {row.source or row.id}.")
    if corrections and _raised([*parts, *_fees(row, booked)]) == row.net_minor:
        return parts[0].posting
    return _weigh(row, parts, fees=_fees(row, booked))


def _weigh(
    row: BalanceTransaction, parts: Sequence[Booked], *, fees: Iterable[Booked]
) -> Posting | Finding:
    """Whether what is booked for a movement is all of it, and in its currency."""
    amount = _raised(parts)
    if any(each.posting.currency != row.currency for each in parts):
        words = f"Booked as {amount} in {parts[0].posting.currency}, by {parts[0].posting.key}."
        return _finding("currency_mismatch", row, 0, words)
    if amount != row.amount_minor:
        return _finding("amount_mismatch", row, amount, f"Booked by {parts[0].posting.key}.")
    paid = _raised(fees)
    if row.category not in _FEES and paid != -row.fee_minor:
        return Finding("fee_unbooked", paid, -row.fee_minor, f"The fee of {row.kind} {row.id}.")
    return parts[0].posting


def _raised(parts: Iterable[Booked]) -> int:
    return sum(each.raised_minor for each in parts)


def _finding(kind: str, row: BalanceTransaction, expected: int, words: str) -> Finding:
    # Where nothing is booked its fee is not either.
    found = row.amount_minor if expected else row.net_minor
    return Finding(kind, expected, found, f"{row.kind} {row.id}: {words}")


def _mains(row: BalanceTransaction, booked: Mapping[str, list[Booked]]) -> list[Booked]:
    """Candidates of the right kind, those that name this very movement first."""
    named, by_source = booked.get(row.id, []), booked.get(row.source, []) if row.source else []
    kind = _KINDS.get(row.category)
    exact = [each for each in named if each.posting.kind == kind]
    return exact or [
        each
        for each in by_source
        if each.posting.kind == kind and not each.posting.key.startswith("bt:")
    ]


def _corrections(row: BalanceTransaction, booked: Mapping[str, list[Booked]]) -> list[Booked]:
    return [each for each in booked.get(row.id, []) if each.posting.kind == "correction"]


def _fees(row: BalanceTransaction, booked: Mapping[str, list[Booked]]) -> list[Booked]:
    return [each for each in booked.get(row.id, []) if each.posting.kind == "fee_booked"]


def _repair(row: BalanceTransaction, found: Finding, at: datetime) -> bool:
    """Do the one thing that needs no person; whether it was done."""
    try:
        if found.kind == "fee_unbooked" and not found.expected_minor:
            _book_fee(row, row.fee_minor, _fee_key(row), at)
        elif found.kind != "missing_in_ledger":
            return False
        elif row.category in _FEES:
            _book_fee(row, -row.amount_minor, f"bt:{row.id}", at)
        elif row.category in _TREASURY:
            book_treasury_move(row=row, at=at)
        else:
            return row.category == "transfer" and _adopt(row, at)
    except DomainError:
        logger.exception("Could not repair a movement", extra={"movement": row.id})
        return False
    return True


def _book_fee(row: BalanceTransaction, minor: int, key: str, at: datetime) -> None:
    fee = Money(minor, row.currency)
    book_fee(key=key, fee=fee, ref=row.id, at=min(row.created_at, at))


def _fee_key(row: BalanceTransaction) -> str:
    """The key under which whoever books the payment itself would book its fee."""
    is_payment = _KINDS.get(row.category) == "funding_paid"
    return f"bt:{row.id}" if is_payment else f"bt:{row.id}:fee"


def _adopt(row: BalanceTransaction, at: datetime) -> bool:
    try:
        attempt = adopt_transfer(transfer_id=row.source, at=at)
    except Refused:
        return False
    return attempt is not None and attempt.provider_id == row.source


def _payments(rows: Iterable[BalanceTransaction]) -> dict[str, str]:
    """The payment intent of each charge: ours if we know it, else the provider's word."""
    charges = [row.source for row in rows if row.category == "charge" and row.source]
    known = Funding.objects.filter(charge_id__in=charges).exclude(payment_intent=None)
    found = {str(row.charge_id): str(row.payment_intent) for row in known}
    for charge in charges:
        if charge not in found:
            found[charge] = gateway().read_payment_of(charge_id=charge)
    return found


def _taken(booked: Mapping[str, list[Booked]]) -> dict[str, str]:
    """Which movement each of these postings is matched to already."""
    ids = {each.posting.id for candidates in booked.values() for each in candidates}
    rows = BalanceTransaction.objects.filter(posting__in=ids)
    return {str(posting): row for row, posting in rows.values_list("id", "posting_id")}


def _tell(row: BalanceTransaction, found: Finding, at: datetime) -> None:
    for kind in MOVEMENT_BREAKS:
        if kind != found.kind:
            close_gone(kind=kind, ref=row.id, at=at)
    open_break(
        kind=found.kind,
        ref=row.id,
        currency=row.currency,
        expected_minor=found.expected_minor,
        found_minor=found.found_minor,
        detail=found.detail,
        at=at,
    )


def _close(rows: Iterable[BalanceTransaction], at: datetime) -> None:
    refs = [row.id for row in rows]
    gone = Break.objects.filter(state="open", ref__in=refs, kind__in=MOVEMENT_BREAKS)
    for row in gone.order_by("id"):
        close_gone(kind=row.kind, ref=row.ref, at=at)
