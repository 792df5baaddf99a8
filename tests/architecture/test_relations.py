"""Foreign keys follow the order of the packages: string references evade import-linter."""

from __future__ import annotations

from django.apps import apps

from tests.architecture.source import ORDER


def _rank(label: str) -> int | None:
    module = apps.get_app_config(label).name
    return ORDER.index(module) if module in ORDER else None


def test_every_relation_points_to_the_same_or_a_lower_package() -> None:
    upward = []
    for model in apps.get_models():
        here = _rank(model._meta.app_label)
        for field in model._meta.get_fields():
            if here is None or field.auto_created or not field.is_relation:
                continue
            target = field.related_model
            there = _rank(target._meta.app_label) if isinstance(target, type) else None
            if there is not None and there > here:
                upward.append(f"{model._meta.label}.{field.name} -> {target}")

    assert upward == []


def test_no_model_orders_itself() -> None:
    ordered = [
        m._meta.label
        for m in apps.get_models()
        if m.__module__.split(".")[0] in {"marketplace", "payouts", "vetting", "tasks"}
        and m._meta.ordering
    ]

    assert ordered == []


def test_every_constraint_name_reads_as_a_sentence() -> None:
    short = [
        f"{model._meta.label}: {constraint.name}"
        for model in apps.get_models()
        if model.__module__.split(".")[0] in {"marketplace", "payouts", "vetting", "tasks"}
        for constraint in model._meta.constraints
        if len(constraint.name.split("_")) < 3
    ]

    assert short == []
