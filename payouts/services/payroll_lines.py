"""The postings of a payroll's lines: taken from the person, given back, paid by the employer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from marketplace.people.models import User
from payouts.models import Earning, PayrollExport, PayrollItem, PayrollLine, Posting
from payouts.services import ledger
from payouts.services.accounts import account

Draft = tuple[Posting, list[ledger.Leg]]


def live_lines(*, export: PayrollExport) -> list[PayrollLine]:
    """The lines that nobody has voided, by expert."""
    rows = export.lines.filter(voided_at=None).select_related("expert", "export__organization")
    return list(rows.order_by("expert_id"))


def accrual(*, line: PayrollLine, at: datetime) -> Draft:
    """Out of the person's balance, to wait for the employer."""
    posting = Posting(key=f"payroll:{line.id}:accrued", kind="payroll_accrued", effective_at=at)
    return posting, _accrued(line)


def settlement(*, line: PayrollLine, at: datetime) -> Draft:
    """What covered the pay is the employer's own again."""
    currency = line.export.currency
    owed = account("payroll_payable", currency=currency, expert=line.expert)
    wallet = account("wallet", currency=currency, organization=line.export.organization)
    posting = Posting(key=f"payroll:{line.id}:settled", kind="payroll_settled", effective_at=at)
    return posting, [
        ledger.Leg(owed, "D", line.amount_minor),
        ledger.Leg(wallet, "C", line.amount_minor),
    ]


def give_back(
    *, export: PayrollExport, lines: Sequence[PayrollLine], by: User, at: datetime
) -> None:
    """Return these lines of a locked export to the people's balances, as if never taken."""
    items = PayrollItem.objects.filter(line__in=lines, is_live=True)
    earnings = Earning.objects.select_for_update(no_key=True).filter(payroll_items__in=items)
    taken = [earning.pk for earning in earnings.order_by("pk")]
    post_lines(export=export, drafts=[_undoing(line, at) for line in lines], by=by)
    Earning.objects.filter(pk__in=taken).update(state="available")
    items.update(is_live=False)


def post_lines(*, export: PayrollExport, drafts: Sequence[Draft], by: User) -> None:
    """All at once, so that every account is locked in the one order."""
    for posting, _ in drafts:
        posting.currency, posting.actor = export.currency, by.pk
    ledger.post_many(drafts=drafts)


def _accrued(line: PayrollLine) -> list[ledger.Leg]:
    currency, expert = line.export.currency, line.expert
    available = account("expert_available", currency=currency, expert=expert)
    owed = account("payroll_payable", currency=currency, expert=expert)
    return [
        ledger.Leg(available, "D", line.amount_minor),
        ledger.Leg(owed, "C", line.amount_minor),
    ]


def _undoing(line: PayrollLine, at: datetime) -> Draft:
    posting = Posting(
        key=f"payroll:{line.id}:cancelled",
        kind="reversal",
        effective_at=at,
        reverses=Posting.objects.get(key=f"payroll:{line.id}:accrued"),
    )
    return posting, [
        ledger.Leg(leg.account, "C" if leg.side == "D" else "D", leg.amount_minor)
        for leg in _accrued(line)
    ]
