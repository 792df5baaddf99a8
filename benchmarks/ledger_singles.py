"""One posting at a time, ours and django-hordak's, in the same database."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec

from benchmarks.money_world import NOON, organization, refresh_statistics
from marketplace.kit.ids import uuid7
from payouts.models import Account
from payouts.services import ledger
from payouts.services.accounts import account

BLOCK = 50
PAIRS = 100
FUNDS = 10**9

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
    clients = [organization() for _ in range(PAIRS)]
    wallets = [account("wallet", currency="USD", organization=row) for row in clients]
    budgets = [
        account("escrow", currency="USD", organization=row, subject_id=uuid7()) for row in clients
    ]
    clearing = account("psp_clearing", currency="USD")
    ledger.post(
        key=f"funding:{uuid7()}",
        kind="funding_paid",
        currency="USD",
        legs=[
            ledger.Leg(clearing, "D", PAIRS * FUNDS),
            *(ledger.Leg(row, "C", FUNDS) for row in wallets),
        ],
        effective_at=NOON,
    )
    refresh_statistics()
    return [
        partial(_allocate, wallet, budget) for wallet, budget in zip(wallets, budgets, strict=True)
    ]


def _allocate(wallet: Account, budget: Account) -> None:
    ledger.post(
        key=f"allocation:{uuid7()}",
        kind="budget_allocated",
        currency="USD",
        legs=[ledger.Leg(wallet, "D", 125), ledger.Leg(budget, "C", 125)],
        effective_at=NOON,
    )


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
