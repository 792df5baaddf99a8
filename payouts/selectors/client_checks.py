"""What must hold of clients' payments, refunds and chargebacks."""

from __future__ import annotations

from datetime import datetime

from payouts.selectors.invariants import invariant, problems_of


@invariant("L6")
def money_going_back_is_in_open_refunds(_at: datetime) -> list[str]:
    """What is on its way to a client is the sum of the parts of refunds that have no end yet."""
    return problems_of("""
      WITH parts AS (
        SELECT r.organization_id, r.currency, sum(p.amount_minor) AS amount
        FROM payouts_refundpart p JOIN payouts_refund r ON r.id = p.refund_id
        WHERE p.state IN ('created', 'sending', 'unknown') GROUP BY 1, 2
      ), held AS (
        SELECT organization_id, currency, credits_minor - debits_minor AS amount
        FROM payouts_account WHERE kind = 'refund_in_transit'
      )
      SELECT 'organisation ' || organization_id || ' ' || currency || ': ledger ' ||
        coalesce(h.amount, 0) || ', refunds ' || coalesce(p.amount, 0)
      FROM parts p FULL JOIN held h USING (organization_id, currency)
      WHERE coalesce(p.amount, 0) <> coalesce(h.amount, 0)
    """)


@invariant("L6")
def the_hold_is_what_banks_took_and_nobody_lost_yet(_at: datetime) -> list[str]:
    """What is held apart is the sum of what chargebacks took that are not lost."""
    return problems_of("""
      WITH taken AS (
        SELECT c.currency, sum(c.withdrawn_minor) AS amount FROM payouts_chargeback c
        WHERE c.state <> 'lost' GROUP BY 1
      ), held AS (
        SELECT currency, debits_minor - credits_minor AS amount
        FROM payouts_account WHERE kind = 'chargeback_hold'
      )
      SELECT 'chargebacks ' || currency || ': ledger ' || coalesce(h.amount, 0) || ', taken ' ||
        coalesce(t.amount, 0)
      FROM taken t FULL JOIN held h USING (currency)
      WHERE coalesce(t.amount, 0) <> coalesce(h.amount, 0)
    """)


@invariant("L7")
def payments_of_clients_are_booked_once(_at: datetime) -> list[str]:
    """A paid funding is one posting over what was received; a refund is at most its payment."""
    return problems_of("""
      SELECT 'funding ' || f.id || ': received ' || f.received_minor || ', booked ' ||
        coalesce(sum(e.amount_minor), 0)
      FROM payouts_funding f
        LEFT JOIN payouts_posting p ON p.key = CASE f.method
          WHEN 'wire' THEN 'wire:' || f.id ELSE 'funding:' || f.payment_intent END
        LEFT JOIN payouts_entry e ON e.posting_id = p.id AND e.side = 'C'
      WHERE f.state = 'paid'
      GROUP BY f.id HAVING f.received_minor <> coalesce(sum(e.amount_minor), 0)
      UNION ALL
      SELECT 'funding ' || f.id || ': received ' || f.received_minor || ', given back ' ||
        sum(r.amount_minor)
      FROM payouts_refundpart r JOIN payouts_funding f ON f.id = r.funding_id
      WHERE r.state <> 'failed'
      GROUP BY f.id HAVING sum(r.amount_minor) > coalesce(f.received_minor, 0)
      UNION ALL
      SELECT 'refund part ' || r.id || ' is ' || r.state || ', but was booked ' || count(p.id) ||
        ' times'
      FROM payouts_refundpart r LEFT JOIN payouts_posting p
        ON p.key = 'refund:' || r.refund_id || ':paid:' || r.id
      GROUP BY r.id HAVING count(p.id) <> (r.state = 'succeeded' OR r.provider_id IS NOT NULL)::int
    """)
