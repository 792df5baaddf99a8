"""Comparing the provider's books with ours (MONEY 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from payouts.gateways.chosen import gateway
from payouts.models import BalanceTransaction, Break, Reconciliation
from payouts.selectors.provider import (
    clearing_balances,
    explained_differences,
    transaction_sums,
    unseen_postings,
)
from payouts.services.breaking import close_gone, open_break
from payouts.services.inbox import NotKnownYet, answer_event, keep_missed_event
from payouts.services.matching import MOVEMENT_BREAKS, match_transactions
from payouts.services.mirroring import mirror
from payouts.services.pacing import Watch

# Movements change for a while after they were made.
OVERLAP = timedelta(days=3)
SNAPSHOTS = 3
# Differences that the balance shows too, each of which is known by itself.
_EXPLAINING = (*MOVEMENT_BREAKS, "missing_at_provider")
Sums = dict[str, int]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What the provider has, what its movements add up to, what the books say, by currency."""

    provider: Sums
    transactions: Sums
    ledger: Sums
    is_still: bool


def reconcile(*, at: datetime) -> Reconciliation:
    """Read what the provider did since the last time, match it, and name what differs. A sequence.

    Raises GatewayError when the provider does not answer; then no row is kept.
    """
    last = Reconciliation.objects.order_by("-read_until", "-id").first()
    return _run("hourly", last.read_until - OVERLAP if last else None, at)


def reconcile_fully(*, at: datetime) -> Reconciliation:
    """Compare everything that the provider ever did with the books. A sequence."""
    return _run("nightly", None, at)


def _run(kind: str, since: datetime | None, at: datetime) -> Reconciliation:
    watch = Watch(at)
    _answer_missed(since or at - OVERLAP, at)
    repaired, snapshot = 0, _Snapshot({}, {}, {}, is_still=False)
    for _ in range(SNAPSHOTS):
        before = _provider_balances()
        transactions = mirror(since=since, at=at)
        repaired += match_transactions(ids=_to_match(since), at=at)
        _seek_unseen(since, at)
        ledger, sums = clearing_balances(), transaction_sums()
        after = _provider_balances()
        snapshot = _Snapshot(after, sums, ledger, is_still=before == after)
        if snapshot.is_still:
            _compare(snapshot, at)
            break
    return _keep(kind, since, transactions, repaired, snapshot, watch)


def _answer_missed(since: datetime, at: datetime) -> None:
    """Take in what the provider could not tell us."""
    cursor = ""
    while True:
        page = gateway().list_missed_events(created_after=since, cursor=cursor)
        for body in reversed(page.bodies):
            event = keep_missed_event(body=body, at=at)
            try:
                answer_event(event_id=event.id, at=at)
            except NotKnownYet:
                continue  # its own job comes back to it
        cursor = page.cursor
        if not cursor:
            return


def _to_match(since: datetime | None) -> list[str]:
    """Movements without a posting or with an open break; to compare everything, all of them.

    A break may have been opened by a run that did not see yet what another one matched.
    """
    rows = BalanceTransaction.objects.exclude(amount_minor=0, fee_minor=0)
    open_refs = Break.objects.filter(state="open", kind__in=MOVEMENT_BREAKS).values("ref")
    wanted = rows if since is None else rows.filter(Q(posting=None) | Q(id__in=open_refs))
    return list(wanted.order_by("created_at", "id").values_list("id", flat=True))


def _seek_unseen(since: datetime | None, at: datetime) -> None:
    """Break for each posting that the provider does not know after a day; close those it does."""
    kind = "missing_at_provider"
    open_refs = list(Break.objects.filter(kind=kind, state="open").values_list("ref", flat=True))
    window = since - timedelta(days=1) if since else None
    unseen = unseen_postings(since=window, again=open_refs, at=at)
    for each in unseen:
        open_break(
            kind=kind,
            ref=each.key,
            currency=each.currency,
            expected_minor=each.raised_minor,
            found_minor=0,
            detail="The provider shows no movement for this posting.",
            at=at,
        )
    for ref in set(open_refs) - {each.key for each in unseen}:
        close_gone(kind=kind, ref=ref, at=at)


def _provider_balances() -> Sums:
    return {
        row.available.currency: row.available.minor + row.pending.minor
        for row in gateway().balance()
    }


def _compare(snapshot: _Snapshot, at: datetime) -> None:
    """Break where the provider's balance differs and no single movement explains it."""
    explained = explained_differences(kinds=_EXPLAINING)
    for currency in _currencies(snapshot):
        expected = snapshot.ledger.get(currency, 0) + explained.get(currency, 0)
        found = snapshot.provider.get(currency, 0)
        if expected == found:
            close_gone(kind="balance_mismatch", ref=currency, at=at)
            continue
        open_break(
            kind="balance_mismatch",
            ref=currency,
            currency=currency,
            expected_minor=expected,
            found_minor=found,
            detail="The balance at the provider is not that of the books, and nobody knows why.",
            at=at,
        )


def _currencies(snapshot: _Snapshot) -> list[str]:
    return sorted({*snapshot.ledger, *snapshot.provider, *snapshot.transactions})


@transaction.atomic(durable=True)
def _keep(
    kind: str,
    since: datetime | None,
    transactions: int,
    repaired: int,
    snapshot: _Snapshot,
    watch: Watch,
) -> Reconciliation:
    first = BalanceTransaction.objects.order_by("created_at", "id").first()
    start = since or min(first.created_at if first else watch.at, watch.at)
    return Reconciliation.objects.create(
        kind=kind,
        started_at=watch.at,
        finished_at=watch.now(),
        read_from=start,
        read_until=watch.at,
        transactions=transactions,
        repaired=repaired,
        breaks_open=Break.objects.filter(state="open").count(),
        balances=_balances(snapshot),
    )


def _balances(snapshot: _Snapshot) -> Mapping[str, Mapping[str, object]]:
    return {
        currency: {
            "provider": snapshot.provider.get(currency, 0),
            "transactions": snapshot.transactions.get(currency, 0),
            "ledger": snapshot.ledger.get(currency, 0),
            "is_still": snapshot.is_still,
        }
        for currency in _currencies(snapshot)
    }
