"""Whether an expert may be paid today instead of at the next run, how much, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Sum, Value

from marketplace.kit.money import Money, zero
from marketplace.people.models import Expert
from payouts.models import Account, CashOut, Earning, Payee, Payout
from payouts.policy import payable_unit
from payouts.selectors.limits import cash_out_budget, most_per_expert, payout_minimum
from payouts.selectors.pausing import pause_reason

# Somebody new is paid by the weekly run until so many earnings have been paid.
PROVEN_EARNINGS = 5


WHY_NOT = {
    "paused": "All payments are paused for the moment. Your money is safe and goes on later.",
    "no_active_account": "Set up a payout account first.",
    "paid_by_bank_file": "Your bank is paid by file, with the next run.",
    "owes": "Something is owed back first; later pay settles it.",
    "under_review": "One of your payments is being looked at. The weekly run is not affected.",
    "payout_held": "One of your payouts is held or was refused; it comes first.",
    "too_new": f"Possible once {PROVEN_EARNINGS} of your earnings have been paid by weekly runs.",
    "already_today": "You have cashed out today. Once a day is possible (UTC).",
    "still_settling": "Your last cash-out is not settled yet.",
    "over_budget": "Too much is being paid before its hold already. Try tomorrow.",
    "below_minimum": "There is less than the smallest payout.",
}

_OBSTACLES: dict[str, QuerySet[Any]] = {  # Any: rows of any model with an expert
    "owes": Account.objects.filter(kind="expert_receivable", debits_minor__gt=F("credits_minor")),
    "under_review": Earning.objects.filter(clawbacks__state="proposed"),
    "payout_held": Payout.objects.filter(state__in=["held", "rejected", "bank_failed"]),
}


@dataclass(frozen=True, slots=True)
class CashOutOffer:
    """What a cash-out would pay now, `at_risk` of it still in hold; `left_in_hold` does not fit.

    `why_not` is one of the words of WHY_NOT, empty where a cash-out is allowed.
    """

    amount: Money
    at_risk: Money
    left_in_hold: Money
    why_not: str


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The operator's risk budget of a currency: set, and how much of it is out."""

    budget: Money
    used: Money

    @property
    def left(self) -> Money:
        """What new cash-outs may still take out of holds."""
        return max(zero(self.budget.currency), self.budget - self.used)


def budget_use(*, currency: str, at: datetime) -> BudgetUse:
    """The pay that is out although its hold would still run, against its limit.

    A cash-out that was given back counts until its hold would have ended: the hold is gone.
    """
    rows = CashOut.objects.filter(currency=currency, risk_until__gt=at)
    used = rows.aggregate(sum=Sum("at_risk_minor"))["sum"] or 0
    return BudgetUse(cash_out_budget(currency=currency, at=at), Money(used, currency))


def why_not_good(expert: Expert) -> str:
    """Why an expert is not in good standing, in one of our words; empty for good standing.

    The rule: an active account at Stripe, nothing owed, no clawback undecided, no payout held,
    refused or returned by the bank, and five paid earnings behind them.
    """
    payee = Payee.objects.exclude(state="closed").filter(expert=expert).order_by("id").first()
    if payee is None or payee.state != "active":
        return "no_active_account"
    if payee.rail != "stripe":
        return "paid_by_bank_file"
    first, *others = (
        rows.filter(expert=expert).order_by().values_list(Value(why_not))
        for why_not, rows in _OBSTACLES.items()
    )
    found = {why_not for (why_not,) in first.union(*others)}
    for why_not in _OBSTACLES:
        if why_not in found:
            return why_not
    paid = Earning.objects.filter(expert=expert, state="paid").count()
    return "" if paid >= PROVEN_EARNINGS else "too_new"


def cash_out_offer(*, expert: Expert, currency: str, at: datetime) -> CashOutOffer:
    """What a cash-out would pay at this moment, or why there is none."""
    rows = cashable(expert=expert, currency=currency).order_by("id")
    return plan_cash_out(expert=expert, currency=currency, earnings=list(rows), at=at)[0]


def cashable(*, expert: Expert, currency: str) -> QuerySet[Earning]:
    """The expert's money that a transfer could pay today: free, or posted and in hold."""
    rows = Earning.objects.filter(
        expert=expert, currency=currency, pay_channel="stripe", payable_minor__gt=0
    )
    return rows.filter(Q(state="available") | Q(state="pending", posting__isnull=False))


def plan_cash_out(
    *, expert: Expert, currency: str, earnings: list[Earning], at: datetime
) -> tuple[CashOutOffer, list[Earning]]:
    """The offer out of these earnings, and those whose hold it would end early.

    Free money first, then what is in hold, the next to end first, as far as the operator's risk
    budget and the cap per expert allow.
    """
    free = sum(row.payable_minor for row in earnings if row.state == "available")
    held = sorted(
        (row for row in earnings if row.state == "pending"), key=lambda r: (r.available_at, r.id)
    )
    cap = most_per_expert(currency=currency, at=at)
    most = free + sum(row.payable_minor for row in held) if cap is None else cap.minor
    left = budget_use(currency=currency, at=at).left.minor if held else 0
    taken = _fitting(held, min(left, most - free))
    at_risk = sum(row.payable_minor for row in taken)
    amount = min(free + at_risk, most)
    amount -= amount % payable_unit(currency)
    over = sum(row.payable_minor for row in held) - at_risk
    why_not = _why_not(expert, currency, Money(amount, currency), over, at)
    return CashOutOffer(
        Money(amount, currency), Money(at_risk, currency), Money(over, currency), why_not
    ), taken


def _fitting(held: list[Earning], room: int) -> list[Earning]:
    taken = []
    for earning in held:
        if earning.payable_minor <= room:
            taken.append(earning)
            room -= earning.payable_minor
    return taken


def _why_not(expert: Expert, currency: str, amount: Money, over: int, at: datetime) -> str:
    if pause_reason():
        return "paused"
    if why_not := why_not_good(expert):
        return why_not
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    done = CashOut.objects.filter(payout__expert=expert, currency=currency, asked_at__gte=day)
    if done.exists():
        return "already_today"
    least = payout_minimum(currency=currency, country=expert.country, at=at)
    if amount >= least:
        return ""
    return "over_budget" if over and amount.minor + over >= least.minor else "below_minimum"
