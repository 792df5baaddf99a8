"""Turning available earnings into payouts: taken oldest first, the last one split if need be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.kit.money import Money
from payouts.models import Earning, Payee, Payout, PayoutItem, PayoutRun, Posting
from payouts.services import ledger
from payouts.services.accounts import expert_accounts
from payouts.services.attempts import first_attempts
from payouts.services.holding import note


@dataclass(frozen=True, slots=True)
class Share:
    """What a run pays to a payee, out of these locked earnings; they come to the amount or more."""

    payee: Payee
    amount: Money
    earnings: Sequence[Earning]


def lock_payable(*, experts: Iterable[UUID], currency: str) -> dict[UUID, list[Earning]]:
    """Their available earnings that a transfer may pay, by expert, in the order of making."""
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


def pay_out(*, run: PayoutRun, shares: Sequence[Share], at: datetime) -> list[Payout]:
    """Reserve a payout for each share, with its first attempt; amount and destination are frozen.

    The caller has locked the run and the payees, and judged that each may receive.
    """
    if not shares:
        return []
    payouts = Payout.objects.bulk_create(_draft(run, share, at) for share in shares)
    postings = _post(payouts, at)
    taken = zip(payouts, shares, postings, strict=True)
    items = PayoutItem.objects.bulk_create(
        item for payout, share, posting in taken for item in _items(payout, share, posting)
    )
    ids = [item.earning_id for item in items]
    Earning.objects.filter(id__in=ids).update(state="reserved")
    first_attempts(payouts=payouts)
    for payout in payouts:
        note(kind="payout.reserved", payout=payout, at=at)
    return payouts


def _draft(run: PayoutRun, share: Share, at: datetime) -> Payout:
    return Payout(
        run=run,
        expert_id=share.payee.expert_id,
        payee=share.payee,
        destination=str(share.payee.account_id),
        currency=share.amount.currency,
        amount_minor=share.amount.minor,
        reserved_at=at,
    )


def _post(payouts: Sequence[Payout], at: datetime) -> list[Posting]:
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
    return ledger.post_many(drafts=drafts)


def _items(payout: Payout, share: Share, posting: Posting) -> Iterator[PayoutItem]:
    rest = payout.amount_minor
    for earning in share.earnings:
        part = min(rest, earning.payable_minor)
        if not part:
            return
        if part < earning.payable_minor:
            _split(payout, earning, earning.payable_minor - part, posting)
        yield PayoutItem(payout=payout, earning=earning, amount_minor=part)
        rest -= part


def _split(payout: Payout, earning: Earning, remainder: int, posting: Posting) -> None:
    """What this payout does not take of an earning stays available, as an earning of its own."""
    earning.netted_minor += remainder
    earning.save(update_fields=["netted_minor"])
    Earning.objects.create(
        key=f"carry:{payout.id}",
        expert=earning.expert,
        currency=payout.currency,
        pay_minor=remainder,
        fee_minor=0,
        cap_minor=remainder,
        pay_channel="stripe",
        earned_at=earning.earned_at,
        available_at=earning.available_at,
        posting=posting,
        state="available",
    )
