"""The product's own source, parsed once, for the tests that read it."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("marketplace", "payouts", "vetting", "tasks")

# Low to high, as pyproject.toml has it for imports. Calls and foreign keys go down.
ORDER = (
    "marketplace.kit",
    "marketplace.formats",
    "marketplace.quality",
    "marketplace.jobs",
    "marketplace.events",
    "marketplace.people",
    "marketplace.organizations",
    "payouts",
    "vetting",
    "marketplace.projects",
    "tasks",
    "marketplace.web",
)


@dataclass(frozen=True)
class Module:
    """One Python file of the product."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The path from the checkout, with slashes."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def lines(self) -> int:
        return self.text.count("\n")


def _files(folders: tuple[str, ...]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every file below the folders, migrations left out; the product's packages by default."""
    found = []
    for path in _files(folders or PACKAGES):
        text = path.read_text(encoding="utf-8")
        found.append(Module(path, text, ast.parse(text)))
    return tuple(found)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def called(node: ast.Call) -> str:
    """The dotted name of what is called, as far as it is written out: `Job.objects.first`."""
    parts: list[str] = []
    target: ast.expr = node.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    parts.append(target.id if isinstance(target, ast.Name) else "()")
    return ".".join(reversed(parts))


def tracked(pattern: str) -> list[Path]:
    """Files of that shape that git knows or would add."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return sorted(ROOT.glob(pattern))
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).exists()]
