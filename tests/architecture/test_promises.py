"""What README and the docs name exists: tests, targets, commands, links."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.architecture.source import ROOT, tracked

DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted({*tracked("docs/**/*.md"), *tracked("docs/*.md")}),
]


def _text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in DOCS)


def test_every_named_test_exists() -> None:
    missing = []
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", _text()):
        file = ROOT / path
        names = set()
        if file.exists():
            tree = ast.parse(file.read_text(encoding="utf-8"))
            names = {
                n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)
            }
        if name not in names:
            missing.append(f"{path}::{name}")

    assert missing == []


def test_the_readme_names_a_test_for_each_promise() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert len(re.findall(r"`tests/[\w/]+\.py::\w+`", readme)) >= 6


def test_every_named_make_target_exists() -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = set(re.findall(r"`make ([a-z-]+)", _text()))

    assert sorted(named - targets) == []


def test_every_named_command_exists() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", _text()))

    assert sorted(named - set(get_commands())) == []


@pytest.mark.parametrize("path", DOCS, ids=lambda p: Path(p).relative_to(ROOT).as_posix())
def test_every_link_between_documents_resolves(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)

    assert [link for link in links if not (path.parent / link).exists()] == []
