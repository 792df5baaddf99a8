"""Where a process that pays may end, what it then leaves, and how it is made to end there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

RESERVED, GONE = "reserved", "transferred"


@dataclass(frozen=True)
class Death:
    """The call of a function at which a process ends, and what is committed by then."""

    place: str
    call: int
    payouts: tuple[str, ...]  # their states, the first one first
    transfers: int = 0  # made at Stripe

    def __str__(self) -> str:
        return f"{self.place.partition('.services.')[2]}-{self.call}"


WHILE_IT_RESERVES = (
    Death("payouts.services.paying.first_attempts", 1, ()),  # inside, money posted
    Death("payouts.services.paying.note", 2, ()),  # at its end, attempts written
    # Reserved, and the job not done.
    Death("marketplace.jobs.services.leases.finish", 1, (RESERVED, RESERVED)),
)
WHILE_IT_SENDS = (
    # Before the first claim, inside it, between claim and call.
    Death("payouts.services.sending.start_run", 1, (RESERVED, RESERVED)),
    Death("payouts.services.sending.mark_sending", 1, (RESERVED, RESERVED)),
    Death("payouts.services.sending.deliver", 1, ("submitting", RESERVED)),
    # Between call and record; in the record, attempt written; in the record, posting written.
    Death("payouts.services.sending.outcomes.succeed", 1, ("submitting", RESERVED), 1),
    Death("payouts.services.settling.ledger.post", 1, ("submitting", RESERVED), 1),
    Death("payouts.services.settling.tell", 1, ("submitting", RESERVED), 1),
    # Between two payouts; after the last record; the run done, and the job not.
    Death("payouts.services.sending.deliver", 2, (GONE, "submitting"), 1),
    Death("payouts.services.sending.finish_run", 1, (GONE, GONE), 2),
    Death("marketplace.jobs.services.leases.finish", 2, (GONE, GONE), 2),  # 1 is the collecting job
)
# The first payout's call times out after Stripe has made the transfer; the second goes well.
OVER_AN_UNKNOWN_PAYOUT = (
    # No answer, and no time to say so.
    Death("payouts.services.sending.outcomes.forget_answer", 1, ("submitting", RESERVED), 1),
    # Inside the second claim; between second claim and call; the replayed answer lost as well.
    Death("payouts.services.sweeping.mark_sending", 1, ("unknown", GONE), 2),
    Death("payouts.services.sweeping.deliver", 1, ("unknown", GONE), 2),
    Death("payouts.services.sending.outcomes.succeed", 2, ("unknown", GONE), 2),
    Death("payouts.services.sweeping.finish_run", 1, (GONE, GONE), 2),  # after the record
)


def die_at(place: str, call: int, end: Callable[[], object]) -> None:
    """Have this process end, without a goodbye, when `place` is called for this time."""
    module_name, name = place.rsplit(".", 1)
    try:
        owner = importlib.import_module(module_name)
    except ModuleNotFoundError:
        outer, inner = module_name.rsplit(".", 1)
        owner = getattr(importlib.import_module(outer), inner)
    original, calls = getattr(owner, name), 0

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            end()
        return original(*args, **kwargs)

    setattr(owner, name, counted)
