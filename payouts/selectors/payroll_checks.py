"""What must hold of payroll: owed to employees exactly once, and never on both rails."""

from __future__ import annotations

from datetime import datetime

from payouts.selectors.invariants import invariant, problems_of


@invariant("L6")
def payroll_owed_is_in_open_exports(_at: datetime) -> list[str]:
    """What waits for employers is the sum of the lines that they have not acknowledged."""
    return problems_of("""
      WITH lines AS (
        SELECT l.expert_id, x.currency, sum(l.amount_minor) AS amount
        FROM payouts_payrollline l JOIN payouts_payrollexport x ON x.id = l.export_id
        WHERE x.state IN ('drafted', 'exported') AND l.voided_at IS NULL GROUP BY 1, 2
      ), held AS (
        SELECT expert_id, currency, credits_minor - debits_minor AS amount
        FROM payouts_account WHERE kind = 'payroll_payable'
      )
      SELECT 'expert ' || expert_id || ' ' || currency || ': ledger ' || coalesce(h.amount, 0) ||
        ', payroll lines ' || coalesce(l.amount, 0)
      FROM lines l FULL JOIN held h USING (expert_id, currency)
      WHERE coalesce(l.amount, 0) <> coalesce(h.amount, 0)
    """)


@invariant("L8")
def payroll_lines_are_the_sum_of_their_items(_at: datetime) -> list[str]:
    """A line is its live items; no earning is in a live payout and a live payroll line."""
    return problems_of("""
      SELECT 'payroll line ' || l.id || ': amount ' || l.amount_minor || ', items ' ||
        coalesce(sum(i.amount_minor) FILTER (WHERE i.is_live), 0)
      FROM payouts_payrollline l JOIN payouts_payrollexport x ON x.id = l.export_id
        LEFT JOIN payouts_payrollitem i ON i.line_id = l.id
      GROUP BY l.id, x.state
      HAVING coalesce(sum(i.amount_minor) FILTER (WHERE i.is_live), 0)
        <> CASE WHEN x.state = 'cancelled' OR l.voided_at IS NOT NULL THEN 0
          ELSE l.amount_minor END
      UNION ALL
      SELECT 'payroll ' || x.id || ' is ' || x.state || ' with ' ||
        count(*) FILTER (WHERE l.voided_at IS NULL) || ' lines that are not void'
      FROM payouts_payrollexport x JOIN payouts_payrollline l ON l.export_id = x.id
      WHERE x.state IN ('exported', 'acknowledged', 'voided')
      GROUP BY x.id
      HAVING (x.state = 'voided') <> (count(*) FILTER (WHERE l.voided_at IS NULL) = 0)
      UNION ALL
      SELECT 'earning ' || p.earning_id || ' is in a payout and in a payroll line'
      FROM payouts_payrollitem p JOIN payouts_payoutitem o ON o.earning_id = p.earning_id
      WHERE p.is_live AND o.is_live
    """)
