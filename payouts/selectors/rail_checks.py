"""What must hold of the ways to be paid: by run, on demand, by Stripe, by a file for a bank."""

from __future__ import annotations

from datetime import datetime

from payouts.selectors.invariants import invariant, problems_of


@invariant("L7")
def transfers_leave_from_their_rail(_at: datetime) -> list[str]:
    """Stripe's transfers are credited to the money at Stripe, those of a file to the bank's."""
    return problems_of("""
      SELECT 'transfer ' || a.key || ' by ' || a.rail || ' is booked from ' || c.kind
      FROM payouts_payoutattempt a JOIN payouts_posting p ON p.key = 'transfer:' || a.id
        JOIN payouts_entry e ON e.posting_id = p.id AND e.side = 'C'
        JOIN payouts_account c ON c.id = e.account_id
      WHERE c.kind <> CASE a.rail WHEN 'stripe' THEN 'psp_clearing' ELSE 'platform_bank' END
    """)


@invariant("L7")
def attempts_are_on_the_rail_of_their_run(_at: datetime) -> list[str]:
    """Run, payee and attempt agree on the way that the money takes."""
    return problems_of("""
      SELECT 'attempt ' || a.key || ': ' || a.rail || ', payee ' || y.rail || ', run ' || r.rail
      FROM payouts_payoutattempt a JOIN payouts_payout o ON o.id = a.payout_id
        JOIN payouts_payee y ON y.id = o.payee_id JOIN payouts_payoutrun r ON r.id = o.run_id
      WHERE a.rail <> y.rail OR a.rail <> r.rail
    """)


@invariant("L7")
def payments_by_file_are_in_one_that_left(_at: datetime) -> list[str]:
    """What the bank was asked to pay is in an exported file of its currency, and only there."""
    return problems_of("""
      SELECT 'attempt ' || a.key || ' is ' || a.state || ' in ' ||
        coalesce('a file that is ' || b.state || ', ' || b.currency, 'no file')
      FROM payouts_payoutattempt a JOIN payouts_payout o ON o.id = a.payout_id
        LEFT JOIN payouts_bankbatch b ON b.id = a.bank_batch_id
      WHERE a.rail = 'bank_file' AND (
        (a.first_sent_at IS NOT NULL AND (b.id IS NULL OR b.state NOT IN ('exported', 'confirmed')))
        OR (b.state IN ('exported', 'confirmed') AND a.first_sent_at IS NULL)
        OR (b.state = 'confirmed' AND a.state IN ('sending', 'unknown'))
        OR b.currency <> o.currency)
    """)


@invariant("L8")
def cash_outs_are_payouts_of_their_runs(_at: datetime) -> list[str]:
    """Every payout of a run of cash-outs has its terms, and no other payout has."""
    return problems_of("""
      SELECT 'payout ' || o.id || ' of a run ' || r.kind || ': at risk ' ||
        coalesce(c.at_risk_minor::text, 'not said') || ' of ' || o.amount_minor
      FROM payouts_payout o JOIN payouts_payoutrun r ON r.id = o.run_id
        LEFT JOIN payouts_cashout c ON c.payout_id = o.id
      WHERE (r.kind = 'cash_out') <> (c.payout_id IS NOT NULL)
        OR c.currency <> o.currency
    """)
