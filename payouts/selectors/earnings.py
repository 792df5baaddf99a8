"""What an expert sees of their money."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from marketplace.kit.money import Money
from marketplace.people.models import Expert


@dataclass(frozen=True, slots=True)
class Balance:
    """In hold, free to pay out, being sent, sent so far, and owed back after a clawback.

    `paid` is less what came back and less `returned`, which the expert's bank refused.
    `with_employer` is in a payroll file, `by_employer` is what the employer has paid.
    """

    pending: Money
    available: Money
    on_its_way: Money
    paid: Money
    owed: Money
    returned: Money
    with_employer: Money
    by_employer: Money


_BALANCE = """
WITH refused AS (
  SELECT coalesce(sum(greatest(p.amount_minor, p.sent_minor) - (
    SELECT coalesce(sum((e.data->>'minor')::bigint), 0) FROM events_event e
    WHERE e.object_id = p.id AND e.object_kind = 'payout' AND e.kind = 'payout.came_back'
  )), 0) AS minor
  FROM payouts_payout p WHERE p.expert_id = %(expert)s AND p.currency = %(currency)s
    AND p.state = 'bank_failed'
)
SELECT
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'expert_pending'), 0)
    + (SELECT coalesce(sum(pay_minor), 0) FROM payouts_earning
       WHERE expert_id = %(expert)s AND currency = %(currency)s
         AND posting_id IS NULL AND state = 'pending'),
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'expert_available'), 0),
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'payout_in_transit'), 0),
  (SELECT coalesce(sum(greatest(amount_minor, sent_minor)), 0) FROM payouts_payout
     WHERE expert_id = %(expert)s AND currency = %(currency)s AND transferred_at IS NOT NULL)
    - (SELECT minor FROM refused) - (SELECT coalesce(sum(pay_minor), 0) FROM payouts_earning
       WHERE expert_id = %(expert)s AND currency = %(currency)s AND key LIKE 'reversal:%%'),
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'expert_receivable'), 0),
  (SELECT minor FROM refused),
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'payroll_payable'), 0),
  (SELECT coalesce(sum(l.amount_minor), 0) FROM payouts_payrollline l
     JOIN payouts_payrollexport x ON x.id = l.export_id
     WHERE l.expert_id = %(expert)s AND x.currency = %(currency)s AND x.state = 'acknowledged'
       AND l.voided_at IS NULL)
FROM (
  SELECT kind, CASE normal WHEN 'D' THEN debits_minor - credits_minor
    ELSE credits_minor - debits_minor END AS normal_balance
  FROM payouts_account WHERE expert_id = %(expert)s AND currency = %(currency)s
) own
"""


def expert_balance(expert: Expert, currency: str) -> Balance:
    """The expert's money in one snapshot: posted and not yet posted together (invariant U).

    One statement, because two could miss or double a posting round between them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE, {"expert": expert.id, "currency": currency})
        amounts = [Money(int(amount), currency) for amount in cursor.fetchone()]
    return Balance(*amounts)
