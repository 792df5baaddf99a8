"""Where one is paid, being paid today, and how far a payout is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from marketplace.kit import clock
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from marketplace.projects.models import Project
from marketplace.web.client.acting import status_of, tried
from marketplace.web.client.own import recently_signed_in
from marketplace.web.expert.labels import badge_of
from marketplace.web.expert.money_words import why_words
from marketplace.web.expert.own import for_expert
from marketplace.web.expert.pots import is_paid_by_employer
from payouts.access import visible_left_outs, visible_payees
from payouts.models import LeftOut, Payee, Payout
from payouts.policy import REACHABLE
from payouts.selectors.came_back import CameBack
from payouts.selectors.cash_outs import WHY_NOT, CashOutOffer, Footing, footing_of, offer_on
from payouts.selectors.limits import free_currencies, paid_currencies
from payouts.selectors.timing import cash_out_timing, weekly_timing
from payouts.services.bank_accounts import enter_bank_details, may_use_bank_file
from payouts.services.cashing_out import cash_out
from payouts.services.scheduling import next_opening

LEFT_WORDS = {
    "no_payout_account": "you had no payout account",
    "onboarding": "your payout set-up was not finished",
    "restricted": "your payout account was restricted",
    "below_minimum": "it was below the smallest payout",
    "below_unit": "it was below the smallest unit of the currency",
    "above_expert_cap": "a run pays one person no more; the rest goes into the next one",
    "above_run_cap": "the run was full; yours is first in the next one",
}
FINISH = "Your payout account cannot receive money yet. Finish its set-up first."
AT_THE_BANK = "The bank has it; it usually takes a few days to answer. It is never sent twice."
RETURNED = "Correct your bank account in the payout set-up; then it is sent there again."
CAME_BACK = {
    "reversed": (
        "taken back",
        "The operator took the transfer back. It is in your balance and goes with the next run.",
    ),
    "bank_returned": (
        "returned by your bank",
        "The money is in your balance. Give your bank account again; then the next run pays it.",
    ),
    "sent_less": ("not sent", "It is in your balance and goes with the next run."),
}
TOO_MUCH = "More was sent than this payout. You owe it back; it is taken from your next pay."
Step = dict[str, Any]  # Any: template values
REVIEW = timedelta(days=Project().review_days)  # the window of a new project


@dataclass(frozen=True, slots=True)
class CashOutCard:
    """One currency: what a cash-out would pay now, or why not, and how long each way takes."""

    offer: CashOutOffer
    why_not: str
    weekly_days: tuple[int, int]
    today_days: tuple[int, int]
    left: Money | None
    left_why: str


class BankForm(forms.Form):
    """An account that the operator's bank can pay."""

    holder = forms.CharField(label="Name on the account", max_length=140)
    account = forms.CharField(
        label="IBAN or account number",
        max_length=50,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Kept encrypted; only the last four characters are shown later.",
    )
    bank_code = forms.CharField(
        label="Bank code (BIC or routing number)",
        max_length=24,
        required=False,
        help_text="Needed without an IBAN.",
    )


def footings_of(expert: Expert, currencies: Iterable[str], *, at: datetime) -> dict[str, Footing]:
    """How the expert stands with each of these currencies."""
    return {each: footing_of(expert=expert, currency=each, at=at) for each in currencies}


def cash_out_cards(expert: Expert, footings: Mapping[str, Footing]) -> list[CashOutCard]:
    """For `web/expert/cash_out_card.html`: one card per currency of the expert."""
    return [_card(expert, footing) for footing in footings.values()]


@require_POST
@for_expert
def pay_today(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Be paid now what is free, and what the operator lets go before its hold."""
    currency = request.POST.get("currency", "")
    if currency not in paid_currencies(also=frozenset(free_currencies())):
        messages.error(request, "Choose one of your currencies.")
        return redirect("earnings")
    try:
        found = cash_out(expert=expert, currency=currency, at=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("earnings")
    amount = Money(found.amount_minor, found.currency)
    messages.success(request, f"{amount} is on its way to you.")
    return redirect("payout", found.pk)


@for_expert
def payout_setup(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Stripe's own forms, or an account for the bank file."""
    return _setup(request, expert, BankForm())


def _enter_bank(request: HttpRequest, expert: Expert) -> HttpResponse:
    form = BankForm(request.POST)

    def enter() -> None:
        enter_bank_details(
            expert=expert,
            holder=form.cleaned_data["holder"],
            account_number=form.cleaned_data["account"],
            bank_code=form.cleaned_data["bank_code"],
            at=clock.now(),
        )

    if tried(form, enter):
        messages.success(request, "Your account is kept. The next run pays there.")
        return redirect("payout_setup")
    return _setup(request, expert, form)


enter_bank = require_POST(recently_signed_in(for_expert(_enter_bank)))


def payout_steps(row: Payout, came_back: Sequence[CameBack]) -> list[Step]:
    """How far a payout is, for a timeline: sent and in the bank are two steps."""
    begun = _step("Collected", row.reserved_at, "ok")
    if not row.transferred_at:
        return [begun, _before_sending(row)]
    back = [_back(row, each) for each in came_back]
    more = (row.sent_minor or 0) - row.amount_minor
    if more > 0:
        above = Money(more, row.currency)
        back.append(_step(f"{above} too much", row.transferred_at, "warn", TOO_MUCH, icon="undo-2"))
    return [begun, *_after_sending(row), *back]


def _back(row: Payout, each: CameBack) -> Step:
    done, why = CAME_BACK[each.cause]
    if each.cause == "bank_returned":
        why = f"{why_words(row.why)} {why}"
    return _step(f"{each.amount} {done}", each.at, "bad", why, icon="undo-2")


def _before_sending(row: Payout) -> Step:
    if row.state == "cancelled":
        return _step("Given back to your balance", None, "", why_words(row.why), icon="undo-2")
    if row.state in ("held", "rejected"):
        said = "Held" if row.state == "held" else "Refused; finance looks at it"
        return _step(said, None, "warn", why_words(row.why), icon="hand")
    if row.state == "unknown" and row.payee.rail == "bank_file":
        return _step("At the bank", None, "warn", AT_THE_BANK, icon="clock")
    is_cash_out = row.run.kind == "cash_out"
    words = {
        "reserved": "It is sent within minutes; nobody has to approve a cash-out."
        if is_cash_out
        else "It is sent once a second person has approved the run.",
        "submitting": "It is being sent.",
        "unknown": "It was sent and nobody has confirmed it yet. It is never sent twice.",
    }
    return _step("On its way", None, "warn", words.get(row.state, ""), icon="clock")


def _after_sending(row: Payout) -> list[Step]:
    last = {
        "bank_failed": _step(
            "Returned by your bank", None, "bad", f"{why_words(row.why)} {RETURNED}", icon="x"
        ),
        "paid": _step("In your bank", row.paid_at, "ok"),
    }
    if row.state == "reversed":
        arrived = [last["paid"]] if row.paid_at else []
        return [_step("Sent", row.transferred_at, "ok"), *arrived]
    waits = _step("In your bank", None, "warn", "Usually within two days.", icon="clock")
    return [_step("Sent", row.transferred_at, "ok"), last.get(row.state, waits)]


def _step(
    state: str, at: datetime | None, tone: str, reason: str = "", *, icon: str = "check"
) -> Step:
    return {"state": state, "at": at, "tone": tone, "reason": reason, "icon": icon}


def _card(expert: Expert, footing: Footing) -> CashOutCard:
    offer, currency = offer_on(footing, expert=expert), footing.used.currency
    weekly = weekly_timing(review=REVIEW, hold=footing.limits.hold)
    today = cash_out_timing(review=REVIEW)
    left = _left_out(expert, currency)
    has_account = offer.why_not == "no_active_account" and footing.payee is not None
    return CashOutCard(
        offer,
        FINISH if has_account else WHY_NOT.get(offer.why_not, ""),
        (_days(weekly.usual), _days(weekly.worst)),
        (_days(today.usual), _days(today.worst)),
        Money(left.amount_minor, currency) if left else None,
        LEFT_WORDS.get(left.why, left.why) if left else "",
    )


def _left_out(expert: Expert, currency: str) -> LeftOut | None:
    """What the currency's last run did not pay, if that run is where the expert stands now."""
    own = visible_left_outs(to=expert.user).filter(expert=expert, run__currency=currency)
    later = Payout.objects.filter(expert=expert, currency=currency, run_id__gt=OuterRef("run_id"))
    left: Any = own.annotate(is_over=Exists(later)).order_by("-run_id", "-pk").first()
    return None if left is None or left.is_over else left


def _days(span: timedelta) -> int:
    """Whole days, begun ones counted."""
    return -(-span // timedelta(days=1))


def _setup(request: HttpRequest, expert: Expert, form: BankForm) -> HttpResponse:
    payee = _payee(expert)
    context = {
        "form": form,
        "payee": payee,
        "payee_badge": badge_of(payee.state) if payee else None,
        "payee_why": why_words(payee.why) if payee else "",
        "is_employee": is_paid_by_employer(expert, at=clock.now()),
        "is_returned": Payout.objects.filter(expert=expert, state="bank_failed").exists(),
        "details": getattr(payee, "bank_details", None) if payee else None,
        "by_stripe": expert.country in REACHABLE,
        "by_bank": may_use_bank_file(expert),
        "next_opening": next_opening(at=clock.now()),
        "connect_url": reverse("connect_payouts"),
    }
    return render(request, "web/expert/payout_setup.html", context, status=status_of(form))


def _payee(expert: Expert) -> Payee | None:
    own = visible_payees(to=expert.user).filter(expert=expert).exclude(state="closed")
    return own.select_related("bank_details").order_by("pk").first()
