"""What a lost chargeback cost us is made good by the client's next free money (MONEY 10)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from marketplace.kit.money import Money
from payouts.models import Chargeback
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.charging_back import free_money, loss_key


def recoup_losses(*, at: datetime) -> int:
    """Take what lost chargebacks still cost us out of free money; from how many. A sequence.

    Until then that money is frozen, so an hour early or late changes nothing.
    """
    rows = Chargeback.objects.filter(lost_to_us_minor__gt=0).select_related("organization")
    return sum(_recoup(row, at) for row in rows.order_by("id"))


@transaction.atomic(durable=True)
def _recoup(row: Chargeback, at: datetime) -> bool:
    """Book what there is; the locked accounts keep `sync_chargeback` out meanwhile."""
    loss = account("chargeback_loss", currency=row.currency)
    free = free_money(row)
    locked = ledger.lock_accounts(account_ids=[loss.id, *(each.id for each in free)])
    row.refresh_from_db(fields=["lost_to_us_minor"])
    wanted = missing = Money(row.lost_to_us_minor, row.currency)
    legs = []
    for pot in free:
        part = min(missing, Money(locked[pot.id].balance_minor, row.currency))
        legs.append(ledger.Leg.debit(pot, part))
        missing -= part
    if missing == wanted:
        return False
    ledger.post(
        key=loss_key(row),
        kind="chargeback_lost",
        currency=row.currency,
        legs=[*legs, ledger.Leg.credit(loss, wanted - missing)],
        effective_at=at,
        external_ref=row.dispute_id,
    )
    row.lost_to_us_minor = missing.minor
    row.save(update_fields=["lost_to_us_minor"])
    return True
