"""Second person: acts on money that somebody proposed and somebody else decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, InvalidInput, NotFound
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import staff_badge
from payouts.access import require_no_stake, visible_clawbacks, visible_proposals
from payouts.models import Clawback, Proposal
from payouts.selectors.exchanges import KIND as EXCHANGE
from payouts.selectors.proposals import sentence
from payouts.services import proposing as verbs

DECIDED = ("approved", "refused", "withdrawn")
SAID = {
    "approved": "Approved and done.",
    "refused": "Refused; whoever asked reads your answer.",
    "withdrawn": "Withdrawn.",
}


@for_staff(*BOOKS)
def proposals(request: HttpRequest, user: User) -> HttpResponse:
    """What waits for a second person, or what was decided."""
    show = "decided" if request.GET.get("show") == "decided" else "waiting"
    rows = visible_proposals(to=user).filter(
        state__in=DECIDED if show == "decided" else ["proposed"]
    )
    page = page_of(request, rows.select_related("proposed_by", "decided_by", "organization"))
    acts = may(user, "finance")
    appealed = _appealed(user, page.rows)
    context = {
        "page": page,
        "show": show,
        "rows": [_line(each, user, appealed.get(each.subject_id), acts=acts) for each in page.rows],
        "views": [
            {"label": "Waiting", "url": "?", "is_current": show == "waiting"},
            {"label": "Decided", "url": "?show=decided", "is_current": show == "decided"},
        ],
    }
    return render(request, "web/staff/proposals.html", context)


@money_act
def decide_proposal(request: HttpRequest, user: User, proposal_id: UUID, act: str) -> HttpResponse:
    """Approve, refuse or withdraw."""
    rows = visible_proposals(to=user).filter(pk=proposal_id)
    found = rows.select_related("organization").order_by("pk").first()
    if found is None or act not in _ACTS:
        raise NotFound("There is no such proposal.")
    try:
        if act == "approve" and found.organization is not None:
            require_no_stake(user, found.organization)
        after = _ACTS[act](request, found, user, clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, SAID[after.state])
    return redirect("staff:proposals")


def _approve(_request: HttpRequest, found: Proposal, by: User, at: datetime) -> Proposal:
    return verbs.approve(proposal=found, by=by, at=at)


def _refuse(request: HttpRequest, found: Proposal, by: User, at: datetime) -> Proposal:
    answer = request.POST.get("answer", "").strip()
    if not answer:
        raise InvalidInput("Write an answer for whoever asked.", errors=[])
    return verbs.refuse(proposal=found, answer=answer, by=by, at=at)


def _withdraw(_request: HttpRequest, found: Proposal, by: User, at: datetime) -> Proposal:
    return verbs.withdraw(proposal=found, by=by, at=at)


def _about(row: Proposal, clawback: Clawback | None) -> tuple[str, str] | None:
    """Where what it is about is shown, and in which words."""
    if clawback is not None:
        return reverse("staff:clawback", args=[clawback.pk]), "The clawback and its evidence"
    if row.kind == EXCHANGE:
        return reverse("staff:exchanges"), "All exchanges with their rates"
    if "payout" in row.terms:
        return reverse("staff:payout", args=[row.terms["payout"]]), "The payout"
    if row.kind == "void_payroll":
        return reverse("staff:payroll_export", args=[row.subject_id]), "The payroll"
    if row.kind == "resolve_break":
        return reverse("staff:difference", args=[row.subject_id]), "The difference"
    return None


_ACTS: dict[str, Callable[[HttpRequest, Proposal, User, datetime], Proposal]] = {
    "approve": _approve,
    "refuse": _refuse,
    "withdraw": _withdraw,
}


def _appealed(user: User, rows: list[Proposal]) -> dict[UUID, Clawback]:
    """The clawbacks that these proposals are about."""
    subjects = [each.subject_id for each in rows]
    found = visible_clawbacks(to=user).filter(pk__in=subjects).order_by()
    return {each.pk: each for each in found.select_related("earning__expert")}


def _line(
    row: Proposal, user: User, clawback: Clawback | None, *, acts: bool
) -> dict[str, Any]:  # Any: template values
    """An expert who appeals is known to finance by the pseudonym only."""
    is_mine = row.proposed_by_id == user.pk
    acts = acts and row.state == "proposed"
    return {
        "row": row,
        "words": sentence(row),
        "who": clawback.earning.expert.pseudonym if clawback else row.proposed_by.name,
        "about": _about(row, clawback),
        "badge": staff_badge(row.state),
        "may_decide": acts and not is_mine,
        "may_withdraw": acts and is_mine,
    }
