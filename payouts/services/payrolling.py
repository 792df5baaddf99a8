"""What an employer owes its own people: drafted, approved by another, acknowledged (MONEY 14).

The money leaves the person's balance with the draft, so no second draft can take it again; the
employer's acknowledgement that it has paid gives the money that covered it back to its wallet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from hashlib import sha256

from django.db import transaction
from django.db.models import Max, Q

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.states import require_transition
from marketplace.kit.tables import csv_lines
from marketplace.organizations.models import Employment, Organization
from marketplace.people.models import Expert, User
from payouts.models import Earning, PayrollExport, PayrollItem, PayrollLine
from payouts.selectors.bank_lines import amount_cell
from payouts.services.payroll_lines import (
    accrual,
    give_back,
    live_lines,
    post_lines,
    settlement,
)
from payouts.services.proposing import SamePerson

COLUMNS = ("employee", "name", "period_from", "period_until", "hours", "amount_minor")
MORE_COLUMNS = ("currency", "amount", "earnings")


class NothingToExport(DomainError):
    """No employee of this employer has available pay of that period."""

    code = "nothing_to_export"
    status = 409


@transaction.atomic
def draft_payroll(
    *,
    organization: Organization,
    currency: str,
    period_from: date,
    period_until: date,
    by: User,
    at: datetime,
) -> PayrollExport:
    """Take the available pay of the employer's people earned before `period_until` into a draft.

    What was earned earlier and came out of its hold only now is in it too. `period_until` is the
    first day after the period, in UTC, and not in the future. Raises NothingToExport, InvalidInput.
    """
    if not period_from < period_until <= at.date():
        problem = {"field": "period_until", "problem": "ends after it begins and has passed"}
        raise InvalidInput("Choose a period that is over.", errors=[problem])
    earnings = _of_employer(organization, currency, period_until)
    if not earnings:
        raise NothingToExport("Nobody employed here has available pay of that period.")
    export = PayrollExport.objects.create(
        organization=organization,
        currency=currency,
        period_from=period_from,
        period_until=period_until,
        made_by=by,
        made_at=at,
    )
    lines = [_add_line(export, rows) for rows in _by_expert(earnings).values()]
    post_lines(export=export, drafts=[accrual(line=line, at=at) for line in lines], by=by)
    Earning.objects.filter(id__in=[row.id for row in earnings]).update(state="reserved")
    _record("payroll.drafted", export, by, at)
    return export


@transaction.atomic
def approve_payroll(*, export: PayrollExport, by: User, at: datetime) -> PayrollExport:
    """Number the export and freeze its file and hash, once. Raises SamePerson for its maker.

    Whoever is paid by it may not approve it either.
    """
    row = _lock(export, "exported")
    if row.made_by_id == by.pk or row.lines.filter(expert__user=by).exists():
        raise SamePerson("Somebody else has to approve this payroll.")
    Organization.objects.select_for_update(no_key=True).get(pk=row.organization_id)
    known = PayrollExport.objects.filter(organization=row.organization_id)
    row.number = (known.aggregate(last=Max("number"))["last"] or 0) + 1
    row.csv = _file(row)
    row.sha256 = sha256(row.csv.encode()).hexdigest()
    row.state, row.approved_by, row.exported_at = "exported", by, at
    row.save(update_fields=["number", "csv", "sha256", "state", "approved_by", "exported_at"])
    _record("payroll.exported", row, by, at)
    return row


@transaction.atomic
def cancel_payroll(*, export: PayrollExport, by: User, at: datetime) -> PayrollExport:
    """Give a draft's money back to the people's balances. Two people void an exported file."""
    row = _lock(export, "cancelled")
    give_back(export=row, lines=live_lines(export=row), by=by, at=at)
    row.state, row.cancelled_at = "cancelled", at
    row.save(update_fields=["state", "cancelled_at"])
    _record("payroll.cancelled", row, by, at)
    return row


@transaction.atomic
def acknowledge_payroll(*, export: PayrollExport, by: User, at: datetime) -> PayrollExport:
    """The employer says that it has paid its people; the covering money is its own again.

    Raises SamePerson for somebody whom it pays.
    """
    row = _lock(export, "acknowledged")
    if row.lines.filter(expert__user=by).exists():
        raise SamePerson("This payroll pays you; somebody else has to say that it is paid.")
    drafts = [settlement(line=line, at=at) for line in live_lines(export=row)]
    post_lines(export=row, drafts=drafts, by=by)
    items = PayrollItem.objects.filter(line__export=row, is_live=True)
    Earning.objects.filter(payroll_items__in=items).update(state="paid")
    row.state, row.acknowledged_by, row.acknowledged_at = "acknowledged", by, at
    row.save(update_fields=["state", "acknowledged_by", "acknowledged_at"])
    _record("payroll.acknowledged", row, by, at)
    return row


def _of_employer(organization: Organization, currency: str, until: date) -> list[Earning]:
    """Available payroll pay whose employer, on the day it was earned, is this one."""
    day_ends = datetime.combine(until, time(), UTC)
    employed = Employment.objects.filter(organization=organization, workforce="employee")
    people = {row.expert_id for row in employed}
    rows = Earning.objects.select_for_update(no_key=True).filter(
        expert__in=people,
        currency=currency,
        pay_channel="payroll",
        state="available",
        payable_minor__gt=0,
        earned_at__lt=day_ends,
    )
    return [row for row in rows.order_by("id") if _employer_of(row) == organization.pk]


def _employer_of(earning: Earning) -> object:
    """Who employed the expert when it was earned, or last before: claimed work is paid by them."""
    day = earning.earned_at.date()
    rows = Employment.objects.filter(
        expert=earning.expert_id, workforce="employee", from_date__lte=day
    )
    running = rows.filter(Q(until_date=None) | Q(until_date__gt=day))
    found = (running if running.exists() else rows).order_by("-from_date", "-id").first()
    return found.organization_id if found else None


def _by_expert(earnings: Iterable[Earning]) -> dict[Expert, list[Earning]]:
    grouped: dict[Expert, list[Earning]] = defaultdict(list)
    experts = Expert.objects.in_bulk({row.expert_id for row in earnings})
    for row in earnings:
        grouped[experts[row.expert_id]].append(row)
    return dict(sorted(grouped.items(), key=lambda pair: pair[0].pk))


def _add_line(export: PayrollExport, rows: list[Earning]) -> PayrollLine:
    line = PayrollLine.objects.create(
        export=export,
        expert=rows[0].expert,
        seconds=sum(row.seconds or 0 for row in rows),
        amount_minor=sum(row.payable_minor for row in rows),
    )
    PayrollItem.objects.bulk_create(
        PayrollItem(line=line, earning=row, amount_minor=row.payable_minor) for row in rows
    )
    return line


def _file(export: PayrollExport) -> str:
    lines = export.lines.select_related("expert").order_by("expert__pseudonym")
    rows = (_cells(export, line) for line in lines.prefetch_related("items"))
    return "".join(csv_lines([*COLUMNS, *MORE_COLUMNS], rows))


def _cells(export: PayrollExport, line: PayrollLine) -> Iterator[object]:
    yield from (line.expert.pseudonym, line.expert.display_name)
    yield from (export.period_from, export.period_until)
    hundredths = (line.seconds * 100 + 1800) // 3600
    yield f"{hundredths // 100}.{hundredths % 100:02d}"
    yield from (line.amount_minor, export.currency)
    yield amount_cell(line.amount_minor, export.currency)
    yield " ".join(sorted(str(item.earning_id) for item in line.items.all() if item.is_live))


def _lock(export: PayrollExport, target: str) -> PayrollExport:
    rows = PayrollExport.objects.select_for_update(of=("self",)).select_related("organization")
    row = rows.get(id=export.id)
    require_transition(PayrollExport.TRANSITIONS, row, target)
    return row


def _record(kind: str, row: PayrollExport, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="payroll_export",
        object_id=row.id,
        actor=by.pk,
        organization=row.organization_id,
        data={"number": row.number, "currency": row.currency, "sha256": row.sha256},
    )
