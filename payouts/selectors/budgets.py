"""What a client sees of its money: wallet, budget of a project, reservation of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import F, Sum

from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from payouts.models import Account, Earning


@dataclass(frozen=True, slots=True)
class Budget:
    """A project's money: given, free, set aside for batches, for extra answers, and spent."""

    allocated: Money
    escrow: Money
    reserved: Money
    pool: Money
    spent: Money


@dataclass(frozen=True, slots=True)
class ReservationReading:
    """What one batch still holds; `reserved` is already without unposted earnings."""

    reserved: Money
    pool: Money
    spent: Money


def wallet(organization: Organization, currency: str) -> Money:
    """The organisation's free money."""
    row = Account.objects.filter(
        kind="wallet", currency=currency, organization=organization
    ).values_list("credits_minor", "debits_minor")
    return Money(sum(credit - debit for credit, debit in row), currency)


def unposted_of(*, reservation_id: UUID, currency: str) -> Money:
    """Pay and fees that a reservation owes but that no round has posted yet."""
    rows = Earning.objects.filter(reservation=reservation_id, posting=None, state="pending")
    found = rows.aggregate(total=Sum(F("pay_minor") + F("fee_minor")))["total"]
    return Money(found or 0, currency)


_BUDGET = """
WITH pots AS (
  SELECT id FROM payouts_account
    WHERE kind = 'escrow' AND subject_id = %(subject)s AND currency = %(currency)s
), batches AS (
  SELECT reserved_id, overrun_id FROM payouts_reservation
    WHERE subject_id = %(subject)s AND currency = %(currency)s
)
SELECT
  (SELECT coalesce(sum(CASE e.side WHEN 'C' THEN e.amount_minor ELSE -e.amount_minor END), 0)
     FROM payouts_entry e JOIN payouts_posting p ON p.id = e.posting_id
     WHERE e.account_id IN (SELECT id FROM pots)
       AND p.kind IN ('budget_allocated', 'budget_returned')),
  (SELECT coalesce(sum(credits_minor - debits_minor), 0) FROM payouts_account
     WHERE id IN (SELECT id FROM pots)),
  (SELECT coalesce(sum(credits_minor - debits_minor), 0) FROM payouts_account
     WHERE id IN (SELECT reserved_id FROM batches)),
  (SELECT coalesce(sum(credits_minor - debits_minor), 0) FROM payouts_account
     WHERE id IN (SELECT overrun_id FROM batches)),
  (SELECT coalesce(sum(pay_minor + fee_minor), 0) FROM payouts_earning
     WHERE escrow_id IN (SELECT id FROM pots) AND posting_id IS NULL AND state = 'pending')
"""


def project_budget(subject_id: UUID, currency: str) -> Budget:
    """The project's money in one snapshot. A posting round changes none of these numbers."""
    with connection.cursor() as cursor:
        cursor.execute(_BUDGET, {"subject": subject_id, "currency": currency})
        allocated, escrow, reserved, pool, unposted = map(int, cursor.fetchone())
    posted = allocated - escrow - reserved - pool
    return Budget(
        allocated=Money(allocated, currency),
        escrow=Money(escrow, currency),
        reserved=Money(reserved - unposted, currency),
        pool=Money(pool, currency),
        spent=Money(posted + unposted, currency),
    )


_RESERVATION = """
SELECT r.currency,
  (SELECT credits_minor - debits_minor FROM payouts_account WHERE id = r.reserved_id),
  (SELECT credits_minor - debits_minor FROM payouts_account WHERE id = r.overrun_id),
  coalesce(sum(e.pay_minor + e.fee_minor) FILTER (WHERE e.posting_id IS NULL), 0),
  coalesce(sum(e.pay_minor + e.fee_minor), 0)
FROM payouts_reservation r
LEFT JOIN payouts_earning e ON e.reservation_id = r.id AND e.state <> 'voided'
WHERE r.id = %s GROUP BY r.id
"""


def reservation_reading(reservation_id: UUID) -> ReservationReading | None:
    """What a batch holds and has spent, in one snapshot; None where nothing was reserved."""
    with connection.cursor() as cursor:
        cursor.execute(_RESERVATION, [reservation_id])
        row = cursor.fetchone()
    if row is None:
        return None
    currency, reserved, pool, unposted, spent = row
    return ReservationReading(
        reserved=Money(int(reserved - unposted), currency),
        pool=Money(int(pool), currency),
        spent=Money(int(spent), currency),
    )
