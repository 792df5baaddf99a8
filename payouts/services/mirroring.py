"""Keeping a copy of the provider's own ledger, line by line (MONEY 11)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from payouts.gateways import port
from payouts.gateways.chosen import gateway
from payouts.models import BalanceTransaction

_TERMS = ("currency", "amount_minor", "fee_minor", "net_minor", "category", "source")
_READ = (*_TERMS, "kind", "status", "created_at", "available_at", "seen_at")


def mirror(*, since: datetime | None, at: datetime) -> int:
    """Copy every movement at the provider since an instant, all without one; how many. A sequence.

    A movement that is another than when it was matched loses its posting and is matched again.
    """
    seen, cursor = 0, ""
    while True:
        page = gateway().list_balance_transactions(created_after=since, cursor=cursor)
        _keep([_copy(row, at) for row in page.rows])
        seen, cursor = seen + len(page.rows), page.cursor
        if not cursor:
            return seen


@transaction.atomic(durable=True)
def _keep(rows: list[BalanceTransaction]) -> None:
    ids = [row.id for row in rows]
    known = BalanceTransaction.objects.select_for_update().order_by("id").in_bulk(ids)
    BalanceTransaction.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=list(_READ)
    )
    other = [row.id for row in rows if row.id in known and _terms(known[row.id]) != _terms(row)]
    BalanceTransaction.objects.filter(id__in=other).update(posting=None)


def _terms(row: BalanceTransaction) -> list[object]:
    return [getattr(row, name) for name in _TERMS]


def _copy(row: port.BalanceTransaction, at: datetime) -> BalanceTransaction:
    return BalanceTransaction(
        id=row.transaction_id,
        kind=row.kind[:60],
        category=row.category[:60],
        source=row.source,
        currency=row.amount.currency,
        amount_minor=row.amount.minor,
        fee_minor=row.fee.minor,
        net_minor=row.net.minor,
        status="available" if row.is_available else "pending",
        created_at=row.created_at,
        available_at=row.available_at,
        seen_at=at,
        livemode=gateway().is_live,
    )
