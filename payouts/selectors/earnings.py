"""What an expert sees of their money."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from marketplace.kit.money import Money
from marketplace.people.models import Expert


@dataclass(frozen=True, slots=True)
class Balance:
    """In hold, free to pay out, being sent, sent so far, and owed back after a clawback."""

    pending: Money
    available: Money
    on_its_way: Money
    paid: Money
    owed: Money


_BALANCE = """
SELECT
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'expert_pending'), 0)
    + (SELECT coalesce(sum(pay_minor), 0) FROM payouts_earning
       WHERE expert_id = %(expert)s AND currency = %(currency)s
         AND posting_id IS NULL AND state = 'pending'),
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'expert_available'), 0),
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'payout_in_transit'), 0),
  (SELECT coalesce(sum(amount_minor), 0) FROM payouts_payout
     WHERE expert_id = %(expert)s AND currency = %(currency)s
       AND state IN ('transferred', 'bank_pending', 'paid', 'bank_failed')),
  coalesce(sum(normal_balance) FILTER (WHERE kind = 'expert_receivable'), 0)
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
