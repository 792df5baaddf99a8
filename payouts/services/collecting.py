"""Filling an open run: one payout per expert with enough available money, each on its own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import Earning, Payee, Payout, PayoutItem, PayoutRun
from payouts.policy import payable_unit
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.attempts import next_attempt
from payouts.services.holding import note


def collect_run(*, run_id: UUID, at: datetime) -> int:
    """Reserve a payout for every expert who may be paid; how many. A sequence; repeat it freely."""
    run = PayoutRun.objects.get(id=run_id)
    made = 0
    for expert_id in _candidates(run.currency):
        with transaction.atomic(durable=True):
            made += _reserve(run_id, expert_id, at) is not None
    with transaction.atomic(durable=True):
        row = PayoutRun.objects.select_for_update(no_key=True).get(id=run_id)
        if row.state == "open" and row.collected_at is None:
            row.collected_at = at
            row.save(update_fields=["collected_at"])
    return made


def minimum(*, currency: str) -> Money:
    """What an expert needs to have before a run pays them; less is carried over."""
    return Money(settings.PAYOUT_MINIMUM.get(currency, payable_unit(currency)), currency)


def _candidates(currency: str) -> list[UUID]:
    rows = Earning.objects.filter(state="available", pay_channel="stripe", currency=currency)
    sums = rows.values("expert").annotate(payable=Sum("payable_minor"))
    enough = sums.filter(payable__gte=minimum(currency=currency).minor)
    return list(enough.order_by("expert").values_list("expert", flat=True))


def _reserve(run_id: UUID, expert_id: UUID, at: datetime) -> Payout | None:
    run = PayoutRun.objects.select_for_update(no_key=True).get(id=run_id)
    payees = Payee.objects.select_for_update(no_key=True).filter(expert=expert_id)
    payee = payees.filter(state="active").order_by("id").first()
    if run.state != "open" or payee is None or payee.account_id is None:
        return None
    if Payout.objects.filter(run=run, expert=expert_id, currency=run.currency).exists():
        return None
    earnings = list(_payable(expert_id, run.currency))
    total = sum(earning.payable_minor for earning in earnings)
    amount = Money(total - total % payable_unit(run.currency), run.currency)
    if not amount or amount < minimum(currency=run.currency):
        return None
    payout = Payout.objects.create(
        run=run,
        expert_id=expert_id,
        payee=payee,
        destination=payee.account_id,
        currency=amount.currency,
        amount_minor=amount.minor,
        reserved_at=at,
    )
    _take(payout, earnings, total - amount.minor, at)
    next_attempt(payout=payout)
    note(kind="payout.reserved", payout=payout, at=at)
    return payout


def _payable(expert_id: UUID, currency: str) -> list[Earning]:
    rows = Earning.objects.select_for_update(no_key=True).filter(
        expert=expert_id,
        currency=currency,
        state="available",
        pay_channel="stripe",
        payable_minor__gt=0,
    )
    return list(rows.order_by("id"))


def _take(payout: Payout, earnings: list[Earning], remainder: int, at: datetime) -> None:
    expert = Expert.objects.get(id=payout.expert_id)
    amount = Money(payout.amount_minor, payout.currency)
    available = account("expert_available", currency=amount.currency, expert=expert)
    moving = account("payout_in_transit", currency=amount.currency, expert=expert)
    posting = ledger.post(
        key=f"payout:{payout.id}",
        kind="payout_reserved",
        currency=amount.currency,
        legs=[ledger.Leg.debit(available, amount), ledger.Leg.credit(moving, amount)],
        effective_at=at,
    )
    if remainder:
        _split(payout, earnings, remainder, posting.id)
    PayoutItem.objects.bulk_create(
        PayoutItem(payout=payout, earning=earning, amount_minor=earning.payable_minor)
        for earning in earnings
        if earning.payable_minor
    )
    ids = [earning.id for earning in earnings]
    Earning.objects.filter(id__in=ids).update(state="reserved")


def _split(payout: Payout, earnings: list[Earning], remainder: int, posting_id: UUID) -> None:
    """What is below the payable unit stays available, as an earning of its own."""
    rest = remainder
    for earning in reversed(earnings):
        part = min(rest, earning.payable_minor)
        if part:
            earning.netted_minor += part
            earning.save(update_fields=["netted_minor"])
            earning.refresh_from_db(fields=["payable_minor"])
            rest -= part
    last = earnings[-1]
    Earning.objects.create(
        key=f"carry:{payout.id}",
        expert=last.expert,
        currency=payout.currency,
        pay_minor=remainder,
        fee_minor=0,
        cap_minor=remainder,
        pay_channel="stripe",
        earned_at=last.earned_at,
        available_at=last.available_at,
        posting_id=posting_id,
        state="available",
    )
