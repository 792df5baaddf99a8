"""What a client sees of its money: wallet, budget of a project, reservation of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
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


def wallets(organization: Organization) -> dict[str, Money]:
    """Free money by currency: those it has ever had first, then the others of the instance."""
    rows = Account.objects.filter(kind="wallet", organization=organization)
    held = {
        code: Money(credit - debit, code)
        for code, credit, debit in rows.order_by("currency").values_list(
            "currency", "credits_minor", "debits_minor"
        )
    }
    offered = settings.CURRENCIES
    codes = [*(each for each in offered if each in held), *held, *offered]
    return {code: held.get(code, Money(0, code)) for code in dict.fromkeys(codes)}


def unposted_of(*, reservation_id: UUID, currency: str) -> Money:
    """Pay and fees that a reservation owes but that no round has posted yet."""
    rows = Earning.objects.filter(reservation=reservation_id, posting=None, state="pending")
    found = rows.aggregate(total=Sum(F("pay_minor") + F("fee_minor")))["total"]
    return Money(found or 0, currency)


_BUDGETS = """
SELECT s.id,
  (SELECT coalesce(sum(CASE e.side WHEN 'C' THEN e.amount_minor ELSE -e.amount_minor END), 0)
     FROM payouts_account a JOIN payouts_entry e ON e.account_id = a.id
     JOIN payouts_posting p ON p.id = e.posting_id
     WHERE a.kind = 'escrow' AND a.subject_id = s.id AND a.currency = s.currency
       AND p.kind IN ('budget_allocated', 'budget_returned', 'chargeback_lost')),
  (SELECT coalesce(sum(a.credits_minor - a.debits_minor), 0) FROM payouts_account a
     WHERE a.kind = 'escrow' AND a.subject_id = s.id AND a.currency = s.currency),
  (SELECT coalesce(sum(a.credits_minor - a.debits_minor), 0)
     FROM payouts_reservation r JOIN payouts_account a ON a.id = r.reserved_id
     WHERE r.subject_id = s.id AND r.currency = s.currency),
  (SELECT coalesce(sum(a.credits_minor - a.debits_minor), 0)
     FROM payouts_reservation r JOIN payouts_account a ON a.id = r.overrun_id
     WHERE r.subject_id = s.id AND r.currency = s.currency),
  (SELECT coalesce(sum(n.pay_minor + n.fee_minor), 0)
     FROM payouts_account a JOIN payouts_earning n ON n.escrow_id = a.id
     WHERE a.kind = 'escrow' AND a.subject_id = s.id AND a.currency = s.currency
       AND n.posting_id IS NULL AND n.state = 'pending')
FROM unnest(%s::uuid[], %s::text[]) AS s(id, currency)
"""


def project_budgets(projects: Sequence[tuple[UUID, str]]) -> dict[UUID, Budget]:
    """`project_budget` of each (project, currency), in one statement."""
    ids, currencies = [key for key, _ in projects], [currency for _, currency in projects]
    with connection.cursor() as cursor:
        cursor.execute(_BUDGETS, [ids, currencies])
        rows = {row[0]: tuple(map(int, row[1:])) for row in cursor.fetchall()}
    return {key: _budget(*rows[key], currency=currency) for key, currency in projects}


def _budget(
    allocated: int, escrow: int, reserved: int, pool: int, unposted: int, *, currency: str
) -> Budget:
    return Budget(
        allocated=Money(allocated, currency),
        escrow=Money(escrow, currency),
        reserved=Money(reserved - unposted, currency),
        pool=Money(pool, currency),
        spent=Money(allocated - escrow - reserved - pool + unposted, currency),
    )


def project_budget(subject_id: UUID, currency: str) -> Budget:
    """The project's money in one snapshot. A posting round changes none of these numbers."""
    return project_budgets([(subject_id, currency)])[subject_id]


_RESERVATION = """
SELECT r.currency,
  (SELECT credits_minor - debits_minor FROM payouts_account WHERE id = r.reserved_id),
  (SELECT credits_minor - debits_minor FROM payouts_account WHERE id = r.overrun_id),
  coalesce(sum(e.pay_minor + e.fee_minor) FILTER (WHERE e.posting_id IS NULL), 0),
  coalesce(sum(e.pay_minor + e.fee_minor), 0)
    - (SELECT coalesce(sum(c.amount_minor + c.fee_minor), 0)
       FROM payouts_clawback c JOIN payouts_earning t ON t.id = c.earning_id
       WHERE t.reservation_id = r.id AND c.state = 'made' AND t.state <> 'voided')
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
