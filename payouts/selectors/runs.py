"""What finance sees of a run: how far it is, and who is not in it and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Sum

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import Earning, Payee, Payout, PayoutRun


@dataclass(frozen=True, slots=True)
class RunPart:
    """The payouts of a run that are in one state."""

    state: str
    payouts: int
    amount: Money


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An expert with available money whom a run would not pay now; `why` is one of our words."""

    expert: Expert
    available: Money
    why: str


def run_parts(run: PayoutRun) -> list[RunPart]:
    """The run's payouts by state; their sum is the run."""
    rows = Payout.objects.filter(run=run).values("state").order_by("state")
    return [
        RunPart(row["state"], row["n"], Money(row["total"], run.currency))
        for row in rows.annotate(n=Count("id"), total=Sum("amount_minor"))
    ]


def run_total(run: PayoutRun) -> Money:
    """What the run pays: everything but cancelled payouts."""
    rows = Payout.objects.filter(run=run).exclude(state="cancelled")
    return Money(rows.aggregate(total=Sum("amount_minor"))["total"] or 0, run.currency)


def left_out(currency: str, minimum: Money) -> list[LeftOut]:
    """Who has available money that no run can pay now, the largest amounts first."""
    rows = Earning.objects.filter(state="available", pay_channel="stripe", currency=currency)
    sums = rows.values("expert").annotate(total=Sum("payable_minor")).order_by("-total", "expert")
    totals = {row["expert"]: Money(row["total"], currency) for row in sums if row["total"]}
    experts = Expert.objects.in_bulk(totals)
    payees = Payee.objects.filter(expert__in=totals).exclude(state="closed")
    states = {payee.expert_id: payee.state for payee in payees}
    return list(_reasons(experts, totals, states, minimum))


def _reasons(
    experts: dict[UUID, Expert],
    totals: dict[UUID, Money],
    states: dict[UUID, str],
    minimum: Money,
) -> Iterator[LeftOut]:
    for expert_id, total in totals.items():
        state = states.get(expert_id, "no_payout_account")
        if state != "active":
            yield LeftOut(experts[expert_id], total, state)
        elif total < minimum:
            yield LeftOut(experts[expert_id], total, "below_minimum")
