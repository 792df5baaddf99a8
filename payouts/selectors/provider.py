"""What the books say about the movements at the provider."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q, Sum

from payouts.models import Account, BalanceTransaction, Break, Entry, Posting

# What a posting of ours may take to show up in the provider's books.
LATEST_MOVEMENT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Booked:
    """A posting and by how much it raised what is at the provider."""

    posting: Posting
    raised_minor: int


@dataclass(frozen=True, slots=True)
class Unseen:
    """A posting that says money moved at the provider, which does not know of it."""

    key: str
    currency: str
    raised_minor: int


def booked_for(
    *, rows: Iterable[BalanceTransaction], payments: Mapping[str, str]
) -> dict[str, list[Booked]]:
    """Postings by the id of the movement and of its source. `payments`: the intent of a charge."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row.id].add(row.id)
        if row.source:
            found[row.source].add(row.source)
            found[payments.get(row.source, row.source)].add(row.source)
    # Two statements, and the second condition in words: so each uses its index.
    by_key = Posting.objects.filter(key__in=[f"bt:{ref}" for ref in found])
    by_ref = Posting.objects.filter(~Q(external_ref=""), external_ref__in=found.keys())
    raised = _raised({row.id: row for row in [*by_key.order_by("id"), *by_ref.order_by("id")]})
    booked: dict[str, list[Booked]] = defaultdict(list)
    for each in raised:
        refs = {each.posting.external_ref, each.posting.key.removeprefix("bt:")}
        for name in set().union(*(found.get(ref, set()) for ref in refs)):
            booked[name].append(each)
    return dict(booked)


def _raised(rows: Mapping[UUID, Posting]) -> list[Booked]:
    legs = Entry.objects.filter(posting__in=rows.keys(), account__kind="psp_clearing")
    sums = legs.values("posting_id", "side").annotate(minor=Sum("amount_minor")).order_by()
    raised = dict.fromkeys(rows, 0)
    for each in sums:
        sign = 1 if each["side"] == "D" else -1
        raised[each["posting_id"]] += sign * int(each["minor"])
    return [Booked(row, raised[row_id]) for row_id, row in rows.items()]


def unseen_postings(*, since: datetime | None, again: list[str], at: datetime) -> list[Unseen]:
    """Postings older than a day without a movement at the provider; those of `again` at any age.

    A pair of a posting and its reversal moves nothing; a correction is explained by two people.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.key, p.currency, sum(CASE e.side WHEN 'D' THEN e.amount_minor
              ELSE -e.amount_minor END)
            FROM payouts_account a JOIN payouts_entry e ON e.account_id = a.id
              JOIN payouts_posting p ON p.id = e.posting_id
            WHERE a.kind = 'psp_clearing' AND p.effective_at < %(until)s
              AND (%(since)s::timestamptz IS NULL OR p.effective_at >= %(since)s
                OR p.key = ANY(%(again)s))
              AND p.kind NOT IN ('correction', 'reversal')
              AND NOT EXISTS (SELECT 1 FROM payouts_posting r WHERE r.reverses_id = p.id)
              AND NOT EXISTS (SELECT 1 FROM payouts_balancetransaction b WHERE b.posting_id = p.id)
              AND NOT (p.kind = 'fee_booked' AND EXISTS (
                SELECT 1 FROM payouts_balancetransaction b WHERE b.id = p.external_ref))
            GROUP BY p.id ORDER BY p.id
            """,
            {"since": since, "until": at - LATEST_MOVEMENT, "again": again},
        )
        return [Unseen(key, currency, int(minor)) for key, currency, minor in cursor.fetchall()]


def clearing_balances() -> dict[str, int]:
    """What the books say is at the provider, by currency, in minor units."""
    rows = Account.objects.filter(kind="psp_clearing").order_by("currency")
    return {row.currency: row.balance_minor for row in rows}


def transaction_sums() -> dict[str, int]:
    """What all movements at the provider add up to, by currency, in minor units."""
    rows = BalanceTransaction.objects.values("currency").annotate(minor=Sum("net_minor"))
    return {row["currency"]: int(row["minor"]) for row in rows.order_by("currency")}


def explained_differences(*, kinds: Iterable[str]) -> dict[str, int]:
    """By how much the provider has more than the books for reasons known one by one, by currency.

    Those are the open breaks of these kinds and the movements that are not matched yet. A payment
    of a bank that the books do not know is no matter of the provider's balance.
    """
    breaks = Break.objects.filter(state="open", kind__in=kinds)
    movements = BalanceTransaction.objects.values("id")
    breaks = breaks.exclude(~Q(ref__in=movements), kind="missing_in_ledger")
    sums: Counter[str] = Counter()
    for row in breaks.order_by("id"):
        sums[row.currency] += row.found_minor - row.expected_minor
    waiting = BalanceTransaction.objects.filter(posting=None).exclude(id__in=breaks.values("ref"))
    # What two people accepted of a movement is the difference; the rest of it is booked.
    accepted = Break.objects.filter(kind__in=kinds, approved_by__isnull=False)
    told = accepted.filter(ref__in=waiting.values("id")).order_by("resolved_at", "id")
    last = {row.ref: row for row in told}
    for row in last.values():
        sums[row.currency] += row.found_minor - row.expected_minor
    nets = (
        waiting.exclude(id__in=last)
        .values("currency")
        .annotate(minor=Sum("net_minor"))
        .order_by("currency")
    )
    for each in nets:
        sums[each["currency"]] += int(each["minor"])
    return dict(sums)
