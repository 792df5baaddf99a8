"""Filling an open run: one payout per expert with enough available money, the oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Q, QuerySet, Sum

from marketplace.kit.money import Money
from payouts.models import Earning, LeftOut, Payee, Payout, PayoutRun
from payouts.policy import payable_unit
from payouts.selectors.limits import most_per_expert, most_per_run, payout_minimum
from payouts.services.debts import settle_debts
from payouts.services.paying import Share, lock_payable, pay_out

CHUNK = 100


@dataclass(slots=True)
class _Limits:
    """The run's caps, what is left of the second, and the minimum of each country so far."""

    run: PayoutRun
    at: datetime
    per_expert: Money | None
    room: Money | None
    minimums: dict[str, Money]

    def minimum(self, payee: Payee) -> Money:
        """Somebody who closed their account has no later run to wait for."""
        if not payee.expert.user.is_active:
            return Money(payable_unit(self.run.currency), self.run.currency)
        if payee.country not in self.minimums:
            self.minimums[payee.country] = payout_minimum(
                currency=self.run.currency, country=payee.country, at=self.at
            )
        return self.minimums[payee.country]


def collect_run(*, run_id: UUID, at: datetime) -> int:
    """Reserve a payout for every expert who may be paid; how many. A sequence; repeat it freely.

    A hundred experts a transaction: one statement for all of them instead of one for each. Whose
    money has waited longest comes first; what is not taken is written down with the reason.
    """
    settle_debts(at=at)
    experts = _candidates(PayoutRun.objects.get(id=run_id))
    made = 0
    for start in range(0, len(experts), CHUNK):
        with transaction.atomic(durable=True):
            made += len(_reserve(run_id, experts[start : start + CHUNK], at))
    with transaction.atomic(durable=True):
        row = PayoutRun.objects.select_for_update(no_key=True).get(id=run_id)
        if row.state == "open" and row.collected_at is None:
            row.collected_at = at
            row.save(update_fields=["collected_at"])
    return made


def available_earnings(*, currency: str, rail: str) -> QuerySet[Earning]:
    """The free money that runs of this rail look at; Stripe's also at those without an account."""
    rows = Earning.objects.filter(
        state="available", pay_channel="stripe", currency=currency, payable_minor__gt=0
    )
    by_file = Payee.objects.exclude(state="closed").filter(rail="bank_file").values("expert")
    chosen = Q(expert__in=by_file)
    return rows.filter(chosen if rail == "bank_file" else ~chosen)


def _candidates(run: PayoutRun) -> list[UUID]:
    rows = available_earnings(currency=run.currency, rail=run.rail)
    waiting = rows.values("expert").annotate(oldest=Min("earned_at"))
    return list(waiting.order_by("oldest", "expert").values_list("expert", flat=True))


def _reserve(run_id: UUID, experts: Sequence[UUID], at: datetime) -> list[Payout]:
    run = PayoutRun.objects.select_for_update(no_key=True).get(id=run_id)
    if run.state != "open":
        return []
    done = set(run.payouts.filter(expert__in=experts).values_list("expert", flat=True))
    waiting = [expert for expert in experts if expert not in done]
    payees = _payees(waiting)
    earnings = lock_payable(experts=waiting, currency=run.currency)
    limits, shares, left = _limits(run, at), list[Share](), list[LeftOut]()
    for expert in waiting:
        total = sum(earning.payable_minor for earning in earnings[expert])
        payee = payees.get(expert)
        amount, why = _judge(payee, Money(total, run.currency), limits)
        if payee is not None and amount:
            shares.append(Share(payee, amount, earnings[expert]))
            limits.room = limits.room and limits.room - amount
        if total > amount.minor:
            left.append(
                LeftOut(run=run, expert_id=expert, amount_minor=total - amount.minor, why=why)
            )
    LeftOut.objects.bulk_create(left, ignore_conflicts=True)
    return pay_out(run=run, shares=shares, at=at)


def _payees(experts: Sequence[UUID]) -> dict[UUID, Payee]:
    """The open payout accounts, by expert; locked."""
    rows = Payee.objects.select_for_update(no_key=True, of=("self",)).filter(expert__in=experts)
    found = rows.exclude(state="closed").select_related("expert__user").order_by("id")
    return {row.expert_id: row for row in found}


def _limits(run: PayoutRun, at: datetime) -> _Limits:
    room = most_per_run(currency=run.currency, at=at)
    if room is not None:
        taken = run.payouts.exclude(state="cancelled").aggregate(sum=Sum("amount_minor"))["sum"]
        room = max(Money(0, run.currency), room - Money(taken or 0, run.currency))
    return _Limits(run, at, most_per_expert(currency=run.currency, at=at), room, {})


def _judge(payee: Payee | None, total: Money, limits: _Limits) -> tuple[Money, str]:
    """How much of the expert's money this run pays, and why not the rest."""
    nothing = Money(0, total.currency)
    if payee is None:
        return nothing, "no_payout_account"
    if payee.state != "active" or payee.account_id is None or payee.rail != limits.run.rail:
        return nothing, payee.state
    minimum = limits.minimum(payee)
    if total < minimum:
        return nothing, "below_minimum"
    amount, why = total, "below_unit"
    if limits.per_expert is not None and amount > limits.per_expert:
        amount, why = limits.per_expert, "above_expert_cap"
    if limits.room is not None and amount > limits.room:
        amount, why = limits.room, "above_run_cap"
    amount = Money(amount.minor - amount.minor % payable_unit(total.currency), total.currency)
    return (nothing, why) if amount < minimum else (amount, why)
