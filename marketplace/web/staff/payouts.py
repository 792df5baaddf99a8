"""Single payouts: held ones to look at, each explained down to the work it pays for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, InvalidInput, NotFound
from marketplace.kit.money import Money
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.bank_tries import BANK_ACTS, bank_context, bank_tries_of
from marketplace.web.staff.payout_answers import ANSWERS, answers_of
from marketplace.web.staff.runs import payout_line, state_choices
from marketplace.web.work_names import name_of, work_names
from payouts.access import require_other_than_payee, visible_payouts, visible_proposals
from payouts.models import Payout, PayoutAttempt, PayoutItem
from payouts.selectors.proposals import waiting_about
from payouts.selectors.runs import with_hold
from payouts.services import holding as verbs
from payouts.services import releasing
from tasks.access import visible_assignments

STATES = tuple(Payout.TRANSITIONS)
# docs.stripe.com/error-codes, and what our gateway calls the rest.
_ERRORS = {
    "replayed": "Stripe repeats a breakdown of its own; its outcome is looked up",
    "500": "Stripe broke down; its outcome is looked up",
    "rate_limit": "Stripe was too busy",
    "conflict": "Stripe was still at the first call",
    "balance_insufficient": "Too little money at Stripe",
    "idempotency_error": "The key was used with another body",
    "transfer_differs": "Stripe made another transfer than was asked for",
    "insufficient_capabilities_for_transfer": "The account may not receive",
}
_SAYS_NOTHING = frozenset({"", "Something went wrong."})
ASKED = "A second person decides now; it waits under Second person."


@for_staff(*BOOKS)
def payouts(request: HttpRequest, user: User) -> HttpResponse:
    """Every payout, by state."""
    state = request.GET.get("state", "")
    rows = visible_payouts(to=user)
    page = page_of(
        request,
        (rows.filter(state=state) if state in STATES else rows).select_related("expert", "run"),
    )
    context = {
        "page": page,
        "rows": [payout_line(each) for each in page.rows],
        "state": state,
        "states": state_choices(),
    }
    return render(request, "web/staff/payouts.html", context)


@for_staff(*BOOKS)
def payout(request: HttpRequest, user: User, payout_id: UUID) -> HttpResponse:
    """One payout: the work it pays for, its tries, its postings."""
    found = _find(user, payout_id)
    items = PayoutItem.objects.filter(payout=found).select_related("earning__posting")
    page = page_of(request, items)
    acts = may(user, "finance")
    attempts, bank_tries = list(found.attempts.order_by("-number")), bank_tries_of(found)
    subjects = [found.pk, *(each.pk for each in [*attempts, *bank_tries])]
    waiting = waiting_about(visible_proposals(to=user), subjects=subjects)
    is_closed = found.payee.state == "closed"
    context = {
        **payout_line(found),
        "payout": found,
        "sent": Money(found.sent_minor or found.amount_minor, found.currency),
        "page": page,
        "rows": _parts(user, page.rows, found.currency),
        "attempts": [{"row": each, "error": _error(each)} for each in attempts],
        "waiting": waiting,
        **bank_context(found, bank_tries, waiting, acts=acts),
        "may_hold": acts and found.state == "reserved",
        "may_release": acts and found.state == "held" and not (waiting or is_closed),
        "is_closed": is_closed,
        "may_retry": acts and found.state == "rejected",
        "may_doubt": acts and not waiting and any(_is_doubtful(each) for each in attempts),
        "may_cancel": acts
        and found.state in ("reserved", "held", "rejected")
        and found.why != verbs.PAID_LATE,
        "answers": answers_of(found, attempts, waiting, at=clock.now()) if acts else [],
    }
    return render(request, "web/staff/payout.html", context)


@money_act
def act_on_payout(request: HttpRequest, user: User, payout_id: UUID, act: str) -> HttpResponse:
    """Hold, retry or cancel, or ask a second person. Nobody acts on their own money."""
    found = _find(user, payout_id)
    if act not in {*_ACTS, *ANSWERS, *BANK_ACTS}:
        raise NotFound("There is no such act.")
    try:
        require_other_than_payee(user, found.expert.user_id)
        said = _act(request, found, user, act)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, said)
    return redirect("staff:payout", payout_id)


def _act(request: HttpRequest, found: Payout, by: User, act: str) -> str:
    plain = {**_ACTS, **BANK_ACTS}
    if act in plain:
        return plain[act](request, found, by, clock.now())
    ANSWERS[act](request, found, by, clock.now())
    return ASKED


def _hold(request: HttpRequest, found: Payout, by: User, at: datetime) -> str:
    return _now(verbs.hold_payout(payout=found, why=_why(request), by=by.pk, at=at))


def _release(request: HttpRequest, found: Payout, by: User, at: datetime) -> str:
    releasing.propose_release(payout=found, why=_why(request), by=by, at=at)
    return ASKED


def _doubt(request: HttpRequest, found: Payout, by: User, at: datetime) -> str:
    unknown = [each for each in found.attempts.order_by("-number") if _is_doubtful(each)]
    if not unknown:
        raise NotFound("No try of this payout is unknown.")
    releasing.propose_not_found(attempt=unknown[0], why=_why(request), by=by, at=at)
    return ASKED


def _retry(_request: HttpRequest, found: Payout, by: User, at: datetime) -> str:
    return _now(verbs.retry_payout(payout=found, by=by.pk, at=at))


def _cancel(request: HttpRequest, found: Payout, by: User, at: datetime) -> str:
    return _now(verbs.cancel_payout(payout=found, why=_why(request), by=by.pk, at=at))


def _now(after: Payout) -> str:
    return f"This payout is {after.state} now."


def _error(attempt: PayoutAttempt) -> str:
    said = _ERRORS.get(attempt.error_code, attempt.error_code)
    more = attempt.error_message if attempt.error_message not in _SAYS_NOTHING else ""
    return ": ".join(each for each in (said, more) if each)


def _is_doubtful(attempt: PayoutAttempt) -> bool:
    return attempt.state == "unknown" and attempt.rail == "stripe"


def _why(request: HttpRequest) -> str:
    why = request.POST.get("why", "").strip()
    if not why:
        raise InvalidInput("Write why.", errors=[])
    return why


_ACTS: dict[str, Callable[[HttpRequest, Payout, User, datetime], str]] = {
    "hold": _hold,
    "release": _release,
    "retry": _retry,
    "not-found": _doubt,
    "cancel": _cancel,
}


def _find(user: User, payout_id: UUID) -> Payout:
    rows = visible_payouts(to=user).filter(pk=payout_id)
    found = with_hold(rows).select_related("expert__user", "run", "payee").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such payout.")
    return found


def _parts(
    user: User, items: list[PayoutItem], currency: str
) -> list[dict[str, Any]]:  # Any: template values
    names = work_names([each.earning.key for each in items], visible_assignments(to=user))
    return [
        {
            "item": each,
            "earning": each.earning,
            "name": name_of(each.earning.key, names),
            "amount": Money(each.amount_minor, currency),
        }
        for each in items
    ]
