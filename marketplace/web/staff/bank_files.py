"""Files for the operator's bank: made, approved by another, downloaded, answered by the bank."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import payout_badge, run_badge
from payouts.access import visible_bank_batches, visible_payouts
from payouts.models import BankBatch, Payout
from payouts.selectors.pausing import pause_reason
from payouts.services import bank_files as verbs
from payouts.services.confirming import import_confirmation

LARGEST_UPLOAD = 5 * 1024 * 1024
PROBLEMS_SHOWN = 100
USELESS = (
    "Nothing was taken in: no line of it speaks of a payment of this file. Choose the bank's "
    "answer to this very file, with the columns that the form names."
)
Values = dict[str, Any]  # Any: template values


@for_staff(*BOOKS)
def bank_files(request: HttpRequest, user: User) -> HttpResponse:
    """Every file, and what waits for one."""
    page = page_of(request, visible_bank_batches(to=user).select_related("made_by", "approved_by"))
    context = {
        "page": page,
        "rows": _lines(page.rows),
        "waiting": _waiting(user),
        "acts": may(user, "finance"),
    }
    return render(request, "web/staff/bank_files.html", context)


@money_act
def draft_bank_file(request: HttpRequest, user: User) -> HttpResponse:
    """Make a file of what approved runs have to pay."""
    try:
        found = verbs.draft_batch(
            currency=request.POST.get("currency", ""), by=user, at=clock.now()
        )
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("staff:bank_files")
    return redirect("staff:bank_file", found.pk)


@for_staff(*BOOKS)
def bank_file(request: HttpRequest, user: User, batch_id: UUID) -> HttpResponse:
    """One file with its payments."""
    return _show(request, user, _find(user, batch_id))


@money_act
def act_on_bank_file(request: HttpRequest, user: User, batch_id: UUID, act: str) -> HttpResponse:
    """Approve or drop."""
    found = _find(user, batch_id)
    if act not in _ACTS:
        raise NotFound("There is no such act.")
    try:
        after = _ACTS[act](found, user, clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, f"This file is {after.state} now.")
    return redirect("staff:bank_file", batch_id)


@money_act
def download_bank_file(request: HttpRequest, user: User, batch_id: UUID) -> HttpResponse:
    """The file itself. The first download sends it on its way; later ones give the same bytes."""
    found = _find(user, batch_id)
    try:
        content = verbs.export_batch(batch=found, by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("staff:bank_file", batch_id)
    name = f"payments-{found.currency}-{found.made_at:%Y-%m-%d}-{found.pk.hex[-6:]}.csv"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@money_act
def confirm_bank_file(request: HttpRequest, user: User, batch_id: UUID) -> HttpResponse:
    """Take in what the bank says; wrong lines are shown, the rest is kept."""
    found, file = _find(user, batch_id), request.FILES.get("file")
    if file is None or file.size is None or file.size > LARGEST_UPLOAD:
        messages.error(request, "Choose the bank's file, 5 MB at most.")
        return redirect("staff:bank_file", batch_id)
    try:
        done = import_confirmation(batch=found, content=file.read(), by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("staff:bank_file", batch_id)
    if not done.paid + done.rejected + done.known:
        messages.error(request, USELESS)
        problems = list(done.problems[:PROBLEMS_SHOWN])
        return _show(request, user, found, problems=problems, status=422)
    known = f", {done.known} known already" if done.known else ""
    messages.info(request, f"{done.paid} paid, {done.rejected} rejected{known}.")
    if done.rejected:
        messages.info(request, "A second person confirms what was rejected.")
    if not done.problems:
        return redirect("staff:bank_file", batch_id)
    found.refresh_from_db()
    return _show(request, user, found, problems=list(done.problems[:PROBLEMS_SHOWN]), status=422)


_ACTS: dict[str, Callable[[BankBatch, User, datetime], BankBatch]] = {
    "approve": lambda batch, by, at: verbs.approve_batch(batch=batch, by=by, at=at),
    "cancel": lambda batch, by, at: verbs.cancel_batch(batch=batch, by=by, at=at),
}


def _show(
    request: HttpRequest,
    user: User,
    found: BankBatch,
    problems: list[Any] | None = None,  # Any: lines of the confirmation
    status: int = 200,
) -> HttpResponse:
    payouts = visible_payouts(to=user).filter(attempts__bank_batch=found)
    page = page_of(request, payouts.select_related("expert", "payee__bank_details").distinct())
    acts, is_mine = may(user, "finance"), found.made_by_id == user.pk
    context = {
        **_lines([found])[0],
        "batch": found,
        "page": page,
        "rows": [_payment(each) for each in page.rows],
        "problems": problems or [],
        "is_mine": is_mine,
        "paused": pause_reason() if found.state == "approved" else "",
        "may_approve": acts and found.state == "drafted" and not is_mine,
        "may_cancel": acts and found.state in ("drafted", "approved"),
        "may_download": acts and found.state in ("approved", "exported", "confirmed"),
        "may_confirm": acts and found.state in ("exported", "confirmed"),
    }
    return render(request, "web/staff/bank_file.html", context, status=status)


def _find(user: User, batch_id: UUID) -> BankBatch:
    rows = visible_bank_batches(to=user).filter(pk=batch_id)
    found = rows.select_related("made_by", "approved_by").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such file.")
    return found


def _lines(batches: list[BankBatch]) -> list[Values]:
    sums = Payout.objects.filter(attempts__bank_batch__in=batches).values("attempts__bank_batch")
    counted = sums.annotate(n=Count("pk"), minor=Sum("amount_minor")).order_by()
    of = {each["attempts__bank_batch"]: each for each in counted}
    return [
        {
            "row": each,
            "badge": run_badge(each.state),
            "n": of[each.pk]["n"] if each.pk in of else 0,
            "amount": Money(of[each.pk]["minor"] if each.pk in of else 0, each.currency),
        }
        for each in batches
    ]


def _waiting(user: User) -> list[Values]:
    """What approved runs have to pay by file and no file has, per currency."""
    rows = visible_payouts(to=user).filter(
        state="reserved",
        run__rail="bank_file",
        run__state__in=["approved", "running", "done"],
        attempts__state="created",
        attempts__bank_batch=None,
    )
    sums = rows.values("currency").annotate(n=Count("pk"), minor=Sum("amount_minor"))
    return [
        {
            "currency": each["currency"],
            "n": each["n"],
            "amount": Money(each["minor"], each["currency"]),
        }
        for each in sums.order_by("currency")
    ]


def _payment(row: Payout) -> Values:
    details = getattr(row.payee, "bank_details", None)
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.currency),
        "badge": payout_badge(row.state, rail="bank_file"),
        "account": f"… {details.account_ending}" if details else "",
    }
