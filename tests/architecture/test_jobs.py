"""Every job that is queued, ticked or scheduled exists, with the arguments it is given."""

from __future__ import annotations

import ast
import inspect

from celery import current_app
from django.conf import settings

from tests.architecture.source import Module, called, modules

RESERVED = {"key", "run_at", "asked_by"}


def _kind(node: ast.Call) -> str | None:
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    return None


def _enqueued() -> list[tuple[Module, ast.Call, str]]:
    found = []
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and called(node).split(".")[-1] == "enqueue":
                kind = _kind(node)
                if kind is not None:
                    found.append((module, node, kind))
    return found


def _registered() -> dict[str, object]:
    current_app.loader.import_default_modules()
    return dict(current_app.tasks)


def test_every_queued_kind_is_registered_with_those_arguments() -> None:
    known = _registered()
    wrong = []
    for module, node, kind in _enqueued():
        if kind not in known:
            wrong.append(f"{module.name}:{node.lineno} {kind} is not a registered job")
            continue
        wanted = set(inspect.signature(known[kind].run).parameters)  # type: ignore[attr-defined]  # a Celery task
        given = {k.arg for k in node.keywords if k.arg} - RESERVED
        if None not in {k.arg for k in node.keywords} and given != wanted:
            wrong.append(
                f"{module.name}:{node.lineno} {kind} takes {sorted(wanted)}, got {sorted(given)}"
            )

    assert wrong == []


def test_every_tick_and_occurrence_is_registered() -> None:
    known = _registered()
    named = set(settings.JOBS_TICKS) | set(settings.JOBS_SCHEDULE)

    assert sorted(named - set(known)) == []


def test_every_kind_of_ours_names_a_queue() -> None:
    ours = (
        "jobs.",
        "events.",
        "people.",
        "organizations.",
        "payouts.",
        "vetting.",
        "projects.",
        "tasks.",
    )
    lost = [
        name
        for name, task in _registered().items()
        if name.startswith(ours) and getattr(task, "job_queue", "") not in settings.JOB_QUEUES
    ]

    assert lost == []


def test_a_lease_outlives_the_hard_limit_of_its_queue() -> None:
    for queue in settings.JOB_QUEUES.values():
        assert queue["hard"] is None or queue["lease"] > queue["hard"]


def test_only_the_gateway_talks_to_celery() -> None:
    words = {"delay", "apply_async", "send_task", "delay_on_commit"}
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if module.name != "marketplace/jobs/gateways.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and called(node).split(".")[-1] in words
    ]

    assert found == []


def test_nothing_is_delayed_by_the_broker() -> None:
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and called(node).split(".")[-1] in {"send_task", "apply_async", "shared_task"}
        and {k.arg for k in node.keywords} & {"eta", "countdown", "expires"}
    ]

    assert found == []
