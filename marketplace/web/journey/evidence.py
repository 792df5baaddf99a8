"""Gather what the checks look at: files, the sandbox's objects, the ledger, the chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marketplace.events.selectors import verify_chain
from marketplace.events.services.sealing import seal_events
from marketplace.formats.rows import read_rows
from marketplace.formats.source import Row
from marketplace.kit import clock
from marketplace.web.journey.cast import Cast
from marketplace.web.journey.checks import Evidence
from marketplace.web.journey.plan import CURRENCY, Plan
from payouts.models import Earning, SandboxObject
from payouts.selectors.budgets import project_budget, wallet
from payouts.selectors.invariants import check_ledger
from tasks.models import Assignment, Batch

_COLUMNS = {
    "preference": frozenset({"prompt", "chosen", "rejected"}),
    "classification": frozenset({"text", "label"}),
}


def gather(
    *, plan: Plan, cast: Cast, batch: Batch, files: Path, means: dict[str, float]
) -> Evidence:
    """Everything about a finished journey, read anew."""
    while seal_events():
        pass
    earnings = list(Earning.objects.order_by("pk"))
    budget = project_budget(batch.project_id, CURRENCY)
    left = wallet(cast.lab, CURRENCY) + budget.escrow + budget.reserved + budget.pool
    approved = Assignment.objects.filter(batch=batch, state="approved")
    experts = [(means[str(w.expert.pk)], w.person.accuracy) for w in cast.workers]
    return Evidence(
        rows=_rows(plan),
        tasks=batch.tasks.count(),
        answers=plan.answers,
        approved=[str(key) for key in approved.order_by("pk").values_list("pk", flat=True)],
        earning_keys=[earning.key for earning in earnings],
        earning_states=[earning.state for earning in earnings],
        pays=sum(earning.pay_minor for earning in earnings),
        fees=sum(earning.fee_minor for earning in earnings),
        transfers=[body["amount"] for body in _sandbox("transfer")],
        charged=sum(body["amount"] for body in _sandbox("charge")),
        left=left.minor,
        ledger_problems=[f"{b.invariant}: {b.problem}" for b in check_ledger(clock.now()).broken],
        chain_problems=[str(problem) for problem in verify_chain().problems],
        data=_lines(files / "data.jsonl"),
        ties=_lines(files / "ties.jsonl"),
        votes=_lines(files / "votes.jsonl"),
        columns=_COLUMNS[plan.format],
        score_means=[mean for mean, _ in experts],
        true_accuracies=[accuracy for _, accuracy in experts],
    )


def _rows(plan: Plan) -> int:
    """The rows of the file, read by the plainest reader that knows its shape."""
    with plan.file.open("rb") as file:
        return sum(isinstance(row, Row) for row in read_rows(file, name=plan.file.name))


def _sandbox(kind: str) -> list[dict[str, Any]]:  # Any: JSON as Stripe writes it
    rows = SandboxObject.objects.filter(type=kind, account="").order_by("position")
    return list(rows.values_list("body", flat=True))


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
