"""The steps of a journey in order, each timed; then the checks."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from marketplace.web.journey import paying, working
from marketplace.web.journey.cast import assemble
from marketplace.web.journey.checks import Check, check
from marketplace.web.journey.evidence import gather
from marketplace.web.journey.plan import Plan
from marketplace.web.journey.truth import Truth


@dataclass
class Report:
    """What a journey did: counts, seconds per step, checks."""

    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether every check holds."""
        return bool(self.checks) and all(each.is_met for each in self.checks)

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """For `--json`."""
        return {**asdict(self), "is_good": self.is_good}


class Journey:
    """One run; `say` gets a line for each step and its progress."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self.plan = plan
        self.say = say
        self.report = Report()

    def run(self) -> Report:
        """Do everything, keep the export in `plan.out`, check it all."""
        plan, counts, truth = self.plan, self.report.counts, Truth(self.plan)
        with self._step("vet"):
            cast = assemble(plan)
            counts["candidates"], counts["experts"] = cast.candidates, len(cast.workers)
        with self._step("import"):
            batch = working.prepare_batch(plan, cast)
            counts["rows"] = working.import_file(plan, cast, batch).rows_loaded
        with self._step("fund"):
            counts["funded_minor"] = working.fund_and_open(plan, cast, batch, truth).minor
            paying.onboard_everybody(cast)
        with self._step("answer"):
            counts["submitted"] = working.answer_everything(plan, cast, batch, truth, self._tell)
        with self._step("review"):
            counts["approved"] = working.review_everything(cast, batch, truth, self._tell)
        with self._step("score"):
            means = paying.await_scores(cast)
        with self._step("pay"):
            counts["payouts"] = paying.run_payouts(cast).payouts.count()
            working.finish_project(cast, batch)
        with self._step("export"):
            files = working.export_data(cast, batch)
            shutil.copytree(files, plan.out, dirs_exist_ok=True)
        with self._step("check"):
            evidence = gather(plan=plan, cast=cast, batch=batch, files=plan.out, means=means)
            self.report.checks = check(evidence)
            counts |= {"exported": len(evidence.data), "ties": len(evidence.ties)}
        return self.report

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.say(f"{name} …")
        begun = time.monotonic()
        yield
        self.report.seconds[name] = round(time.monotonic() - begun, 2)

    def _tell(self, done: int, total: int) -> None:
        if done == total or done % max(1, total // 4) == 0:
            self.say(f"  {done} of {total}")


def lines_of(report: Report) -> Iterator[str]:
    """The report for a reader."""
    for name, value in report.counts.items():
        yield f"{name.replace('_', ' '):<14} {value:>10,}"
    yield ""
    for each in report.checks:
        yield f"{'ok  ' if each.is_met else 'FAIL'}  {each.name} ({each.seen})"
    yield ""
    yield "seconds: " + ", ".join(f"{k} {v:.1f}" for k, v in report.seconds.items())
