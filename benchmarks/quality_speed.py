"""Processor time and peak memory, against crowd-kit on the same rows in the same run."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

from benchmarks import quality_data as data
from benchmarks.quality_report import DawidSkene, Report, pd
from marketplace.quality import confusion, preference
from marketplace.quality.consensus import Config, Engine


def seconds(act: Callable[[], object], times: int) -> float:
    best = inf
    for _ in range(times):
        start = time.process_time()
        act()
        best = min(best, time.process_time() - start)
    return best


def peak_megabytes(act: Callable[[], object]) -> float:
    tracemalloc.start()
    act()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def speed(report: Report, _seeds: int) -> None:
    rows = data.large(20_000)
    engine = Engine(Config(4))

    def online() -> None:
        for task, expert, label in rows:
            engine.observe(expert=expert, task=task, label=label)

    each = seconds(online, 1) / len(rows) * 1e6
    report.row("speed", "online update", microseconds=each, required="< 50")
    report.require("speed online microseconds", each, most=50)
    for tasks, times in ((20_000, 5), (200_000, 2)):
        numbers = data.large(tasks)
        words = [(f"task-{t}", f"expert-{e}", f"label-{x}") for t, e, x in numbers]
        _against_crowdkit(report, f"{5 * tasks:,} integer ids", numbers, range(4), times)
        _against_crowdkit(
            report, f"{5 * tasks:,} text ids", words, [f"label-{x}" for x in range(4)], times
        )
        del numbers, words
    for options, name in ((2_000, "2,000 options"), (50_000, "50,000 options"), (0, "lone pairs")):
        votes = data.vote_columns(1_000_000, options=options)
        took = seconds(partial(preference.fit, votes), 1)
        report.row("speed", f"1,000,000 votes, {name}", seconds=took, required="< 5")
        report.require(f"speed votes {name}", took, most=5)


def _against_crowdkit(report: Report, name: str, rows: list[Any], labels: Any, times: int) -> None:
    act = partial(confusion.aggregate, rows, labels=labels)
    ours, memory = seconds(act, times), peak_megabytes(act)
    if DawidSkene is None:
        report.row("speed", name, seconds=ours, megabytes=memory)
        return
    frame = pd.DataFrame(rows, columns=["task", "worker", "label"])
    other = partial(DawidSkene(n_iter=20).fit_predict_proba, frame)
    theirs, other_memory = seconds(other, times), peak_megabytes(other)
    report.row(
        "speed",
        name,
        seconds=ours,
        crowdkit=theirs,
        ratio=theirs / ours,
        megabytes=memory,
        crowdkit_megabytes=other_memory,
        required=">= 3 x",
    )
    report.require(f"speed {name}", theirs / ours, least=3)
    report.require(f"memory {name}", memory, most=other_memory)
