"""Every model says who may see its rows, or why nobody asks for them."""

from __future__ import annotations

import inspect
from importlib import import_module

from django.apps import apps

PACKAGES = (
    "marketplace.people",
    "marketplace.organizations",
    "payouts",
    "vetting",
    "marketplace.projects",
    "tasks",
)
# No page or API lists these rows; what they hold is read through another row that is guarded.
INTERNAL = {
    "payouts.PayoutItem": "lines of a payout",
    "payouts.PayoutAttempt": "history of a payout",
    "payouts.BankAttempt": "history of a payout",
    "payouts.RefundPart": "lines of a refund",
    "payouts.DocumentSeries": "the last number given",
    "payouts.Netting": "lines of an earning",
    "payouts.PayrollLine": "lines of a payroll export",
    "payouts.PayrollItem": "lines of a payroll export",
    "payouts.BankDetails": "sealed; only the payee's own form and the bank file read them",
    "payouts.SendingPace": "one row that no page lists",
    "payouts.InstanceMode": "one row that no page lists",
    "payouts.SandboxObject": "Stripe's side, in the sandbox",
    "payouts.SandboxReply": "Stripe's side, in the sandbox",
    "payouts.SandboxFault": "Stripe's side, in the sandbox",
    "payouts.SandboxClock": "Stripe's side, in the sandbox",
    "vetting.PendingEvidence": "a queue between an event and its score",
    "tasks.RouteCursor": "where an expert's next claim begins",
}


def _returned() -> set[str]:
    """The models whose rows some `visible_…` gives."""
    found = set()
    for package in PACKAGES:
        module = import_module(f"{package}.access")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("visible_") and function.__module__ == module.__name__:
                hint = str(inspect.signature(function).return_annotation)
                assert "QuerySet[" in hint, f"{module.__name__}.{name} returns {hint}"
                found.add(hint.split("QuerySet[")[1].rstrip("]'"))
    return found


def test_every_model_has_its_visible_rows_or_is_internal_with_a_reason() -> None:
    names = _returned()
    missing = [
        model._meta.label
        for model in apps.get_models()
        if apps.get_app_config(model._meta.app_label).name in PACKAGES
        and model.__name__ not in names
        and model._meta.label not in INTERNAL
    ]

    assert missing == []


def test_nothing_internal_is_listed_that_is_gone() -> None:
    labels = {model._meta.label for model in apps.get_models()}

    assert sorted(set(INTERNAL) - labels) == []


def test_visible_rows_are_asked_for_by_whom_they_are_shown_to() -> None:
    wrong = []
    for package in PACKAGES:
        module = import_module(f"{package}.access")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("visible_") and function.__module__ == module.__name__:
                (only,) = inspect.signature(function).parameters.values()
                if (only.name, only.kind) != ("to", inspect.Parameter.KEYWORD_ONLY):
                    wrong.append(f"{module.__name__}.{name}")

    assert wrong == []
