"""What a journey is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

GOLD_EVERY = 10  # one row in ten has a known answer
PRICE_MINOR = 250
CURRENCY = "USD"
LOWEST, HIGHEST = 0.55, 0.97  # accuracies of the simulated experts


@dataclass(frozen=True)
class Plan:
    """The options of `manage.py journey`."""

    file: Path
    mapping: tuple[str, ...]
    format: str
    experts: int
    answers: int
    seed: int
    truth: str
    out: Path

    def words(self) -> list[str]:
        """The same plan as words of a command line."""
        maps = [word for line in self.mapping for word in ("--map", line)]
        numbers = ["--experts", str(self.experts), "--answers", str(self.answers)]
        rest = ["--format", self.format, "--seed", str(self.seed), "--out", str(self.out)]
        truth = ["--truth", self.truth] if self.truth else []
        return ["--input", str(self.file), *maps, *numbers, *rest, *truth]
