"""What the linter cannot say: calls and words that may not appear, by reading the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source import ROOT, Module, called, functions, modules, tracked

# Raw SQL stands where the queue, the chain, the ledger and the claim are, and nowhere else.
MAY_USE_SQL = (
    "marketplace/jobs/",
    "marketplace/events/",
    "marketplace/kit/clock.py",
    "marketplace/kit/servers/",
    "marketplace/web/management/commands/",
    "marketplace/web/health.py",
    "payouts/",
    "tasks/services/claiming.py",
    "tasks/services/reclaiming.py",
    "tasks/selectors/",
    "tasks/selectors.py",
)
MAY_CATCH_ALL = ("marketplace/kit/", "marketplace/jobs/")


def _calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield node, called(node)


def _where(module: Module, node: ast.AST) -> str:
    return f"{module.name}:{getattr(node, 'lineno', 0)}"


def test_only_listed_files_write_sql() -> None:
    found = [
        _where(module, node)
        for module in modules()
        if not module.name.startswith(MAY_USE_SQL)
        for node, name in _calls(module)
        if name.endswith((".cursor", ".raw", "RawSQL"))
    ]

    assert found == []


def test_nothing_prints() -> None:
    found = [
        _where(module, node)
        for module in modules()
        for node, name in _calls(module)
        if name == "print"
    ]

    assert [place for place in found if "/kit/servers/" not in place] == []


def test_saving_a_row_names_its_fields() -> None:
    found = []
    for module in modules():
        for node, name in _calls(module):
            if name.endswith(".save") and not name.startswith(("super", "().save", "form")):
                if {k.arg for k in node.keywords} & {"update_fields", "force_insert", "format"}:
                    continue
                if not (node.args or module.name.startswith("marketplace/formats")):
                    found.append(_where(module, node))

    assert found == []


def test_first_comes_after_order_by() -> None:
    found = []
    for module in modules():
        for node, name in _calls(module):
            if not name.endswith(".first") or node.args:
                continue
            chain = ast.unparse(node.func)
            if "order_by" not in chain and "latest" not in chain and "earliest" not in chain:
                found.append(f"{_where(module, node)} {chain[-60:]}")

    assert found == []


def test_only_kit_and_jobs_catch_everything() -> None:
    found = [
        _where(module, node)
        for module in modules()
        if not module.name.startswith(MAY_CATCH_ALL)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]

    assert found == []


def test_triggers_are_never_switched_off() -> None:
    found = [
        _where(module, node)
        for module in modules()
        for node, name in _calls(module)
        if name.startswith("pgtrigger.ignore")
    ]

    assert found == []


def test_jobs_never_run_in_place_of_celery() -> None:
    word = "TASK_ALWAYS_" + "EAGER"

    assert [m.name for m in modules() + modules("tests") if word in m.text] == []


def test_serializers_and_forms_name_their_fields() -> None:
    found = []
    for module in modules():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ClassDef) or node.name != "Meta":
                continue
            for line in node.body:
                text = ast.unparse(line)
                if text.startswith("exclude") or text.replace('"', "'") == "fields = '__all__'":
                    found.append(_where(module, line))

    assert found == []


def test_money_knows_no_float_and_no_division() -> None:
    found = []
    for module in modules("payouts"):
        for node in ast.walk(module.tree):
            is_division = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            if is_division and "Path" not in ast.unparse(node):
                found.append(_where(module, node))
            if isinstance(node, ast.Call) and called(node) == "float":
                found.append(_where(module, node))

    assert found == []


def test_templates_escape_and_carry_no_script() -> None:
    found = []
    for path in tracked("marketplace/web/templates/**/*.html") + tracked(
        "marketplace/web/templates/*.html"
    ):
        text = path.read_text(encoding="utf-8")
        words = ("|safe", "autoescape off", "<style", "javascript:", " onclick=", "hx-on")
        found += [f"{path.relative_to(ROOT)}: {word}" for word in words if word in text]

    assert found == []


def test_every_public_verb_is_keyword_only_and_has_no_switch() -> None:
    found = []
    for module in modules():
        if "/services/" not in module.name:
            continue
        top = {node for node in module.tree.body if isinstance(node, ast.FunctionDef)}
        for node in functions(module):
            if node not in top or node.name.startswith("_"):
                continue
            if any(
                ast.unparse(d).startswith(("contextmanager", "receiver"))
                for d in node.decorator_list
            ):
                continue
            if len(node.args.args) > 1:
                found.append(f"{_where(module, node)} {node.name} takes positions")
            found.extend(
                f"{_where(module, node)} {node.name} has a switch {argument.arg}"
                for argument in node.args.kwonlyargs
                if argument.annotation is not None and ast.unparse(argument.annotation) == "bool"
            )

    assert found == []
