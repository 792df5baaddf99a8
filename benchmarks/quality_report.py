"""What a benchmark prints and judges, and crowd-kit where it is installed."""

from __future__ import annotations

from math import inf
from typing import Any

from benchmarks.quality_data import Answer

try:
    import pandas as pd
    from crowdkit.aggregation import DawidSkene
except ImportError:
    DawidSkene = pd = None


class Report:
    """Rows as printed, and what missed."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.misses: list[str] = []
        self.n_judged = 0

    def row(self, table: str, name: str, **values: Any) -> None:
        self.rows.append({"table": table, "name": name, **values})
        shown = "  ".join(
            f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items()
        )
        print(f"  {name:24} {shown}", flush=True)

    def require(self, what: str, value: float, *, least: float = -inf, most: float = inf) -> None:
        self.n_judged += 1
        if not least <= value <= most:
            bound = f">= {least}" if value < least else f"<= {most}"
            self.misses.append(f"{what}: {value:.4f}, required {bound}")


def crowdkit_labels(answers: list[Answer]) -> dict[int, int] | None:
    if DawidSkene is None:
        return None
    frame = pd.DataFrame(answers, columns=["task", "worker", "label"])
    return DawidSkene(n_iter=100).fit_predict(frame).to_dict()
