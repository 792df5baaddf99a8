"""Keeping a client's money together while a bank takes a payment back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money, zero
from marketplace.organizations.models import Organization
from payouts.models import Account, Posting
from payouts.selectors.freezing import freezes, told
from payouts.services import ledger

WALLET = frozenset({"wallet"})
FREE = frozenset({"wallet", "escrow"})
_MOVABLE = ("wallet", "escrow", "refund_in_transit")


class FundsFrozen(DomainError):
    """What would be left does not cover the money that has to stay. Says how much, until when."""

    code = "funds_frozen"
    status = 409


def movable_accounts(*, organization: Organization, currency: str) -> list[UUID]:
    """The accounts of the client's money that is not at work, which `require_cover` locks."""
    rows = Account.objects.filter(organization=organization, currency=currency, kind__in=_MOVABLE)
    return list(rows.order_by("id").values_list("id", flat=True))


def require_cover(
    *, organization: Organization, amount: Money, of: frozenset[str], key: str, at: datetime
) -> None:
    """Refuse to take `amount` out of the client's accounts `of` these kinds below what is frozen.

    Locks all of the client's movable money, in one go and in order, so that two acts at once do
    not both count on the same cover. What is already posted under `key` is not asked again.
    Raises FundsFrozen.
    """
    held = freezes(organization, amount.currency, at=at)
    if not held or Posting.objects.filter(key=key).exists():
        return
    total = sum((each.amount for each in held), start=zero(amount.currency))
    movable = movable_accounts(organization=organization, currency=amount.currency)
    locked = ledger.lock_accounts(account_ids=movable)
    present = Money(
        sum(row.balance_minor for row in locked.values() if row.kind in of), amount.currency
    )
    if present - amount >= total:
        return
    raise FundsFrozen(
        f"{total} has to stay where it is. {' '.join(told(held))} You can use "
        f"{max(present - total, zero(amount.currency))} of {present} now.",
        wanted={"minor": amount.minor, "currency": amount.currency},
        present={"minor": present.minor, "currency": amount.currency},
        frozen={"minor": total.minor, "currency": amount.currency},
    )
