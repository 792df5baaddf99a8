"""What is installed is pinned, and what is started exists."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.architecture.source import ROOT


def _requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]


def test_every_requirement_has_an_exact_version() -> None:
    lines = _requirements("requirements.txt") + _requirements("requirements-dev.txt")

    assert [line for line in lines if not re.fullmatch(r"[\w.\[\],-]+==[\w.]+", line)] == []


def test_every_requirement_is_in_the_constraints_with_the_same_version() -> None:
    pinned = {
        line.split("==")[0].lower().replace("_", "-"): line.split("==")[1]
        for line in _requirements("constraints.txt")
        if "==" in line
    }
    wanted = _requirements("requirements.txt") + _requirements("requirements-dev.txt")
    for line in wanted:
        name, version = re.sub(r"\[.*\]", "", line).lower().replace("_", "-").split("==")
        assert pinned[name] == version, name


def test_every_program_of_the_procfile_exists() -> None:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    programs = {line.split(":", 1)[1].split()[0] for line in lines}

    bin_folder = Path(shutil.which("python") or "").parent
    venv = ROOT / ".venv/bin"
    assert {p for p in programs if not ((venv / p).exists() or (bin_folder / p).exists())} == set()


def test_ci_runs_the_readme_command() -> None:
    assert "make test" in (ROOT / ".ci/run").read_text(encoding="utf-8")
