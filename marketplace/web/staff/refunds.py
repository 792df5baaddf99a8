"""Refunds that clients asked for: a second person decides, and sees what has no answer yet."""

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
from payouts.access import require_no_stake, visible_refunds
from payouts.models import Refund, RefundPart
from payouts.selectors.pausing import pause_reason
from payouts.services.giving_back import PROVABLE_AFTER, propose_not_sent
from payouts.services.refund_adopting import propose_refund_adoption
from payouts.services.refunding import approve_refund, refuse_refund

_SENT = {"sending", "unknown", "paid", "failed"}


@for_staff(*BOOKS)
def refunds(request: HttpRequest, user: User) -> HttpResponse:
    """Every refund with its parts, the newest first; `?show=waiting` what waits for finance."""
    waiting = request.GET.get("show") == "waiting"
    rows = visible_refunds(to=user).select_related("organization")
    rows = rows.filter(state="requested") if waiting else rows
    page = page_of(request, rows.prefetch_related("parts__funding"))
    acts = may(user, "finance")
    context = {
        "page": page,
        "rows": [_row(each, user) for each in page.rows],
        "acts": acts,
        "paused": pause_reason(),
        "views": [
            {"label": "All", "url": "?", "is_current": not waiting},
            {"label": "Waiting for finance", "url": "?show=waiting", "is_current": waiting},
        ],
    }
    return render(request, "web/staff/refunds.html", context)


@money_act
def decide_refund(request: HttpRequest, user: User, refund_id: UUID, act: str) -> HttpResponse:
    """Send it, or refuse it with an answer for the client."""
    found = visible_refunds(to=user).filter(pk=refund_id).select_related("organization")
    refund = found.order_by("pk").first()
    if refund is None or act not in ("approve", "refuse"):
        raise NotFound("There is no such refund.")
    require_no_stake(user, refund.organization)
    try:
        if act == "approve":
            approve_refund(refund=refund, by=user, at=clock.now())
        else:
            answer = request.POST.get("answer", "")
            refuse_refund(refund=refund, answer=answer, by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "It is being sent." if act == "approve" else "Refused.")
    return redirect("staff:refunds")


@money_act
def declare_not_sent(request: HttpRequest, user: User, part_id: UUID) -> HttpResponse:
    """Propose that a part without an answer never left; a second person decides."""
    own = RefundPart.objects.filter(pk=part_id, refund__in=visible_refunds(to=user))
    part = own.select_related("refund__organization").order_by("pk").first()
    if part is None:
        raise NotFound("There is no such refund.")
    try:
        propose_not_sent(part=part, why=request.POST.get("why", ""), by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Proposed. A second person of finance decides.")
    return redirect("staff:refunds")


@money_act
def adopt_refund(request: HttpRequest, user: User, part_id: UUID) -> HttpResponse:
    """Propose to book a part as Stripe made it; a second person decides."""
    own = RefundPart.objects.filter(pk=part_id, refund__in=visible_refunds(to=user))
    part = own.select_related("refund__organization").order_by("pk").first()
    if part is None:
        raise NotFound("There is no such refund.")
    require_no_stake(user, part.refund.organization)
    try:
        why = request.POST.get("why", "")
        propose_refund_adoption(part=part, why=why, by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Proposed. A second person of finance decides.")
    return redirect("staff:refunds")


def _row(refund: Refund, user: User) -> dict[str, Any]:  # Any: template values
    is_open = refund.state == "requested"
    return {
        "row": refund,
        "amount": Money(refund.amount_minor, refund.currency),
        "badge": staff_badge(refund.state),
        "parts": [_part(each, refund) for each in refund.parts.all()],
        "may_decide": is_open and refund.asked_by != user.pk,
        "is_mine": is_open and refund.asked_by == user.pk,
    }


def _part(part: RefundPart, refund: Refund) -> dict[str, Any]:  # Any: template values
    sent = part.first_sent_at
    return {
        "row": part,
        "amount": Money(part.amount_minor, refund.currency),
        "word": part.state if refund.state in _SENT else "",
        "payment": part.funding.payment_intent,
        "may_adopt": part.state == "unknown" and part.next_try_at is None,
        "may_declare": part.state == "unknown"
        and sent is not None
        and clock.now() - sent >= PROVABLE_AFTER,
    }
