"""One's money: what is held, free, on its way and paid, down to the task it came from."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from marketplace.web.expert.charts import weekly_earnings
from marketplace.web.expert.labels import badge_of
from marketplace.web.expert.money_words import EARNING, earning_words, payout_words, why_words
from marketplace.web.expert.own import for_expert
from marketplace.web.expert.paying import cash_out_cards, footings_of, payout_steps
from marketplace.web.expert.pots import is_paid_by_employer, pots_of
from marketplace.web.paging import page_of
from marketplace.web.work_names import ASSIGNMENT, name_of, work_names
from payouts.access import visible_earnings, visible_payouts
from payouts.models import Clawback, Earning, Payout, PayoutItem
from payouts.selectors.came_back import Unpaid, came_back_of, unpaid_of
from payouts.selectors.own_money import next_releases
from payouts.services.onboarding import CountryNotReachable, start_onboarding
from tasks.access import own_assignments

REVERSAL = "reversal:"
RECENT = 6
TAKEN = "taken_back"  # in full or in part, whatever state the rest is in
STATES = (*Earning.TRANSITIONS, TAKEN)


@for_expert
def earnings(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Balances, payouts, and every amount that makes them up."""
    at = clock.now()
    own = visible_earnings(to=expert.user).filter(expert=expert)
    state = request.GET.get("state", "")
    page = page_of(request, _in_state(own, state))
    payouts = visible_payouts(to=expert.user).filter(expert=expert).order_by("-pk")
    releases, is_employee = next_releases(expert), is_paid_by_employer(expert, at=at)
    footings = footings_of(expert, releases, at=at)
    payee = next((each.payee for each in footings.values()), None)
    limits = {currency: each.limits for currency, each in footings.items()}
    unpaid = unpaid_of(expert)
    context = {
        "pots": pots_of(expert, releases=releases, limits=limits, is_employee=is_employee, at=at),
        "payee": payee,
        "payee_badge": badge_of(payee.state) if payee else None,
        "payee_why": why_words(payee.why) if payee else "",
        "is_employee": is_employee,
        "payouts": [_payout(each) for each in payouts.select_related("payee")[:RECENT]],
        "page": page,
        "rows": earning_lines(expert, page.rows, unpaid),
        "charts": [
            (currency, chart)
            for currency in footings
            if (chart := weekly_earnings(expert, currency, unpaid=unpaid, at=at))
        ],
        "state": state,
        "states": [(each, EARNING.get(each, each)) for each in STATES],
        "cash_outs": [] if is_employee and not payee else cash_out_cards(expert, footings),
    }
    return render(request, "web/expert/earnings.html", context)


@for_expert
def payouts(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Every payout, newest first."""
    own = visible_payouts(to=expert.user).filter(expert=expert).select_related("payee")
    page = page_of(request, own)
    context = {"page": page, "payouts": [_payout(each) for each in page.rows]}
    return render(request, "web/expert/payouts.html", context)


@for_expert
def payout(request: HttpRequest, expert: Expert, payout_id: UUID) -> HttpResponse:
    """One payout down to the tasks it pays."""
    own = visible_payouts(to=expert.user).filter(expert=expert, pk=payout_id)
    found = own.select_related("payee", "run").order_by("pk").first()
    if found is None:
        raise NotFound("There is no such payout of yours.")
    items = PayoutItem.objects.filter(payout=found).select_related("earning")
    page = page_of(request, items)
    lines = earning_lines(expert, [each.earning for each in page.rows], unpaid_of(expert))
    context = {
        "payout": _payout(found),
        "steps": payout_steps(
            found, [row for row in came_back_of(expert) if row.payout_id == found.pk]
        ),
        "page": page,
        "rows": [
            {**line, "amount": Money(each.amount_minor, found.currency)}
            for each, line in zip(page.rows, lines, strict=True)
        ],
    }
    return render(request, "web/expert/payout.html", context)


@require_POST
@for_expert
def connect(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Off to the forms where one says where to be paid."""
    back = request.build_absolute_uri(reverse("earnings"))
    try:
        url = start_onboarding(expert=expert, return_url=back, at=clock.now())
    except CountryNotReachable as refused:
        messages.error(request, refused.message)
        return redirect("earnings")
    return HttpResponseRedirect(url)


def _in_state(own: QuerySet[Earning], state: str) -> QuerySet[Earning]:
    if state == TAKEN:
        made = Clawback.objects.filter(earning=OuterRef("pk"), state="made")
        return own.filter(Exists(made))
    return own.filter(state=state) if state in STATES else own


def _payout(row: Payout) -> dict[str, object]:
    return {
        "row": row,
        "amount": Money(row.amount_minor, row.currency),
        "badge": badge_of(row.state, payout_words(row)),
        "why": why_words(row.why),
        "at": row.paid_at or row.transferred_at or row.reserved_at,
    }


def earning_lines(
    expert: Expert, rows: Sequence[Earning], unpaid: Unpaid
) -> list[dict[str, object]]:
    """The rows of a page: work named by its project and batch, a reversal by its payout."""
    named = work_names([row.key for row in rows], own_assignments(to=expert.user))
    urls = {
        row.key: reverse("submission", args=[row.key.removeprefix(ASSIGNMENT)])
        for row in rows
        if row.key.startswith(ASSIGNMENT) and row.key in named
    }
    is_back = any(row.key.startswith(REVERSAL) for row in rows)
    for back in came_back_of(expert) if is_back else []:
        urls[f"{REVERSAL}{back.reversal_id}"] = reverse("payout", args=[back.payout_id])
    return [_earning(row, name_of(row.key, named), urls.get(row.key, ""), unpaid) for row in rows]


def _earning(row: Earning, title: str, url: str, unpaid: Unpaid) -> dict[str, object]:
    return {
        "row": row,
        "amount": Money(row.pay_minor, row.currency),
        "badge": badge_of(*earning_words(row, unpaid)),
        "title": title,
        "earning_url": reverse("earning", args=[row.pk]),
        "url": url,
        "is_reversal": row.key.startswith(REVERSAL),
    }
