"""What must hold of money taken back and of debts, each a query for what violates it."""

from __future__ import annotations

from datetime import datetime

from payouts.selectors.invariants import invariant, problems_of


@invariant("L5")
def debts_are_what_was_taken_and_not_paid_back(_at: datetime) -> list[str]:
    """Per expert and currency: owed now = owed by clawbacks and by transfers above their payout -
    netted - written off.
    """
    return problems_of("""
      WITH owed AS (
        SELECT expert_id, currency, sum(minor) AS amount FROM (
          SELECT n.expert_id, n.currency, c.owed_minor AS minor
          FROM payouts_clawback c JOIN payouts_earning n ON n.id = c.earning_id
          WHERE c.state = 'made'
          UNION ALL
          SELECT expert_id, currency, sent_minor - amount_minor
          FROM payouts_payout WHERE sent_minor > amount_minor
        ) parts GROUP BY 1, 2
      ), netted AS (
        SELECT n.expert_id, n.currency, sum(t.amount_minor) AS amount
        FROM payouts_netting t JOIN payouts_earning n ON n.id = t.earning_id GROUP BY 1, 2
      ), held AS (
        SELECT a.expert_id, a.currency, a.debits_minor - a.credits_minor AS amount,
          (SELECT coalesce(sum(e.amount_minor), 0) FROM payouts_entry e
             JOIN payouts_posting p ON p.id = e.posting_id
             WHERE e.account_id = a.id AND e.side = 'C' AND p.kind = 'debt_written_off') AS given_up
        FROM payouts_account a WHERE a.kind = 'expert_receivable'
      )
      SELECT 'expert ' || expert_id || ' ' || currency || ': owes ' || coalesce(h.amount, 0) ||
        ', taken ' || coalesce(o.amount, 0) || ', netted ' || coalesce(n.amount, 0) ||
        ', written off ' || coalesce(h.given_up, 0)
      FROM held h FULL JOIN owed o USING (expert_id, currency)
        FULL JOIN netted n USING (expert_id, currency)
      WHERE coalesce(h.amount, 0)
        <> coalesce(o.amount, 0) - coalesce(n.amount, 0) - coalesce(h.given_up, 0)
    """)


@invariant("L5")
def clawbacks_are_booked_once(_at: datetime) -> list[str]:
    """A made clawback has one posting of its amount and fee; an unposted void has none."""
    return problems_of("""
      WITH made AS (
        SELECT CASE WHEN n.state = 'voided' AND c.amount_minor = n.pay_minor
            THEN 'void:' || n.id ELSE 'clawback:' || c.id END AS key,
          c.amount_minor + c.fee_minor AS amount
        FROM payouts_clawback c JOIN payouts_earning n ON n.id = c.earning_id
        WHERE c.state = 'made' AND n.posting_id IS NOT NULL
      ), booked AS (
        SELECT p.key, sum(e.amount_minor) AS amount
        FROM payouts_posting p JOIN payouts_entry e ON e.posting_id = p.id AND e.side = 'C'
        WHERE p.kind IN ('clawed_back', 'earning_voided') GROUP BY p.id
      )
      SELECT key || ': decided ' || coalesce(m.amount, 0) || ', booked ' || coalesce(b.amount, 0)
      FROM made m FULL JOIN booked b USING (key) WHERE m.amount IS DISTINCT FROM b.amount
    """)


@invariant("L5")
def no_earning_is_taken_beyond_its_pay(_at: datetime) -> list[str]:
    """Clawbacks of an earning stay below its pay and fee, and nettings below what was netted."""
    return problems_of("""
      SELECT 'earning ' || n.key || ': pay ' || n.pay_minor || ', taken ' || coalesce(c.taken, 0) ||
        ', netted ' || n.netted_minor || ' of which debt ' || coalesce(d.netted, 0)
      FROM payouts_earning n
      LEFT JOIN (SELECT earning_id, sum(amount_minor) AS taken, sum(fee_minor) AS fee
        FROM payouts_clawback WHERE state = 'made' GROUP BY 1) c ON c.earning_id = n.id
      LEFT JOIN (SELECT earning_id, sum(amount_minor) AS netted
        FROM payouts_netting GROUP BY 1) d ON d.earning_id = n.id
      WHERE coalesce(c.taken, 0) > n.pay_minor - (n.netted_minor - coalesce(d.netted, 0))
        OR coalesce(c.taken, 0) < n.clawed_minor OR coalesce(d.netted, 0) > n.netted_minor
    """)
