"""Every environment variable is documented, and every documented one is read."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import ROOT, called, modules

READERS = {
    "env",
    "env_flag",
    "secret",
    "embedded_or_given",
    "environ.get",
    "os.environ.get",
    "getenv",
}
# Read from the machine's own environment; nobody sets them for Guildhall.
OF_THE_MACHINE = {"DJANGO_SETTINGS_MODULE", "XDG_RUNTIME_DIR", "PATH", "HOME", "NO_COLOR", "CI"}


def _read() -> set[str]:
    names = set()
    for module in modules():
        for node in ast.walk(module.tree):
            first = node.args[0] if isinstance(node, ast.Call) and node.args else None
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                continue
            if called(node) in READERS and re.fullmatch(r"[A-Z][A-Z0-9_]+", first.value):  # type: ignore[arg-type]  # a Call, by the line above
                names.add(first.value)
    return names - OF_THE_MACHINE


def _documented(path: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))


def test_the_example_file_has_every_variable_and_no_other() -> None:
    assert _documented(".env.example", r"^#? ?([A-Z][A-Z0-9_]+)=") == _read()


def test_the_configuration_page_has_every_variable_and_no_other() -> None:
    assert _documented("docs/operate/configure.md", r"^\| `([A-Z][A-Z0-9_]+)`") == _read()
