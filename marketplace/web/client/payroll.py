"""Payroll of the client's own employees: files to pay from, and the word that they are paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.kit.money import Money
from marketplace.web.client.acting import act, link
from marketplace.web.client.labels import client_badge
from marketplace.web.client.money_tabs import money_tabs
from marketplace.web.client.own import Member, paying
from marketplace.web.paging import page_of
from payouts.access import visible_payroll_exports
from payouts.models import PayrollExport, PayrollLine
from payouts.services.payrolling import acknowledge_payroll

SHOWN = ("exported", "acknowledged", "voided")
LIVE = Q(lines__voided_at=None)


@paying
def payroll(request: HttpRequest, member: Member) -> HttpResponse:
    """Every file of this employer, newest first."""
    page = page_of(request, _exports(member))
    lines = _exports(member).filter(pk__in=[each.pk for each in page.rows]).values("pk")
    sums = lines.annotate(
        people=Count("lines", filter=LIVE),
        minor=Sum("lines__amount_minor", filter=LIVE),
        seconds=Sum("lines__seconds", filter=LIVE),
    )
    of = {each["pk"]: each for each in sums.order_by()}
    void = _void(page.rows)
    context = {
        "member": member,
        "tabs": money_tabs(member, "payroll"),
        "page": page,
        "rows": [_row(each, of[each.pk], void[each.pk]) for each in page.rows],
    }
    return render(request, "web/client/payroll.html", context)


@paying
def download(_request: HttpRequest, member: Member, export_id: UUID) -> HttpResponse:
    """The file, byte for byte as it was approved."""
    found = _find(member, export_id)
    name = f"payroll-{found.number}.csv"
    return HttpResponse(
        found.csv,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@paying
def acknowledge(request: HttpRequest, member: Member, export_id: UUID) -> HttpResponse:
    """The employer has paid its people."""
    found = _find(member, export_id)
    return act(
        request,
        lambda: acknowledge_payroll(export=found, by=member.user, at=clock.now()),
        url=link(member, "payroll"),
        done=f"Payroll {found.number} is settled; what covered it is in your wallet.",
    )


def _exports(member: Member) -> QuerySet[PayrollExport]:
    rows = visible_payroll_exports(to=member.user)
    return rows.filter(organization=member.organization, state__in=SHOWN)


def _find(member: Member, export_id: UUID) -> PayrollExport:
    found = _exports(member).filter(pk=export_id).order_by("pk").first()
    if found is None:
        raise NotFound("There is no such payroll.")
    return found


def _void(exports: Iterable[PayrollExport]) -> dict[UUID, list[dict[str, Any]]]:
    """Whom not to pay, by file. Any: template values."""
    rows = PayrollLine.objects.filter(export__in=exports, voided_at__isnull=False)
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.select_related("expert", "export").order_by("expert__pseudonym"):
        amount = Money(row.amount_minor, row.export.currency)
        found[row.export_id].append({"expert": row.expert, "amount": amount})
    return found


def _row(
    export: PayrollExport, sums: Mapping[str, Any], void: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:  # Any: template values
    return {
        "row": export,
        "badge": client_badge(export.state),
        "people": sums["people"],
        "void": void,
        "hours": f"{(sums['seconds'] or 0) // 3600} h",
        "amount": Money(sums["minor"] or 0, export.currency),
    }
