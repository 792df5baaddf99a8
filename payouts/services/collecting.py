"""Filling an open run: one payout per expert with enough available money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from marketplace.kit.money import Money
from payouts.models import Earning, Payee, Payout, PayoutItem, PayoutRun, Posting
from payouts.policy import payable_unit
from payouts.services import ledger
from payouts.services.accounts import expert_accounts
from payouts.services.attempts import first_attempts
from payouts.services.holding import note

CHUNK = 100


def collect_run(*, run_id: UUID, at: datetime) -> int:
    """Reserve a payout for every expert who may be paid; how many. A sequence; repeat it freely.

    A hundred experts a transaction: one statement for all of them instead of one for each.
    """
    experts = _candidates(PayoutRun.objects.get(id=run_id).currency)
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


def minimum(*, currency: str) -> Money:
    """What an expert needs to have before a run pays them; less is carried over."""
    return Money(settings.PAYOUT_MINIMUM.get(currency, payable_unit(currency)), currency)


def _candidates(currency: str) -> list[UUID]:
    rows = Earning.objects.filter(state="available", pay_channel="stripe", currency=currency)
    sums = rows.values("expert").annotate(payable=Sum("payable_minor"))
    enough = sums.filter(payable__gte=minimum(currency=currency).minor)
    return list(enough.order_by("expert").values_list("expert", flat=True))


def _reserve(run_id: UUID, experts: Sequence[UUID], at: datetime) -> list[Payout]:
    run = PayoutRun.objects.select_for_update(no_key=True).get(id=run_id)
    if run.state != "open":
        return []
    payees = _payees(run, experts)
    earnings = _payable(payees, run.currency)
    drafts = [_draft(run, payee, earnings[expert], at) for expert, payee in payees.items()]
    payouts = Payout.objects.bulk_create(draft for draft in drafts if draft is not None)
    _post(payouts, at)
    _take(payouts, earnings)
    first_attempts(payouts=payouts)
    for payout in payouts:
        note(kind="payout.reserved", payout=payout, at=at)
    return payouts


def _payees(run: PayoutRun, experts: Sequence[UUID]) -> dict[UUID, Payee]:
    """Those who may receive and have no payout of this run yet, by expert; locked."""
    rows = Payee.objects.select_for_update(no_key=True).filter(expert__in=experts, state="active")
    found = {row.expert_id: row for row in rows.order_by("id")}
    paid = Payout.objects.filter(run=run, expert__in=found).values_list("expert", flat=True)
    done = set(paid)
    return {expert: row for expert, row in found.items() if expert not in done}


def _payable(experts: Iterable[UUID], currency: str) -> dict[UUID, list[Earning]]:
    rows = Earning.objects.select_for_update(no_key=True).filter(
        expert__in=experts,
        currency=currency,
        state="available",
        pay_channel="stripe",
        payable_minor__gt=0,
    )
    found: dict[UUID, list[Earning]] = defaultdict(list)
    for row in rows.order_by("id"):
        found[row.expert_id].append(row)
    return found


def _draft(
    run: PayoutRun, payee: Payee, earnings: Sequence[Earning], at: datetime
) -> Payout | None:
    total = sum(earning.payable_minor for earning in earnings)
    amount = Money(total - total % payable_unit(run.currency), run.currency)
    if payee.account_id is None or not amount or amount < minimum(currency=run.currency):
        return None
    return Payout(
        run=run,
        expert_id=payee.expert_id,
        payee=payee,
        destination=payee.account_id,
        currency=amount.currency,
        amount_minor=amount.minor,
        reserved_at=at,
    )


def _post(payouts: Sequence[Payout], at: datetime) -> None:
    if not payouts:
        return
    currency, experts = payouts[0].currency, [payout.expert_id for payout in payouts]
    available = expert_accounts(kind="expert_available", currency=currency, experts=experts)
    moving = expert_accounts(kind="payout_in_transit", currency=currency, experts=experts)
    drafts = []
    for payout in payouts:
        posting = Posting(
            key=f"payout:{payout.id}",
            kind="payout_reserved",
            currency=currency,
            effective_at=at,
        )
        out = ledger.Leg(available[payout.expert_id], "D", payout.amount_minor)
        drafts.append((posting, [out, ledger.Leg(moving[payout.expert_id], "C", out.amount_minor)]))
    ledger.post_many(drafts=drafts)


def _take(payouts: Sequence[Payout], earnings: Mapping[UUID, list[Earning]]) -> None:
    taken = []
    for payout in payouts:
        own = earnings[payout.expert_id]
        remainder = sum(earning.payable_minor for earning in own) - payout.amount_minor
        if remainder:
            _split(payout, own, remainder)
        taken += [(payout, earning) for earning in own]
    PayoutItem.objects.bulk_create(
        PayoutItem(payout=payout, earning=earning, amount_minor=earning.payable_minor)
        for payout, earning in taken
        if earning.payable_minor
    )
    ids = [earning.id for _, earning in taken]
    Earning.objects.filter(id__in=ids).update(state="reserved")


def _split(payout: Payout, earnings: list[Earning], remainder: int) -> None:
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
        posting=Posting.objects.get(key=f"payout:{payout.id}"),
        state="available",
    )
