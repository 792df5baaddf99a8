"""Processes that approve work at the same time, one way or the other."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.synchronize import Barrier, Event
from typing import Any

from django.db import connection, transaction

from benchmarks.money_world import NOON
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from payouts.models import Earning, Reservation
from payouts.services import earning, ledger, rounds
from payouts.services.accounts import account, expert_accounts

WRITERS = 8
TICK_S = 2  # settings.JOBS_TICKS["payouts.post_earnings"]
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Approved:
    """What eight writers did; the time ends when the last approval is in the ledger."""

    latencies: list[float]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


def run(way: str, batch: Reservation, people: Sequence[Expert], *, seconds: float) -> Approved:
    """Let the writers approve for that long, posting in rounds or each for itself."""
    connection.close()
    start, stop = FORK.Barrier(WRITERS + 1), FORK.Event()
    told = FORK.SimpleQueue()
    writers = [
        FORK.Process(target=_write, args=(way, batch, people, start, seconds, told), daemon=True)
        for _ in range(WRITERS)
    ]
    poster = FORK.Process(target=_post, args=(stop,), daemon=True)
    for process in writers:
        process.start()
    if way == "rounds":
        poster.start()
    start.wait()
    began = time.perf_counter()
    latencies = [value for _ in writers for value in told.get()]
    for process in writers:
        process.join()
    if way == "rounds":
        stop.set()
        poster.join()
        rounds.post_earnings(at=NOON)
    took = time.perf_counter() - began
    if Earning.objects.filter(posting=None).exists():
        raise RuntimeError("an approval did not reach the ledger")
    return Approved(latencies, took)


def _write(
    way: str,
    batch: Reservation,
    people: Sequence[Expert],
    start: Barrier,
    seconds: float,
    told: Any,  # a queue of multiprocessing
) -> None:
    chosen = random.Random(multiprocessing.current_process().pid)
    latencies = []
    pots = Pots(batch, people)  # connects
    start.wait()
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        with transaction.atomic(durable=True):
            row = _approve(batch, chosen.choice(people))
            if way == "inline":
                pots.post(row)
        latencies.append(time.perf_counter() - began)
    connection.close()
    told.put(latencies)


def _approve(batch: Reservation, expert: Expert) -> Earning:
    return earning.credit(
        key=f"work:{uuid7()}",
        expert=expert,
        pay=Money(700, "USD"),
        fee=Money(105, "USD"),
        reservation=batch,
        pay_channel="stripe",
        hold=timedelta(hours=72),
        at=NOON,
    )


def _post(stop: Event) -> None:
    while not stop.wait(TICK_S):
        rounds.post_earnings(at=NOON)
    connection.close()


class Pots:
    """The accounts that one earning's posting needs, already at hand."""

    def __init__(self, batch: Reservation, people: Sequence[Expert]) -> None:
        experts = [row.id for row in people]
        self.reserved = batch.reserved
        self.pending = expert_accounts(kind="expert_pending", currency="USD", experts=experts)
        self.revenue = account("platform_revenue", currency="USD")

    def post(self, row: Earning) -> None:
        """Post one earning by itself."""
        posting = ledger.post(
            key=f"round:{row.id}",
            kind="earnings_posted",
            currency="USD",
            legs=[
                ledger.Leg(self.reserved, "D", row.pay_minor + row.fee_minor),
                ledger.Leg(self.pending[row.expert_id], "C", row.pay_minor),
                ledger.Leg(self.revenue, "C", row.fee_minor),
            ],
            effective_at=row.earned_at,
        )
        Earning.objects.filter(id=row.id, posting=None).update(posting=posting)


def post_one_by_one(batch: Reservation, people: Sequence[Expert]) -> None:
    """Post what waits, a transaction for each."""
    pots = Pots(batch, people)
    for row in Earning.objects.filter(posting=None).order_by("id"):
        with transaction.atomic(durable=True):
            pots.post(row)
