"""Payout runs: opened by one person, approved by another, watched while they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, InvalidInput, NotFound
from marketplace.kit.money import Money
from marketplace.kit.tables import csv_lines
from marketplace.people.models import User
from marketplace.web.paging import page_of
from marketplace.web.staff.access import BOOKS, for_staff, may, money_act
from marketplace.web.staff.labels import payout_badge, run_badge
from payouts.access import visible_left_outs, visible_payouts, visible_runs
from payouts.models import RAILS, Payout, PayoutRun
from payouts.selectors.cash_outs import BudgetUse, budget_use
from payouts.selectors.limits import free_currencies, paid_currencies
from payouts.selectors.pausing import last_turn, pause_reason
from payouts.selectors.runs import agreed
from payouts.services import pausing
from payouts.services import running_payouts as verbs
from payouts.services.scheduling import next_opening

SETTLED = ("transferred", "bank_pending", "paid", "reversed")
MOVING = ("reserved", "submitting", "unknown")
STATES = tuple(PayoutRun.TRANSITIONS)
PEOPLE = ("opened_by", "closed_by", "approved_by")
LEFT_SHOWN = 50
LEFT_WORDS = {
    "no_payout_account": "no payout account",
    "onboarding": "payout set-up not finished",
    "restricted": "payout account restricted",
    "below_minimum": "below the minimum",
    "below_unit": "below the smallest unit of the currency",
    "above_expert_cap": "above the cap per expert",
    "above_run_cap": "above the cap of the run",
}
COLUMNS = (
    *("payout", "expert", "destination", "amount_minor", "currency", "state", "why"),
    *("transfer", "reserved_at", "transferred_at", "paid_at"),
)


@for_staff(*BOOKS)
def runs(request: HttpRequest, user: User) -> HttpResponse:
    """Every run, newest first."""
    state = request.GET.get("state", "")
    rows = visible_runs(to=user).filter(state=state) if state in STATES else visible_runs(to=user)
    page = page_of(request, rows.select_related(*PEOPLE))
    return render(
        request, "web/staff/runs.html", _list(user, page.rows) | {"page": page, "state": state}
    )


@money_act
def open_run(request: HttpRequest, user: User) -> HttpResponse:
    """Start collecting what is available in a currency."""
    currency, rail = request.POST.get("currency", ""), request.POST.get("rail", "stripe")
    if currency not in payable_currencies() or rail not in RAILS:
        raise InvalidInput("Choose one of the currencies that are paid out.", errors=[])
    try:
        found = verbs.open_run(currency=currency, rail=rail, by=user, at=clock.now())
    except verbs.RunAlreadyOpen as refused:
        messages.error(request, refused.message)
        return redirect("staff:runs")
    return redirect("staff:run", found.pk)


@for_staff(*BOOKS)
def run(request: HttpRequest, user: User, run_id: UUID) -> HttpResponse:
    """One run with every payout in it."""
    found = _find(user, run_id)
    payouts = visible_payouts(to=user).filter(run=found)
    state = request.GET.get("state", "")
    page = page_of(request, _in_state(payouts, state).select_related("expert", "run"))
    context = {
        **_totals(found, user),
        "page": page,
        "rows": [payout_line(each) for each in page.rows],
        "state": state,
        "states": state_choices(),
        "acts": may(user, "finance"),
        "is_mine": user.pk in (found.opened_by_id, _scheduled_closer(found)),
        "left": _left(found, user),
        "budget": _budget(found),
        "may_cancel": "cancelled" in PayoutRun.TRANSITIONS[found.state],
    }
    return render(request, "web/staff/run.html", context)


@money_act
def turn_pause(request: HttpRequest, user: User) -> HttpResponse:
    """Stop all sending, or let it go on."""
    why, act = request.POST.get("why", ""), request.POST.get("act", "")
    verb = pausing.resume_payments if act == "resume" else pausing.pause_payments
    try:
        verb(why=why, by=user, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, "Money moves again." if act == "resume" else "All is paused.")
    return redirect("staff:runs")


@for_staff(*BOOKS)
def progress(request: HttpRequest, user: User, run_id: UUID) -> HttpResponse:
    """The part of the page that moves; once the state has changed, the whole page is read anew."""
    found = _find(user, run_id)
    if request.GET.get("seen") != _seen(found):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "web/staff/run_progress.html", _totals(found, user))


@money_act
def act_on_run(request: HttpRequest, user: User, run_id: UUID, act: str) -> HttpResponse:
    """Close, approve, cancel, pause or resume."""
    found = _find(user, run_id)
    if act not in _ACTS:
        raise NotFound("There is no such act.")
    try:
        after = _ACTS[act](request, found, user, clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, f"This run is {after.state} now.")
    return redirect("staff:run", run_id)


@for_staff(*BOOKS)
def download(_request: HttpRequest, user: User, run_id: UUID) -> StreamingHttpResponse:
    """Every payout of the run as CSV."""
    found = _find(user, run_id)
    rows = visible_payouts(to=user).filter(run=found).select_related("expert").order_by("pk")
    return StreamingHttpResponse(
        csv_lines(COLUMNS, (_cells(each) for each in rows.iterator(500))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="run-{found.pk}.csv"'},
    )


def _close(_request: HttpRequest, found: PayoutRun, by: User, at: datetime) -> PayoutRun:
    return verbs.close_run(run=found, by=by, at=at)


def _approve(_request: HttpRequest, found: PayoutRun, by: User, at: datetime) -> PayoutRun:
    return verbs.approve_run(run=found, by=by, at=at)


def _cancel(_request: HttpRequest, found: PayoutRun, by: User, at: datetime) -> PayoutRun:
    return verbs.cancel_run(run=found, by=by, at=at)


def _pause(request: HttpRequest, found: PayoutRun, by: User, at: datetime) -> PayoutRun:
    reason = request.POST.get("reason", "").strip()
    if not reason:
        raise InvalidInput("Write why the run is paused.", errors=[])
    return verbs.pause_run(run=found, reason=reason, by=by, at=at)


def _resume(_request: HttpRequest, found: PayoutRun, by: User, at: datetime) -> PayoutRun:
    return verbs.resume_run(run=found, by=by, at=at)


_ACTS: dict[str, Callable[[HttpRequest, PayoutRun, User, datetime], PayoutRun]] = {
    "close": _close,
    "approve": _approve,
    "cancel": _cancel,
    "pause": _pause,
    "resume": _resume,
}


def payable_currencies() -> tuple[str, ...]:
    """Those with a minimum, and those in which somebody has free money."""
    return paid_currencies(also=frozenset(free_currencies()))


def _scheduled_closer(found: PayoutRun) -> UUID | None:
    return found.closed_by_id if found.opened_by_id is None else None


def _left(found: PayoutRun, user: User) -> dict[str, Any]:  # Any: template values
    """Whom the run left out, the largest amounts first, and how many by each reason."""
    rows = visible_left_outs(to=user).filter(run=found)
    counted = rows.values("why").annotate(n=Count("pk"), minor=Sum("amount_minor"))
    listed = rows.select_related("expert").order_by("-amount_minor", "pk")[:LEFT_SHOWN]
    return {
        "sums": [
            {
                "words": LEFT_WORDS.get(each["why"], each["why"]),
                "n": each["n"],
                "amount": Money(each["minor"], found.currency),
            }
            for each in counted.order_by("-minor")
        ],
        "rows": [
            {
                "row": each,
                "words": LEFT_WORDS.get(each.why, each.why),
                "amount": Money(each.amount_minor, found.currency),
            }
            for each in listed
        ],
    }


def _budget(found: PayoutRun) -> BudgetUse | None:
    if found.kind != "cash_out":
        return None
    return budget_use(currency=found.currency, at=clock.now())


def _find(user: User, run_id: UUID) -> PayoutRun:
    rows = visible_runs(to=user).filter(pk=run_id).select_related(*PEOPLE)
    found = rows.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such run.")
    return found


def state_choices() -> list[tuple[str, str]]:
    """The states of a payout with their words."""
    return [(state, state.replace("_", " ")) for state in Payout.TRANSITIONS]


def payout_line(row: Payout) -> dict[str, Any]:  # Any: template values
    """A payout as tables show it."""
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.currency),
        "badge": payout_badge(row.state, rail=row.run.rail),
    }


def _in_state(rows: QuerySet[Payout], state: str) -> QuerySet[Payout]:
    return rows.filter(state=state) if state in Payout.TRANSITIONS else rows


def _totals(found: PayoutRun, user: User) -> dict[str, Any]:  # Any: template values
    """Counts and sums by state, and what the run was approved for."""
    payouts = visible_payouts(to=user).filter(run=found)
    whole = agreed(payouts).aggregate(n=Count("pk"), minor=Sum("amount_minor"))
    sums = payouts.values("state").annotate(n=Count("pk"), minor=Sum("amount_minor"))
    states = [
        {
            "badge": payout_badge(each["state"], rail=found.rail),
            "n": each["n"],
            "amount": Money(each["minor"], found.currency),
            "state": each["state"],
        }
        for each in sums.order_by("state")
    ]
    live = [each for each in states if each["state"] != "cancelled"]
    total = sum(each["n"] for each in live)
    settled = sum(each["n"] for each in live if each["state"] in SETTLED)
    waiting = [each for each in states if each["state"] == "reserved"]
    none = Money(0, found.currency)
    return {
        "run": found,
        "badge": run_badge(found.state, kind=found.kind),
        "totals": states,
        "count": whole["n"],
        "live": total,
        "amount": Money(whole["minor"] or 0, found.currency),
        "to_send": sum((each["amount"] for each in waiting), none),
        "n_to_send": sum(each["n"] for each in waiting),
        "settled": settled,
        "percent": settled * 100 // total if total else 0,
        "is_collecting": found.state == "open" and found.collected_at is None,
        "is_sending": found.state in ("approved", "running")
        and (found.kind != "cash_out" or any(each["state"] in MOVING for each in states)),
        "takes_more": found.kind == "cash_out" and found.state == "running",
        "seen": _seen(found),
    }


def _seen(found: PayoutRun) -> str:
    return f"{found.state}-{'collected' if found.collected_at else 'collecting'}"


def _list(user: User, rows: list[PayoutRun]) -> dict[str, Any]:  # Any: template values
    keys = [each.pk for each in rows]
    sums = visible_payouts(to=user).filter(run__in=keys)
    counted = (
        agreed(sums).values("run").annotate(n=Count("pk"), minor=Sum("amount_minor")).order_by()
    )
    of = {each["run"]: each for each in counted}
    return {
        "rows": [
            {
                "row": each,
                "badge": run_badge(each.state, kind=each.kind),
                "n": of[each.pk]["n"] if each.pk in of else 0,
                "amount": Money(of[each.pk]["minor"] if each.pk in of else 0, each.currency),
            }
            for each in rows
        ],
        "currencies": payable_currencies(),
        "paused": pause_reason(),
        "turn": last_turn(),
        "next_opening": next_opening(at=clock.now()),
        "states": STATES,
        "acts": may(user, "finance"),
    }


def _cells(row: Payout) -> Iterator[object]:
    yield from (row.pk, row.expert.pseudonym, row.destination, row.amount_minor, row.currency)
    yield from (row.state, row.why, row.transfer_id or "")
    for instant in (row.reserved_at, row.transferred_at, row.paid_at):
        yield instant.isoformat() if instant else ""
