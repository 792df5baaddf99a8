"""What can still be taken back of an earning, and the fee that goes with it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet, Sum

from marketplace.kit.money import Money
from payouts.models import Clawback, Earning, Netting, PayoutItem

CARRY = "carry:"


def left_of(earning: Earning) -> Money:
    """Pay that was not taken back yet, what it has since paid of a debt included.

    A remainder carried into an earning of its own is left there.
    """
    if earning.state in ("voided", "clawed_back"):
        return Money(0, earning.currency)
    taken = _sum(earning.clawbacks.filter(state="made"))
    carried = earning.netted_minor - _sum(earning.nettings.all())
    return Money(earning.pay_minor - carried - taken, earning.currency)


def root_of(earning: Earning) -> Earning:
    """The work behind an earning: what a capped or floored payout left over leads back to it.

    A payout takes earnings in the order of their ids, so that the one it splits is its last.
    """
    while earning.key.startswith(CARRY):
        items = PayoutItem.objects.filter(payout=UUID(earning.key.removeprefix(CARRY)))
        split = items.select_related("earning__escrow").order_by("-earning").first()
        if split is None:
            return earning
        earning = split.earning
    return earning


def fee_share(earning: Earning, amount: Money) -> Money:
    """The client's fee on `amount`, so that the shares of all clawbacks sum up to the whole fee."""
    work, made = root_of(earning), earning.clawbacks.filter(state="made")
    before, given = _sum(made), made.aggregate(sum=Sum("fee_minor"))["sum"] or 0
    due = (work.fee_minor * (before + amount.minor) * 2 + work.pay_minor) // (2 * work.pay_minor)
    return Money(due - given, earning.currency)


def _sum(rows: QuerySet[Clawback] | QuerySet[Netting]) -> int:
    return rows.aggregate(sum=Sum("amount_minor"))["sum"] or 0
