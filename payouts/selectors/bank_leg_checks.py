"""What must hold of the bank payouts that we ask for ourselves."""

from __future__ import annotations

from datetime import datetime

from payouts.selectors.invariants import invariant, problems_of


@invariant("L7")
def banks_get_what_arrived_once(_at: datetime) -> list[str]:
    """A bank has one payout of ours at most, of no more than arrived, and the payout names it."""
    return problems_of("""
      SELECT 'bank attempt ' || a.key || ' of ' || a.amount_minor || ' ' || a.currency ||
        ': arrived ' || coalesce(o.arrived_minor, o.amount_minor) || ', payout ' || o.state ||
        ' by ' || o.bank_payout_id
      FROM payouts_bankattempt a JOIN payouts_payout o ON o.id = a.payout_id
      WHERE a.currency <> coalesce(nullif(o.arrived_currency, ''), o.currency)
        OR a.amount_minor > coalesce(o.arrived_minor, o.amount_minor)
        OR (a.state = 'succeeded' AND (a.provider_id <> o.bank_payout_id
          OR o.state NOT IN ('bank_pending', 'paid', 'reversed')))
        OR (a.state = 'returned' AND a.provider_id = o.bank_payout_id
          AND o.state IN ('bank_pending', 'paid'))
      UNION ALL
      SELECT 'payout ' || payout_id || ' has ' || count(*) || ' bank attempts alive'
      FROM payouts_bankattempt WHERE state IN ('created', 'sending', 'unknown', 'succeeded')
      GROUP BY payout_id HAVING count(*) > 1
    """)


@invariant("L7")
def sandbox_bank_payouts_are_ours(_at: datetime) -> list[str]:
    """Every payout by hand that the sandbox made is that of one attempt, and the other way."""
    return problems_of("""
      SELECT 'bank payout ' || coalesce(s.object_id, a.provider_id) || ': made ' ||
        coalesce(s.body->>'amount', 'none') || ', asked ' ||
        coalesce(a.amount_minor::text, 'by no attempt')
      FROM (SELECT * FROM payouts_sandboxobject WHERE type = 'payout' AND account <> ''
          AND NOT (body->>'automatic')::boolean) s
        FULL JOIN (SELECT t.*, o.destination FROM payouts_bankattempt t
          JOIN payouts_payout o ON o.id = t.payout_id
          WHERE t.state IN ('succeeded', 'returned') AND NOT t.livemode) a
        ON a.provider_id = s.object_id
      WHERE (s.object_id IS NULL OR a.id IS NULL OR (s.body->>'amount')::bigint <> a.amount_minor
          OR upper(s.body->>'currency') <> a.currency OR s.account <> a.destination)
        AND NOT EXISTS (SELECT 1 FROM payouts_bankattempt u WHERE u.state IN ('sending', 'unknown')
          AND u.payout_id::text = s.body->'metadata'->>'payout'
          AND u.number::text = s.body->'metadata'->>'attempt')
    """)
