"""What must hold between our books, the provider's and the days that are closed (MONEY 12)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from payouts.models import LedgerClose
from payouts.selectors.closes import chained, closed_days
from payouts.selectors.invariants import invariant, problems_of, warning


@invariant("L7")
def provider_transfers_are_ours(_at: datetime) -> list[str]:
    """Each transfer in the provider's books is that of one attempt, of its amount and currency."""
    return problems_of("""
      SELECT 'transfer ' || b.source || ' of ' || b.amount_minor || ' ' || b.currency ||
        ': payout of ' || coalesce(o.amount_minor || ' ' || o.currency, 'nobody')
      FROM payouts_balancetransaction b
        LEFT JOIN payouts_payoutattempt a ON a.provider_id = b.source AND a.state = 'succeeded'
        LEFT JOIN payouts_payout o ON o.id = a.payout_id
      WHERE b.category = 'transfer' AND (o.id IS NULL
          OR -b.amount_minor <> coalesce(o.sent_minor, o.amount_minor) OR b.currency <> o.currency)
        AND NOT EXISTS (
          SELECT 1 FROM payouts_break k WHERE k.ref = b.id AND k.state = 'resolved'
            AND k.approved_by_id IS NOT NULL)
      UNION ALL
      SELECT 'transfer ' || source || ' moved ' || count(*) || ' times'
      FROM payouts_balancetransaction WHERE category = 'transfer'
      GROUP BY source HAVING count(*) > 1
      UNION ALL
      SELECT 'attempt ' || a.key || ' succeeded at ' || a.ended_at || ', unknown to the provider'
      FROM payouts_payoutattempt a
      WHERE a.state = 'succeeded' AND a.rail = 'stripe' AND a.ended_at < (
          SELECT max(read_until) - interval '24 hours' FROM payouts_reconciliation)
        AND NOT EXISTS (SELECT 1 FROM payouts_balancetransaction b WHERE b.source = a.provider_id)
    """)


@invariant("L9")
def reservations_add_up(_at: datetime) -> list[str]:
    """Made and drawn = paid out, given back and left; what was made is what the row says."""
    return problems_of("""
      WITH moved AS (
        SELECT r.id, r.base_minor + r.pool_minor AS made,
          coalesce(sum(e.amount_minor) FILTER (WHERE p.kind = 'reservation_made'), 0) AS booked,
          coalesce(sum(CASE e.side WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) FILTER (
            WHERE p.kind NOT IN ('reservation_made', 'overrun_raised', 'overrun_drawn',
              'reservation_released', 'correction', 'reversal')), 0) AS paid,
          count(*) FILTER (WHERE p.kind NOT IN ('reservation_made', 'overrun_raised',
            'overrun_drawn', 'reservation_released', 'earnings_posted', 'earning_posted_now',
            'earning_voided', 'clawed_back', 'correction', 'reversal')) AS strange
        FROM payouts_reservation r
          JOIN payouts_entry e ON e.account_id IN (r.reserved_id, r.overrun_id)
          JOIN payouts_posting p ON p.id = e.posting_id
        GROUP BY r.id
      ), earned AS (
        SELECT reservation_id AS id, sum(pay_minor + fee_minor) AS amount
        FROM payouts_earning WHERE posting_id IS NOT NULL AND reservation_id IS NOT NULL GROUP BY 1
      )
      SELECT 'reservation ' || id || ': made ' || made || ', booked ' || booked || ', paid ' ||
        paid || ' for work of ' || coalesce(amount, 0) || ', other postings ' || strange
      FROM moved LEFT JOIN earned USING (id)
      WHERE made <> booked OR strange > 0 OR paid > coalesce(amount, 0)
    """)


@invariant("L13")
def clearing_is_what_the_provider_moved(_at: datetime) -> list[str]:
    """Matched movements add up to their postings; the last reading saw the provider's balance."""
    return problems_of("""
      WITH moved AS (
        SELECT currency, sum(net_minor) AS net FROM payouts_balancetransaction
        WHERE posting_id IS NOT NULL GROUP BY 1
      ), booked AS (
        SELECT p.currency,
          sum(CASE e.side WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) AS net
        FROM payouts_account a JOIN payouts_entry e ON e.account_id = a.id
          JOIN payouts_posting p ON p.id = e.posting_id
        WHERE a.kind = 'psp_clearing' AND (
          EXISTS (SELECT 1 FROM payouts_balancetransaction b WHERE b.posting_id = p.id)
          OR (p.kind IN ('fee_booked', 'correction') AND EXISTS (
            SELECT 1 FROM payouts_balancetransaction b
            WHERE b.id = p.external_ref AND b.posting_id IS NOT NULL)))
        GROUP BY 1
      )
      SELECT currency || ': the provider moved ' || coalesce(m.net, 0) || ', the books say ' ||
        coalesce(b.net, 0)
      FROM moved m FULL JOIN booked b USING (currency)
      WHERE coalesce(m.net, 0) <> coalesce(b.net, 0)
      UNION ALL
      SELECT each.key || ': the provider has ' || (each.value->>'provider') ||
        ', its movements add up to ' || (each.value->>'transactions')
      FROM (SELECT balances FROM payouts_reconciliation ORDER BY read_until DESC, id DESC LIMIT 1)
        last, jsonb_each(last.balances) each
      WHERE (each.value->>'is_still')::boolean
        AND each.value->>'provider' <> each.value->>'transactions'
    """)


@invariant("L16")
def closed_days_keep_their_hash(_at: datetime) -> Iterator[str]:
    """Every closed day still has its postings, its debits and its hash, and follows the last."""
    days, previous = closed_days(), dict[str, str]()
    for row in LedgerClose.objects.order_by("currency", "date"):
        prev = previous.get(row.currency, "")
        day = days.get(row.id)
        wanted = chained(prev_sha256=prev, date=row.date, currency=row.currency, day=day)
        if (row.prev_sha256, row.sha256) != (prev, wanted):
            found = f"{day.postings} postings of {day.debits_minor}" if day else "no postings"
            yield (
                f"the close of {row.date} {row.currency} says {row.postings} postings of "
                f"{row.debits_minor} and another hash; the ledger has {found}"
            )
        previous[row.currency] = row.sha256


@warning("L18")
def what_is_owed_is_there(_at: datetime) -> list[str]:
    """Money at the provider and in the bank covers what clients and experts are owed."""
    return problems_of("""
      WITH sums AS (
        SELECT currency,
          coalesce(sum(debits_minor - credits_minor) FILTER (WHERE kind = 'psp_clearing'), 0)
            AS clearing,
          coalesce(sum(debits_minor - credits_minor) FILTER (WHERE kind = 'platform_bank'), 0)
            AS bank,
          coalesce(sum(credits_minor - debits_minor) FILTER (WHERE kind IN ('wallet', 'escrow',
            'reserved', 'overrun', 'refund_in_transit', 'expert_pending', 'expert_available',
            'payout_in_transit', 'payroll_payable')), 0) AS owed
        FROM payouts_account GROUP BY 1
      )
      SELECT currency || ': at Stripe ' || clearing || ', in the bank ' || bank || ', owed ' || owed
      FROM sums WHERE clearing + greatest(0, bank) < owed
    """)
