"""Whether cash of the operator stands behind the budgets that it has granted itself."""

from __future__ import annotations

from datetime import datetime

from payouts.selectors.invariants import problems_of, warning


@warning("L18")
def granted_budgets_are_backed(_at: datetime) -> list[str]:
    """Grants per currency are covered by own deposits, less what was sold, more what it brought."""
    return problems_of("""
      WITH own AS (
        SELECT currency, sum(credits_minor - debits_minor) AS backing,
          coalesce(sum(debits_minor) FILTER (WHERE kind = 'operator_capital'), 0) AS granted
        FROM payouts_account WHERE kind IN ('operator_capital', 'fx') GROUP BY 1
      )
      SELECT currency || ': grants exceed the operator''s own cash by ' || -backing ||
        '; confirm a deposit'
      FROM own WHERE backing < 0 AND granted > 0
    """)
