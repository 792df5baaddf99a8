"""Payroll files of employers: drafted by one person, approved by another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.organizations.access import visible_employments, visible_organizations
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from marketplace.web.client.acting import tried
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from payouts.access import require_no_stake, visible_payroll_exports
from payouts.models import PayrollExport
from payouts.selectors.books import currencies
from payouts.services import payrolling as verbs


class DraftForm(forms.Form):
    """Which employer and which period."""

    organization = forms.ModelChoiceField(
        label="Employer", queryset=Organization.objects.none(), empty_label="Choose"
    )
    period_from = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    period_until = forms.DateField(
        label="Until before", widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        employed = visible_employments(to=user).filter(workforce="employee")
        employers = visible_organizations(to=user).filter(employments__in=employed).distinct()
        self.fields["organization"].queryset = employers.order_by("name", "pk")  # type: ignore[attr-defined]  # a choice
        self.codes = currencies()
        if len(self.codes) > 1:
            choices = [(each, each) for each in self.codes]
            self.fields["currency"] = forms.ChoiceField(choices=choices)


@for_staff(*BOOKS)
def payroll(request: HttpRequest, user: User) -> HttpResponse:
    """Every file, newest first."""
    return _show(request, user, DraftForm(user=user))


@money_act
def draft_payroll(request: HttpRequest, user: User) -> HttpResponse:
    """Take what an employer's people have earned into a draft."""
    form = DraftForm(request.POST, user=user)

    def draft() -> None:
        values = {"currency": form.codes[0], **form.cleaned_data}
        verbs.draft_payroll(**values, by=user, at=clock.now())

    if tried(form, draft):
        messages.success(request, "Drafted. Somebody else approves it.")
        return redirect("staff:payroll")
    return _show(request, user, form)


@money_act
def act_on_payroll(request: HttpRequest, user: User, export_id: UUID, act: str) -> HttpResponse:
    """Approve or cancel."""
    found = _find(user, export_id)
    if act not in _ACTS:
        raise NotFound("There is no such act.")
    require_no_stake(user, found.organization)
    try:
        after = _ACTS[act](found, user, clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"This payroll is {after.state} now.")
    return redirect("staff:payroll")


@for_staff(*BOOKS)
def payroll_file(_request: HttpRequest, user: User, export_id: UUID) -> HttpResponse:
    """The file, byte for byte as it was approved."""
    found = _find(user, export_id)
    if not found.csv:
        raise NotFound("This payroll has no file; it was not approved.")
    name = f"payroll-{found.organization.slug}-{found.number}.csv"
    return HttpResponse(
        found.csv,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _approve(export: PayrollExport, by: User, at: datetime) -> PayrollExport:
    return verbs.approve_payroll(export=export, by=by, at=at)


def _cancel(export: PayrollExport, by: User, at: datetime) -> PayrollExport:
    return verbs.cancel_payroll(export=export, by=by, at=at)


_ACTS: dict[str, Callable[[PayrollExport, User, datetime], PayrollExport]] = {
    "approve": _approve,
    "cancel": _cancel,
}


def _find(user: User, export_id: UUID) -> PayrollExport:
    rows = visible_payroll_exports(to=user).select_related("organization").filter(pk=export_id)
    found = rows.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such payroll.")
    return found


def _show(request: HttpRequest, user: User, form: DraftForm) -> HttpResponse:
    rows = visible_payroll_exports(to=user)
    page = page_of(request, rows.select_related("organization", "made_by", "approved_by"))
    sums = rows.filter(pk__in=[each.pk for each in page.rows]).values("pk")
    live = Q(lines__voided_at=None)
    summed = sums.annotate(
        people=Count("lines", filter=live), minor=Sum("lines__amount_minor", filter=live)
    ).order_by()
    of = {each["pk"]: each for each in summed}
    context = {
        "page": page,
        "rows": [
            {
                "row": each,
                "badge": staff_badge(each.state),
                "people": of[each.pk]["people"],
                "amount": Money(of[each.pk]["minor"] or 0, each.currency),
                "may_approve": each.state == "drafted" and each.made_by_id != user.pk,
                "may_cancel": each.state == "drafted",
            }
            for each in page.rows
        ],
        "acts": may(user, "finance"),
        "form": form,
    }
    return render(request, "web/staff/payroll.html", context, status=422 if form.is_bound else 200)
