"""Whether every exchange of the operator's bank has its two sides (MONEY 3)."""

from __future__ import annotations

from datetime import datetime

from payouts.selectors.invariants import invariant, problems_of


@invariant("L11")
def exchanges_have_two_sides(_at: datetime) -> list[str]:
    """Each `fx_sold` has its one `fx_bought` in another currency, as two people agreed."""
    return problems_of("""
      WITH sides AS (
        SELECT p.external_ref AS ref, p.kind, p.currency, sum(e.amount_minor) AS amount
        FROM payouts_posting p JOIN payouts_entry e ON e.posting_id = p.id AND e.side = 'D'
        WHERE p.kind IN ('fx_sold', 'fx_bought') GROUP BY p.id
      ), paired AS (
        SELECT ref,
          count(*) FILTER (WHERE kind = 'fx_sold') AS sold,
          count(*) FILTER (WHERE kind = 'fx_bought') AS bought,
          count(DISTINCT currency) AS currencies,
          string_agg(kind || ' ' || amount || ' ' || currency, ', ' ORDER BY kind DESC, currency)
            AS words,
          jsonb_object_agg(kind, jsonb_build_array(amount, currency)) AS booked
        FROM sides GROUP BY ref
      )
      SELECT 'exchange ' || ref || ': ' || words || CASE
          WHEN sold <> 1 OR bought <> 1 THEN '; it needs one of each'
          WHEN currencies < 2 THEN '; both sides are in one currency'
          ELSE '; two people agreed to something else' END
      FROM paired WHERE sold <> 1 OR bought <> 1 OR currencies < 2 OR NOT EXISTS (
        SELECT 1 FROM payouts_proposal a
        WHERE a.kind = 'exchange_currency' AND a.state = 'approved'
          AND 'fx:' || a.subject_id = ref
          AND booked = jsonb_build_object(
            'fx_sold', jsonb_build_array(a.terms->'sold_minor', a.terms->'sold_currency'),
            'fx_bought', jsonb_build_array(a.terms->'bought_minor', a.terms->'bought_currency')))
    """)


@invariant("L11")
def exchanges_go_over_their_bridge(_at: datetime) -> list[str]:
    """What is sold goes from the bank to `fx`, what is bought from `fx` to the bank."""
    return problems_of("""
      SELECT DISTINCT 'exchange ' || p.external_ref || ': ' || p.kind || ' moves ' || a.kind
      FROM payouts_posting p JOIN payouts_entry e ON e.posting_id = p.id
        JOIN payouts_account a ON a.id = e.account_id
      WHERE p.kind IN ('fx_sold', 'fx_bought') AND (p.kind, e.side, a.kind) NOT IN (
        ('fx_sold', 'D', 'fx'), ('fx_sold', 'C', 'platform_bank'),
        ('fx_bought', 'D', 'platform_bank'), ('fx_bought', 'C', 'fx'))
    """)
