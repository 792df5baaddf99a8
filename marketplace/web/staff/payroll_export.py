"""One payroll with its lines; those that the employer cannot pay are voided by two people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from payouts.access import require_no_stake, visible_payroll_exports, visible_proposals
from payouts.models import PayrollExport, PayrollLine
from payouts.selectors.proposals import waiting_about
from payouts.services.payroll_voiding import propose_void


@for_staff(*BOOKS)
def payroll_export(request: HttpRequest, user: User, export_id: UUID) -> HttpResponse:
    """The people of one payroll and what each is paid."""
    found = _find(user, export_id)
    page = page_of(request, PayrollLine.objects.filter(export=found).select_related("expert"))
    waiting = waiting_about(visible_proposals(to=user), subjects=[found.pk])
    context = {
        "export": found,
        "badge": staff_badge(found.state),
        "page": page,
        "rows": [_line(each, found.currency) for each in page.rows],
        "waiting": waiting,
        "may_void": may(user, "finance") and found.state == "exported" and not waiting,
    }
    return render(request, "web/staff/payroll_export.html", context)


@money_act
def void_payroll(request: HttpRequest, user: User, export_id: UUID) -> HttpResponse:
    """Ask a second person to void the chosen lines, or all of them."""
    found = _find(user, export_id)
    require_no_stake(user, found.organization)
    try:
        propose_void(
            export=found,
            lines=_chosen(request, found),
            why=request.POST.get("why", ""),
            by=user,
            at=clock.now(),
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, "A second person decides now; it waits under Second person.")
    return redirect("staff:payroll_export", export_id)


def _chosen(request: HttpRequest, found: PayrollExport) -> list[UUID]:
    live = found.lines.filter(voided_at=None).order_by("pk").values_list("pk", flat=True)
    if "all" in request.POST:
        return list(live)
    asked = set(request.POST.getlist("line"))
    return [each for each in live if str(each) in asked]


def _find(user: User, export_id: UUID) -> PayrollExport:
    rows = visible_payroll_exports(to=user).filter(pk=export_id)
    found = rows.select_related("organization", "made_by", "approved_by").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such payroll.")
    return found


def _line(row: PayrollLine, currency: str) -> dict[str, Any]:  # Any: template values
    hundredths = (row.seconds * 100 + 1800) // 3600
    return {
        "row": row,
        "hours": f"{hundredths // 100}.{hundredths % 100:02d} h",
        "amount": Money(row.amount_minor, currency),
    }
