"""The books as a whole, and the way back from a payout to the work it pays for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from marketplace.kit.money import Money
from payouts.models import Account, Entry, Payout


@dataclass(frozen=True, slots=True)
class Line:
    """All accounts of one kind and currency. `balance` is on the kind's normal side."""

    kind: str
    currency: str
    accounts: int
    debits: Money
    credits: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class PaidWork:
    """One earning inside a payout: `key` names the work, `assignment:<uuid>` and the like."""

    key: str
    amount: Money
    earned_at: datetime
    posting_id: UUID | None


def trial_balance() -> list[Line]:
    """Debits and credits per kind and currency; over all kinds both sums are the same."""
    sums = (
        Account.objects.values("kind", "currency", "normal")
        .annotate(d=Sum("debits_minor"), c=Sum("credits_minor"), n=Sum(1))
        .order_by("currency", "kind")
    )
    return [
        Line(
            kind=row["kind"],
            currency=row["currency"],
            accounts=row["n"],
            debits=Money(int(row["d"]), row["currency"]),
            credits=Money(int(row["c"]), row["currency"]),
            balance=Money(
                int(row["d"] - row["c"] if row["normal"] == "D" else row["c"] - row["d"]),
                row["currency"],
            ),
        )
        for row in sums
    ]


def currencies() -> tuple[str, ...]:
    """Those of the instance, then those in which the operator has money or had."""
    rows = Account.objects.filter(kind__in=["psp_clearing", "platform_bank"])
    booked = rows.order_by("currency").values_list("currency", flat=True)
    return tuple(dict.fromkeys([*settings.CURRENCIES, *booked]))


def explain_payout(payout: Payout) -> list[PaidWork]:
    """What a payout is the sum of, down to the approved work."""
    items = payout.items.select_related("earning").order_by("earning__earned_at", "earning_id")
    return [
        PaidWork(
            key=item.earning.key,
            amount=Money(item.amount_minor, payout.currency),
            earned_at=item.earning.earned_at,
            posting_id=item.earning.posting_id,
        )
        for item in items
    ]


def balance_as_of(account: Account, instant: datetime) -> Money:
    """An account's balance by what had happened before the instant, whenever it was written."""
    rows = Entry.objects.filter(account=account, posting__effective_at__lt=instant)
    sums = rows.values("side").annotate(total=Coalesce(Sum(F("amount_minor")), 0))
    sides = {row["side"]: int(row["total"]) for row in sums}
    difference = sides.get("D", 0) - sides.get("C", 0)
    return Money(difference if account.normal == "D" else -difference, account.currency)
