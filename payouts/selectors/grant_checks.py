"""Whether cash of the operator stands behind the budgets that it has granted itself."""

from __future__ import annotations

from datetime import datetime

from payouts.selectors.invariants import problems_of, warning


@warning("L18")
def granted_budgets_are_backed(_at: datetime) -> list[str]:
    """Grants per currency are covered by confirmed deposits of the operator's own money."""
    return problems_of("""
      SELECT currency || ': grants exceed the operator''s own cash by ' ||
        (debits_minor - credits_minor) || '; confirm a deposit'
      FROM payouts_account WHERE kind = 'operator_capital' AND debits_minor > credits_minor
    """)
