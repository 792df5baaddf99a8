"""Short functions and short files. The table is printed; only the refused column fails."""

from __future__ import annotations

import ast
from statistics import median, quantiles

from tests.architecture.source import Module, functions, modules

LONGEST_FUNCTION = 60
LONGEST_FILE = 400


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _all() -> tuple[Module, ...]:
    return modules() + modules("tests") + modules("benchmarks")


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{module.name}:{node.lineno} {node.name} has {_length(node)}"
        for module in _all()
        for node in functions(module)
        if _length(node) > LONGEST_FUNCTION
    ]

    assert long == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = [f"{m.name} has {m.lines}" for m in _all() if m.lines > LONGEST_FILE]

    assert long == []


def test_the_median_function_is_short(record_property) -> None:
    lengths = [_length(node) for module in modules() for node in functions(module)]

    record_property("functions", len(lengths))
    record_property("p90", quantiles(lengths, n=10)[-1])

    assert median(lengths) <= 12
