"""Monthly statements: opening, what moved and why, closing. Corrections show when they are made."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from marketplace.kit.errors import InvalidInput
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import Document, Earning
from payouts.selectors.statements import (
    Moved,
    Owner,
    Reading,
    balances,
    earnings_of,
    fees_of,
    is_work_unbooked,
    last_statement,
    month_bounds,
    moved,
    owners_with_accounts,
    reading_of,
)
from payouts.services.documenting import issue_document

logger = logging.getLogger(__name__)
Line = dict[str, Any]  # Any: JSON of the paper
_WORDS = {
    "funding_paid": "Payment received",
    "wire_received": "Bank transfer received",
    "budget_granted": "Budget granted",
    "earning_voided": "Taken back while on hold",
    "clawed_back": "Clawed back",
    "debt_written_off": "Debt written off",
    "transfer_made": "Paid out",
    "transfer_reversed": "A transfer came back",
    "payroll_settled": "Paid by the employer",
    "refund_paid": "Refunded",
    "refund_returned": "A refund came back",
    "chargeback_lost": "Lost in a chargeback",
    "reversal": "Correction",
}
_SOURCES = {"assignment": "an approved answer", "bonus": "a bonus"}  # else the key
_WORK = ("earnings_posted", "earning_posted_now")


def make_statements(*, month: date, at: datetime) -> int:
    """Make the statement of the month for everybody who lacks it; how many were made.

    A sequence, one transaction each; repeat it freely: who has one, or whose approved work is not
    booked yet, is left out. Raises InvalidInput while the month is not over, and at the end what
    does not add up, which stops nobody else's.
    """
    _require_over(month, at)
    made, errors = 0, list[Exception]()
    for currency, organization_id, expert_id in owners_with_accounts():
        owner = _owner(currency, organization_id, expert_id)
        if not Document.objects.filter(key=_key(owner, month)).exists():
            try:
                made += _state(owner, month, at) is not None
            except RuntimeError as error:
                logger.exception("A statement does not add up", extra={"owner": owner.name})
                errors.append(error)
    if errors:
        raise ExceptionGroup("statements do not add up", errors)
    return made


def previous_month(*, at: datetime) -> date:
    """The first day of the month before the one of `at`, UTC."""
    today = at.astimezone(UTC).date()
    return date(today.year - (today.month == 1), (today.month - 2) % 12 + 1, 1)


def make_statement(
    *,
    currency: str,
    organization: Organization | None = None,
    expert: Expert | None = None,
    month: date,
    at: datetime,
) -> Document | None:
    """One client's or expert's statement of one currency and month, once.

    None where nothing moved and nothing is there, where a later month has its statement already,
    and while approved work of the month waits to be booked. Raises InvalidInput while the month
    is not over.
    """
    _require_over(month, at)
    return _state(Owner(currency, organization, expert), month, at)


def _state(owner: Owner, month: date, at: datetime) -> Document | None:
    first, until = month_bounds(month)
    last = last_statement(owner)
    if last is not None and last.period_from is not None and last.period_from >= first.date():
        return last if last.period_from == first.date() else None
    if is_work_unbooked(owner, before=until):
        return None
    reading = reading_of(owner, month=month, last=last)
    body = _body(owner, reading, last)
    if not (body["movements"] or body["opening"]["minor"] or body["closing"]["minor"]):
        return None
    return issue_document(
        kind="statement",
        key=_key(owner, month),
        organization=owner.organization,
        expert=owner.expert,
        currency=owner.currency,
        body=body,
        at=at,
        period=(first.date(), until.date()),
    )


def _body(owner: Owner, reading: Reading, last: Document | None) -> dict[str, Any]:  # Any: JSON
    parts = balances(reading, before=reading.until)
    if last is None:
        opening = sum(balances(reading, before=reading.since).values())
    else:
        opening = last.body["closing"]["minor"]
    rows = moved(reading)
    lines = [_told(line, reading.since) for line in _lines(owner, rows)]
    closing = opening + sum(line["minor"] for line in lines)
    if closing != sum(parts.values()):
        raise RuntimeError(f"the statement of {owner.name} does not add up")
    charged, returned = fees_of(row.posting_id for row in rows) if owner.organization else (0, 0)
    return {
        "opening": {"minor": opening},
        "movements": lines,
        "closing": {"minor": closing, "parts": parts},
        "fees": {"charged_minor": charged, "returned_minor": returned},
        "read_up_to": dict(reading.versions),
    }


def _told(line: Line, since: datetime) -> Line:
    late = " (booked after the statement of its month)" if line["at"] < since.isoformat() else ""
    return {**line, "words": line["words"] + late}


def _lines(owner: Owner, rows: Sequence[Moved]) -> Iterator[Line]:
    earned = earnings_of((row.posting_id for row in rows if row.kind in _WORK), owner)
    if owner.expert:
        for row in rows:
            found = earned.get(row.posting_id)
            yield from [_earned(each) for each in found] if found else [_line(row)]
        return
    today = groupby(rows, key=lambda row: (row.kind in _WORK, row.at.astimezone(UTC).date()))
    for (is_work, _day), group in today:
        if is_work:
            yield from _worked(list(group), earned)
        else:
            yield from [_line(row) for row in group]


def _line(row: Moved) -> Line:
    words = _WORDS.get(row.kind, row.kind.replace("_", " ").capitalize())
    return {
        "at": row.at.astimezone(UTC).isoformat(),
        "kind": row.kind,
        "words": words,
        "source": row.external_ref or row.key,
        "minor": row.minor,
    }


def _earned(row: Earning) -> Line:
    kind = row.key.partition(":")[0]
    words = "Approved task" if kind == "assignment" else kind.replace("_", " ").capitalize()
    return {
        "at": row.earned_at.astimezone(UTC).isoformat(),
        "kind": "earning",
        "words": words,
        "source": _SOURCES.get(kind, row.key),
        "key": row.key,
        "minor": row.pay_minor,
    }


def _worked(rows: Sequence[Moved], earned: dict[UUID, list[Earning]]) -> Iterator[Line]:
    """One line per day and batch: how many units of work, and the fee in it."""
    subjects = sorted({row.subject_id for row in rows}, key=str)
    for subject in subjects:
        own = [row for row in rows if row.subject_id == subject]
        works = [
            each
            for posting in {row.posting_id for row in own}
            for each in earned.get(posting, [])
            if each.reservation_id in (subject, None)
        ]
        is_batch = any(each.reservation_id for each in works)
        units = f"{len(works)} approved {'unit' if len(works) == 1 else 'units'} of work"
        yield {
            "at": max(row.at for row in own).astimezone(UTC).isoformat(),
            "kind": "earnings",
            "words": f"{units}, pay and fee",
            "source": f"{'batch' if is_batch else 'project'}:{subject}",
            "minor": sum(row.minor for row in own),
            "fee_minor": sum(each.fee_minor for each in works),
        }


def _owner(currency: str, organization_id: UUID | None, expert_id: UUID | None) -> Owner:
    if organization_id is not None:
        return Owner(currency, organization=Organization.objects.get(pk=organization_id))
    assert expert_id is not None  # constraint account_owner_fits_kind
    return Owner(currency, expert=Expert.objects.get(pk=expert_id))


def _key(owner: Owner, month: date) -> str:
    return f"statement:{owner.name}:{month:%Y-%m}:{owner.currency}"


def _require_over(month: date, at: datetime) -> None:
    if at < month_bounds(month)[1]:
        problem = {"field": "month", "problem": "is not over yet"}
        raise InvalidInput("A statement is made when its month is over.", errors=[problem])
