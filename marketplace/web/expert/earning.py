"""One earning: what for, where it is, what was taken of it and why, and how to appeal; CSV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.kit.tables import csv_lines
from marketplace.people.models import Expert
from marketplace.web.expert.earnings import earning_lines
from marketplace.web.expert.money_words import earning_words
from marketplace.web.expert.own import for_expert
from marketplace.web.work_names import name_of, work_names
from payouts.access import visible_clawbacks, visible_earnings, visible_proposals
from payouts.models import Clawback, Earning, PayrollItem, Proposal
from payouts.selectors.came_back import Unpaid, unpaid_of
from payouts.services.overturning import KIND, appeal_clawback
from tasks.access import own_assignments, visible_bonuses

COLUMNS = (
    *("for", "key", "state", "earned_at", "available_at", "seconds", "amount_minor"),
    *("netted_minor", "taken_back_minor", "came_back_minor", "currency", "work"),
)


@for_expert
def earning(request: HttpRequest, expert: Expert, earning_id: UUID) -> HttpResponse:
    """Everything about one amount."""
    return _show(request, expert, _own(expert, earning_id))


@require_POST
@for_expert
def appeal(request: HttpRequest, expert: Expert, clawback_id: UUID) -> HttpResponse:
    """Ask for a second look at what was taken back."""
    rows = visible_clawbacks(to=expert.user).filter(pk=clawback_id, earning__expert=expert)
    found = rows.select_related("earning").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such clawback of yours.")
    try:
        why = request.POST.get("why", "")
        appeal_clawback(clawback=found, why=why, by=expert.user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Sent. Somebody who had no part in it decides.")
    return redirect("earning", found.earning_id)


@for_expert
def earnings_csv(_request: HttpRequest, expert: Expert) -> HttpResponse:
    """Every amount, the oldest first."""
    own = visible_earnings(to=expert.user).filter(expert=expert).order_by("earned_at", "pk")
    unpaid = unpaid_of(expert)
    return HttpResponse(
        "".join(csv_lines(COLUMNS, _lines(expert, own, unpaid))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="earnings.csv"'},
    )


def per_hour(pay: Money, seconds: int) -> Money:
    """What the pay comes to in an hour of its measured time."""
    return Money(pay.minor * 3600 // seconds, pay.currency)


def _own(expert: Expert, earning_id: UUID) -> Earning:
    rows = visible_earnings(to=expert.user).filter(expert=expert, pk=earning_id)
    found = rows.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such amount of yours.")
    return found


def _show(request: HttpRequest, expert: Expert, found: Earning) -> HttpResponse:
    taken = visible_clawbacks(to=expert.user).filter(earning=found).order_by("decided_at", "pk")
    appeals = visible_proposals(to=expert.user).filter(kind=KIND, subject_id__in=taken)
    by_subject = {each.subject_id: each for each in appeals.order_by("pk")}
    pay = Money(found.pay_minor, found.currency)
    items = found.items.filter(is_live=True).select_related("payout").order_by("pk")
    context = {
        **earning_lines(expert, [found], unpaid_of(expert))[0],
        "earning": found,
        "left": Money(found.payable_minor, found.currency),
        "netted": Money(found.netted_minor, found.currency),
        "hourly": per_hour(pay, found.seconds) if found.seconds else None,
        "items": [
            {"payout": each.payout, "amount": Money(each.amount_minor, found.currency)}
            for each in items
        ],
        "payroll": _payroll(found),
        "bonus": _bonus(expert, found),
        "taken": [_taken(each, by_subject.get(each.pk)) for each in taken],
    }
    return render(request, "web/expert/earning.html", context)


def _payroll(found: Earning) -> PayrollItem | None:
    """The line of an employer's payroll that pays it."""
    rows = PayrollItem.objects.filter(earning=found, is_live=True)
    return rows.select_related("line__export__organization").order_by("pk").first()


def _bonus(expert: Expert, found: Earning) -> object:
    if not found.key.startswith("bonus:"):
        return None
    rows = visible_bonuses(to=expert.user).filter(pk=found.key.removeprefix("bonus:"))
    return rows.order_by("pk").first()


def _taken(row: Clawback, appeal: Proposal | None) -> dict[str, Any]:  # Any: template values
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.earning.currency),
        "owed": Money(row.owed_minor, row.earning.currency),
        "appeal": appeal,
        "may_appeal": appeal is None
        and row.appeal_until is not None
        and clock.now() < row.appeal_until,
    }


def _lines(expert: Expert, own: QuerySet[Earning], unpaid: Unpaid) -> Iterator[Iterator[object]]:
    work, left = own_assignments(to=expert.user), own.iterator(500)
    while rows := list(islice(left, 500)):
        names = work_names([each.key for each in rows], work)
        yield from [_cells(each, name_of(each.key, names), unpaid) for each in rows]


def _cells(row: Earning, name: str, unpaid: Unpaid) -> Iterator[object]:
    kind, _, subject = row.key.partition(":")
    state, _ = earning_words(row, unpaid)
    yield from (kind, subject, state, row.earned_at.isoformat(), row.available_at.isoformat())
    yield from ("" if row.seconds is None else row.seconds, row.pay_minor)
    yield from (row.netted_minor, row.clawed_minor, unpaid.owed_anew.get(row.pk, 0), row.currency)
    yield name
