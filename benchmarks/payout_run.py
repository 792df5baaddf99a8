"""A payout run of many experts (MONEY 6), prepared and sent; exits 1 when a figure is missed.

    python -m benchmarks.payout_run [--experts N] [--sends N] [--rates 10 20]

Makes a database of its own in the built-in PostgreSQL, as durable as in production, and sends to
the sandbox through the workers' own code.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import threading
import time
from datetime import timedelta
from math import inf
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection

import benchmarks.ready  # noqa: F401 Django comes before the product
from benchmarks import money_world as world
from benchmarks.money import Stopwatch, Table, own_database
from marketplace.kit import clock
from payouts.models import Payout, PayoutAttempt, PayoutRun, SandboxObject
from payouts.services import collecting, rounds, running_payouts, sending

EARNINGS = 3  # of each expert
SENDERS = 4
FORK = multiprocessing.get_context("fork")


class Memory:
    """The memory of this process in bytes: at both ends, and fifty times a second between them."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []
        self._end = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._clock = Stopwatch()
        self._look()
        self._watcher.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._end.set()
        self._watcher.join()
        self._look()

    def _watch(self) -> None:
        while not self._end.wait(0.02):
            self._look()

    def _look(self) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.seen.append((self._clock.seconds, pages * os.sysconf("SC_PAGE_SIZE")))

    def peak_mb(self, start: float, end: float) -> float:
        """The most from the look before one moment to the look after another, in seconds."""
        first = max((at for at, _ in self.seen if at <= start), default=0)
        last = min((at for at, _ in self.seen if at >= end), default=inf)
        return max(size for at, size in self.seen if first <= at <= last) / 1e6


def prepare(table: Table, *, experts: int) -> PayoutRun:
    """Earnings past their hold become a run: selected, reserved, their attempts written."""
    watch = Stopwatch()
    people = world.experts(experts)
    batch = world.reservation(world.organization())
    world.backlog([batch], people, EARNINGS * experts)
    later = world.NOON + timedelta(hours=1)
    while rounds.post_earnings(at=later):
        pass
    rounds.release_holds(at=later)
    world.refresh_statistics()
    table.line(f"{experts:,} experts with {EARNINGS} earnings each", f"{watch.seconds:.0f} s")
    run = running_payouts.open_run(currency="USD", by=world.user("Fay"), at=later)
    with Memory() as memory:
        began, watch = time.time(), Stopwatch()
        made = collecting.collect_run(run_id=run.id, at=later)
        took = watch.seconds
    attempts = PayoutAttempt.objects.filter(payout__run=run, state="created").count()
    if not made == attempts == experts:
        table.misses.append(f"{made} payouts and {attempts} attempts for {experts} experts")
    table.line("prepared", f"{made / took:.0f} experts/s")
    table.require(f"a run of {made:,} experts prepares", [took], most=120, unit=" s")
    first, last = (at - began for at in _borders(run))
    peaks = memory.peak_mb(0, first), memory.peak_mb(last, took)
    table.line("peak memory, first and last tenth", f"{peaks[0]:.0f} MB, {peaks[1]:.0f} MB")
    table.require("memory, last tenth by first", [peaks[1] / peaks[0]], most=1.1, unit=" x")
    return run


def _borders(run: PayoutRun) -> tuple[float, float]:
    """When the first tenth was there and the last began; a uuid7 starts with its milliseconds."""
    rows = Payout.objects.filter(run=run).order_by("id").values_list("id", flat=True)
    made = [(row.int >> 80) / 1000 for row in rows]
    tenth = len(made) // 10
    return made[tenth], made[-tenth - 1]


def send(table: Table, run: PayoutRun, *, rates: list[int], sends: int) -> None:
    """Four workers send at each pace; the sandbox says when the transfers came."""
    world.stock_sandbox(list(Payout.objects.filter(run=run).order_by("id")))
    now = clock.now()
    running_payouts.close_run(run=run, by=world.user("Clo"), at=now)
    running_payouts.approve_run(run=run, by=world.user("App"), at=now)
    for rate in rates:
        sent = SandboxObject.objects.filter(type="transfer").count()
        connection.close()
        workers = [
            FORK.Process(target=_work, args=(run.id, rate, sends // SENDERS), daemon=True)
            for _ in range(SENDERS)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        rows = SandboxObject.objects.filter(type="transfer").order_by("position")
        came = list(rows.values_list("created_at", flat=True))[sent:]
        if len(came) < 2:
            table.misses.append(f"{len(came)} transfers came at {rate} a second")
            continue
        pace = (len(came) - 1) / (came[-1] - came[0]).total_seconds()
        table.require(
            f"{len(came)} transfers at PAYOUT_RATE_PER_S={rate}",
            [pace / rate],
            least=0.95,
            most=1.05,
            unit=" x",
        )


def _work(run_id: UUID, rate: int, sends: int) -> None:
    settings.PAYOUT_RATE_PER_S = rate
    done = 0
    while done < sends:
        size = sending.send_some(run_id=run_id, at=clock.now())
        if not size:
            break
        done += size
    connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experts", type=int, default=10_000)
    parser.add_argument("--sends", type=int, default=200, help="at each pace")
    parser.add_argument("--rates", type=int, nargs="*", default=[10, 20])
    parser.add_argument("--database", default="", help="an existing, empty one")
    options = parser.parse_args()
    table = Table("payout run")
    with own_database("guildhall_bench_payout_run", options.database):
        run = prepare(table, experts=options.experts)
        send(table, run, rates=options.rates, sends=options.sends)
    return table.close(is_judged=options.experts >= 10_000)


if __name__ == "__main__":
    sys.exit(main())
