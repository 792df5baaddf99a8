"""Forms that hand what was typed to one verb, and show the verb's own words at the field."""

from __future__ import annotations

from django import forms

from marketplace.kit.errors import DomainError


def attach(form: forms.Form, error: DomainError) -> None:
    """Put what the verb refused beside its fields; what belongs to none stands above the form."""
    problems = error.data.get("errors") or []
    for problem in problems:
        name = problem["field"]
        form.add_error(name if name in form.fields else None, str(problem["problem"]))
    if not problems:
        form.add_error(None, error.message)
