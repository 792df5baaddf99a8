"""Whether an expert may be paid today instead of at the next run, how much, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from marketplace.kit.money import Money, zero
from marketplace.people.models import Expert
from payouts.models import Account, CashOut, Earning, PauseTurn, Payee, Payout
from payouts.policy import payable_unit
from payouts.selectors.limits import Limits, cash_out_budget, limits_for

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


@dataclass(frozen=True, slots=True)
class Footing:
    """What a cash-out of one currency stands on besides the money; read in two statements.

    `obstacle` is one of the words of WHY_NOT, empty for good standing: an active account at
    Stripe, nothing owed, no clawback undecided, no payout held, refused or returned by the bank,
    five paid earnings, no cash-out yet today. `used` is what is out of the risk budget.
    """

    payee: Payee | None
    obstacle: str
    used: Money
    limits: Limits


def footing_of(*, expert: Expert, currency: str, at: datetime) -> Footing:
    """How the expert stands with this currency at `at`."""
    limits = limits_for(currency=currency, country=expert.country, at=at)
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today = CashOut.objects.filter(currency=currency, asked_at__gte=day)
    paid = Earning.objects.filter(expert=OuterRef("expert"), state="paid").order_by()
    out = CashOut.objects.filter(currency=currency, risk_until__gt=at).order_by()
    rows = Payee.objects.exclude(state="closed").filter(expert=expert)
    row: Any = (  # Any: annotated by name
        rows.annotate(
            already_today=Exists(today.filter(payout__expert=OuterRef("expert"))),
            is_proven=Exists(paid[PROVEN_EARNINGS - 1 : PROVEN_EARNINGS]),
            used=Subquery(out.values("currency").annotate(n=Sum("at_risk_minor")).values("n")),
            is_paused=Subquery(PauseTurn.objects.order_by("-id").values("is_paused")[:1]),
            **{
                why_not: Exists(found.filter(expert=OuterRef("expert")))
                for why_not, found in _OBSTACLES.items()
            },
        )
        .order_by("id")
        .first()
    )
    if row is None:
        return Footing(None, "no_active_account", zero(currency), limits)
    return Footing(row, _obstacle(row), Money(int(row.used or 0), currency), limits)


def cash_out_offer(*, expert: Expert, currency: str, at: datetime) -> CashOutOffer:
    """What a cash-out would pay at this moment, or why there is none."""
    footing = footing_of(expert=expert, currency=currency, at=at)
    return offer_on(footing, expert=expert)


def offer_on(footing: Footing, *, expert: Expert) -> CashOutOffer:
    """What a cash-out would pay on this footing, or why there is none."""
    rows = cashable(expert=expert, currency=footing.used.currency).order_by("id")
    return plan_cash_out(footing=footing, earnings=list(rows))[0]


def cashable(*, expert: Expert, currency: str) -> QuerySet[Earning]:
    """The expert's money that a transfer could pay today: free, or posted and in hold."""
    rows = Earning.objects.filter(
        expert=expert, currency=currency, pay_channel="stripe", payable_minor__gt=0
    )
    return rows.filter(Q(state="available") | Q(state="pending", posting__isnull=False))


def plan_cash_out(
    *, footing: Footing, earnings: list[Earning]
) -> tuple[CashOutOffer, list[Earning]]:
    """The offer out of these earnings, and those whose hold it would end early.

    Free money first, then what is in hold, the next to end first, as far as the operator's risk
    budget and the cap per expert allow.
    """
    limits, currency = footing.limits, footing.used.currency
    free = sum(row.payable_minor for row in earnings if row.state == "available")
    held = sorted(
        (row for row in earnings if row.state == "pending"), key=lambda r: (r.available_at, r.id)
    )
    most = free + sum(row.payable_minor for row in held)
    most = most if limits.most is None else limits.most.minor
    left = max(0, limits.cash_out_budget.minor - footing.used.minor)
    taken = _fitting(held, min(left, most - free))
    at_risk = sum(row.payable_minor for row in taken)
    amount = min(free + at_risk, most)
    amount -= amount % payable_unit(currency)
    over = sum(row.payable_minor for row in held) - at_risk
    why_not = footing.obstacle or _too_little(limits.minimum.minor, amount, over)
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


def _obstacle(row: Any) -> str:  # Any: a payee as `footing_of` annotates it
    if row.is_paused or settings.PAYMENTS_PAUSED:
        return "paused"
    if row.state != "active":
        return "no_active_account"
    if row.rail != "stripe":
        return "paid_by_bank_file"
    for why_not in _OBSTACLES:
        if getattr(row, why_not):
            return why_not
    if not row.is_proven:
        return "too_new"
    return "already_today" if row.already_today else ""


def _too_little(least: int, amount: int, over: int) -> str:
    if amount >= least:
        return ""
    return "over_budget" if over and amount + over >= least else "below_minimum"
