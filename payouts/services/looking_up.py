"""Finding out from Stripe what became of an attempt, instead of sending it again."""

from __future__ import annotations

from datetime import datetime

from payouts.gateways.chosen import gateway
from payouts.gateways.port import Transfer
from payouts.models import PayoutAttempt
from payouts.services import outcomes
from payouts.services.attempts import group_of
from payouts.services.running_payouts import finish_run


def look_up(*, attempt: PayoutAttempt, at: datetime) -> Transfer | None:
    """Search Stripe for the attempt's transfer and adopt it; None when there is none to be seen."""
    found = gateway().find_transfers(group=group_of(payout=attempt.payout))
    ours = [transfer for transfer in found if transfer.attempt == str(attempt.number)]
    if not ours:
        return None
    outcomes.succeed(attempt_id=attempt.id, transfer=ours[0], at=at)
    return ours[0]


def adopt_transfer(*, transfer_id: str, at: datetime) -> PayoutAttempt | None:
    """Take over a transfer that Stripe told us of; None when it is not one of ours."""
    transfer = gateway().read_transfer(transfer_id=transfer_id)
    number = int(transfer.attempt) if transfer.attempt.isdecimal() else 0
    rows = PayoutAttempt.objects.filter(
        payout__destination=transfer.destination, number=number
    ).select_related("payout")
    for attempt in rows.order_by("-id"):
        if group_of(payout=attempt.payout) == transfer.group:
            done = outcomes.succeed(attempt_id=attempt.id, transfer=transfer, at=at)
            finish_run(run_id=attempt.payout.run_id, at=at)
            return done
    return None
