"""One posting at a time, ours and django-hordak's, in the same database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from uuid import UUID

from benchmarks.money_world import NOON, experts, organization, reservation
from marketplace.kit.ids import uuid7
from payouts.models import Account
from payouts.services import ledger
from payouts.services.accounts import expert_accounts

BLOCK = 50
PAIRS = 100

if find_spec("hordak"):
    from hordak.models import Account as HordakAccount
    from hordak.models import AccountType
    from moneyed import Money as HordakMoney
else:
    HordakAccount = None


@dataclass
class Transfers:
    """Seconds of each."""

    ours: list[float] = field(default_factory=list)
    hordak: list[float] = field(default_factory=list)


def transfers(count: int) -> Transfers:
    """That many of each, in blocks that take turns, between a hundred pairs of accounts."""
    found = Transfers()
    own, other = _own_moves(), _hordak_moves()
    for start in range(0, count, BLOCK):
        for n in range(start, min(count, start + BLOCK)):
            found.ours.append(_seconds(own[n % PAIRS]))
        for n in range(start, min(count, start + BLOCK)):
            if other:
                found.hordak.append(_seconds(other[n % PAIRS]))
    return found


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _own_moves() -> list[Callable[[], object]]:
    people = [row.id for row in experts(PAIRS)]
    pending = expert_accounts(kind="expert_pending", currency="USD", experts=people)
    available = expert_accounts(kind="expert_available", currency="USD", experts=people)
    batch = reservation(organization(), 10**9)
    ledger.post(
        key=f"fill:{uuid7()}",
        kind="correction",
        currency="USD",
        legs=[
            ledger.Leg(batch.reserved, "D", 10**9),
            *(ledger.Leg(row, "C", 10**9 // PAIRS) for row in pending.values()),
        ],
        effective_at=NOON,
    )
    return [_own_move(pending[row], available[row], row) for row in people]


def _own_move(source: Account, target: Account, _expert: UUID) -> Callable[[], object]:
    def move() -> object:
        return ledger.post(
            key=f"released:{uuid7()}",
            kind="holds_released",
            currency="USD",
            legs=[ledger.Leg(source, "D", 125), ledger.Leg(target, "C", 125)],
            effective_at=NOON,
        )

    return move


def _hordak_moves() -> list[Callable[[], object]]:
    if HordakAccount is None:
        return []
    rows = [
        HordakAccount.objects.create(
            name=f"account {n}", code=None, type=AccountType.liability, currencies=["USD"]
        )
        for n in range(2 * PAIRS)
    ]
    amount = HordakMoney("1.25", "USD")
    return [
        lambda source=rows[n], target=rows[n + PAIRS]: source.transfer_to(target, amount)
        for n in range(PAIRS)
    ]
