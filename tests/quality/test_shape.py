"""Determinism across processes, purity and size of the package."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import marketplace.quality

PACKAGE = Path(marketplace.quality.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))
ONLINE = ("beta", "errors", "gold", "skill", "consensus", "ability", "plan", "calibration")

RUN_ALL = """
from benchmarks.quality_data import crowd
from marketplace.quality import agreement, calibration, collusion, confusion, preference, severity
from marketplace.quality.ability import Item, Test
from marketplace.quality.consensus import Config, Engine

answers, truth = crowd(1, tasks=80, experts=12, each=6, n_labels=3)
rows = [(f"t{t}", f"e{e}", f"l{x}") for t, e, x in answers]
gold = {f"t{t}": f"l{truth[t]}" for t in range(30)}
model = confusion.fit(rows, labels=["l0", "l1", "l2"], gold=gold)
print(model.as_dict(), collusion.pairs(model))
engine = Engine(Config(n_labels=3))
for t, e, x in rows:
    engine.observe(expert=e, task=t, label=int(x[1]), gold=int(gold[t][1]) if t in gold else None)
print([(engine.label(t), engine.skill(e)) for t, e, _ in rows])
print(agreement.alpha(rows, level="nominal"))
print(severity.fit([(t, e, float(x[1])) for t, e, x in rows]))
print(preference.fit([(e, f"o{i % 9}", f"o{i % 9 + 1 + i % 3}", ("left", "tie", "right")[i % 5 % 3])
                      for i, (_, e, _) in enumerate(rows)]))
test = Test([Item(f"q{n}", n % 5 / 5) for n in range(30)], cut=0.3, seed=4)
print(test.next([]), test.verdict([("q1", True), ("q2", False)]))
print(calibration.fit([(i % 17 / 17, i % 3 > 0) for i in range(200)]))
"""


@pytest.mark.slow
def test_two_processes_with_different_hash_seeds_print_identical_bytes() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-c", RUN_ALL],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=PACKAGE.parents[1],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "4242")
    ]

    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 10_000


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("module", ONLINE)
def test_the_online_part_imports_no_numpy_not_even_through_a_neighbour(module: str) -> None:
    seen, left = set(), [module]
    while left:
        name = left.pop()
        for found in imports(PACKAGE / f"{name}.py"):
            assert not found.startswith("numpy"), f"{module} reaches numpy through {name}"
            neighbour = found.removeprefix("marketplace.quality.")
            if neighbour not in seen and (PACKAGE / f"{neighbour}.py").exists():
                seen.add(neighbour)
                left.append(neighbour)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_package_reads_no_clock_no_chance_and_no_framework(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)}

    assert not tops & {"django", "random", "time", "datetime", "os", "secrets", "uuid", "pathlib"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_function_is_longer_than_forty_lines(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 40, f"{path.name}: {node.name} has {length} lines"
