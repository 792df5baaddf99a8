"""What must hold of papers (MONEY 12, L14)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from payouts.models import Document
from payouts.selectors.invariants import invariant, problems_of


@invariant("L14")
def statements_add_up(_at: datetime) -> list[str]:
    """Opening + movements = closing = the next opening of the same owner and currency."""
    return problems_of("""
      WITH papers AS (
        SELECT number, (body #>> '{opening,minor}')::bigint AS opening,
          (body #>> '{closing,minor}')::bigint AS closing,
          (SELECT coalesce(sum((line ->> 'minor')::bigint), 0)
             FROM jsonb_array_elements(body -> 'movements') AS line) AS movements,
          lag((body #>> '{closing,minor}')::bigint)
            OVER (PARTITION BY organization_id, expert_id, currency ORDER BY period_from) AS before
        FROM payouts_document WHERE kind = 'statement'
      )
      SELECT 'statement ' || number || ': opening ' || opening || ', movements ' || movements ||
        ', closing ' || closing || coalesce(', the one before closed at ' || before, '')
      FROM papers WHERE opening + movements <> closing OR before <> opening
    """)


@invariant("L14")
def statements_close_at_the_ledger(_at: datetime) -> list[str]:
    """A closing is the sum of the entries that its statement had read, up to its month's end."""
    return problems_of("""
      WITH read AS (
        SELECT d.id, seen.key::uuid AS account_id, seen.value::bigint AS version
        FROM payouts_document d, jsonb_each_text(d.body -> 'read_up_to') AS seen
        WHERE d.kind = 'statement'
      ), sums AS (
        SELECT read.id,
          sum(CASE e.side WHEN 'C' THEN e.amount_minor ELSE -e.amount_minor END) AS ledger
        FROM read JOIN payouts_document d ON d.id = read.id
          JOIN payouts_entry e
            ON e.account_id = read.account_id AND e.account_version <= read.version
          JOIN payouts_posting p ON p.id = e.posting_id
            AND p.effective_at < d.period_until::timestamp AT TIME ZONE 'UTC'
        GROUP BY read.id
      )
      SELECT 'statement ' || d.number || ': closing ' || (d.body #>> '{closing,minor}') ||
        ', ledger ' || coalesce(s.ledger, 0)
      FROM payouts_document d LEFT JOIN sums s USING (id)
      WHERE d.kind = 'statement'
        AND (d.body #>> '{closing,minor}')::bigint <> coalesce(s.ledger, 0)
    """)


@invariant("L14")
def papers_are_numbered_without_a_gap(_at: datetime) -> list[str]:
    """As many papers of a kind and year as its series counts, the last with the last number."""
    return problems_of("""
      SELECT 'series ' || s.kind || ' ' || s.year || ': last ' || s.last || ', papers ' ||
        count(d.id) || ', highest ' || coalesce(max(right(d.number, 6)::int), 0)
      FROM payouts_documentseries s LEFT JOIN payouts_document d
        ON d.kind = s.kind AND extract(year FROM d.issued_at AT TIME ZONE 'UTC') = s.year
      GROUP BY s.id
      HAVING count(d.id) <> s.last OR coalesce(max(right(d.number, 6)::int), 0) <> s.last
    """)


@invariant("L14")
def papers_say_what_was_hashed(_at: datetime) -> Iterator[str]:
    """The hash of every paper recomputes from what it says."""
    for row in Document.objects.order_by("pk").iterator(chunk_size=500):
        if hashlib.sha256(row.canonical).hexdigest() != row.sha256:
            yield f"paper {row.number}: its hash does not recompute"


@invariant("L14")
def years_are_transfers_less_reversals(_at: datetime) -> list[str]:
    """What the ledger paid an expert is the sum of the payouts sent; so are the reversals.

    Year totals are these entries, cut by payment date.
    """
    return problems_of("""
      WITH ledger AS (
        SELECT a.expert_id, a.currency,
          sum(CASE p.kind WHEN 'transfer_made' THEN e.amount_minor ELSE -e.amount_minor END) AS net
        FROM payouts_entry e JOIN payouts_posting p ON p.id = e.posting_id
          JOIN payouts_account a ON a.id = e.account_id
        WHERE (p.kind = 'transfer_made' AND a.kind = 'payout_in_transit' AND e.side = 'D')
          OR (p.kind = 'transfer_reversed' AND a.kind = 'expert_available' AND e.side = 'C')
        GROUP BY 1, 2
      ), rows AS (
        SELECT expert_id, currency, sum(minor) AS net FROM (
          SELECT expert_id, currency, amount_minor AS minor FROM payouts_payout
            WHERE transferred_at IS NOT NULL
          UNION ALL
          SELECT expert_id, currency, -pay_minor FROM payouts_earning WHERE key LIKE 'reversal:%'
        ) AS both_ways GROUP BY 1, 2
      )
      SELECT 'expert ' || expert_id || ' ' || currency || ': ledger ' || coalesce(l.net, 0) ||
        ', payouts less reversals ' || coalesce(r.net, 0)
      FROM ledger l FULL JOIN rows r USING (expert_id, currency)
      WHERE coalesce(l.net, 0) <> coalesce(r.net, 0)
    """)
