"""The right answers of a file, which the product never sees."""

from __future__ import annotations

from random import Random
from typing import Any

from marketplace.formats.mapping import value_at
from marketplace.formats.rows import read_rows
from marketplace.formats.source import Row
from marketplace.web.journey.plan import GOLD_EVERY, Plan
from marketplace.web.simulation.answers import SimulatedExpert, side_of
from tasks.models import Task

Answer = dict[str, Any]  # Any: an answer is JSON


class Truth:
    """The right answer of every row: from a column of the file, or drawn from the seed."""

    def __init__(self, plan: Plan) -> None:
        self._format = plan.format
        self._seed = plan.seed
        self._values = self._read(plan) if plan.truth else {}

    def _read(self, plan: Plan) -> dict[str, object]:
        with plan.file.open("rb") as file:
            rows = [row for row in read_rows(file, name=plan.file.name) if isinstance(row, Row)]
        return {row.key or str(row.number): value_at(row.data, plan.truth) for row in rows}

    def of(self, task: Task) -> int | str:
        """A side (1 first, -1 second, 0 neither), or a label."""
        place = task.row_key.rpartition(":")[2]
        draw = Random(f"truth:{self._seed}:{place}")  # noqa: S311 a reproducible run
        if self._format == "classification":
            labels = task.payload["labels"]
            return str(self._values[place]) if self._values else str(draw.choice(labels))
        return side_of(self._values[place]) if self._values else draw.choice((1, -1))

    def answer(self, task: Task, expert: SimulatedExpert) -> Answer:
        """What this expert says, in the client's order of sides."""
        truth = self.of(task)
        if isinstance(truth, str):
            return expert.classify(truth, task.payload["labels"])
        return expert.prefer(truth)

    def is_right(self, task: Task, answer: Answer) -> bool:
        """Whether an answer agrees with the truth; a row without a better side agrees with all."""
        truth = self.of(task)
        if isinstance(truth, str):
            return bool(answer["label"] == truth)
        return truth == 0 or (answer["overall"] < 0) == (truth > 0)

    def gold(self, task: Task) -> Answer | None:
        """The known answer that the client attaches to one row in ten with a clear truth."""
        place = task.row_key.rpartition(":")[2]
        draw = Random(f"gold:{self._seed}:{place}")  # noqa: S311 a reproducible run
        if draw.randrange(GOLD_EVERY) or self.of(task) == 0:
            return None
        return self.answer(task, SimulatedExpert(1.0, draw))
