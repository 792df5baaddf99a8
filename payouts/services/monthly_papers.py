"""Everything on paper that a month ends with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from payouts.services.fee_papers import make_fee_papers
from payouts.services.receipting import issue_missing_receipts
from payouts.services.self_billing import make_notes
from payouts.services.stating import make_statements, previous_month


@dataclass(frozen=True, slots=True)
class Made:
    """How many papers are new."""

    receipts: int
    statements: int
    fee_papers: int
    notes: int


def make_papers(*, month: date, at: datetime) -> Made:
    """Statements of the month, then what follows from them, and receipts still missing.

    A sequence; repeat it freely. Raises InvalidInput while the month is not over, and at the end
    what stopped a statement: nobody else's papers wait for it.
    """
    receipts = issue_missing_receipts(at=at)
    try:
        statements = make_statements(month=month, at=at)
    finally:
        fee_papers = make_fee_papers(month=month, at=at)
        notes = make_notes(month=month, at=at)
    return Made(receipts, statements, fee_papers, notes)


def make_due_papers(*, at: datetime) -> Made:
    """The papers of the last month that is over. A sequence, for the beat."""
    return make_papers(month=previous_month(at=at), at=at)
