"""What is left to do before paid work, with the next step marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Value
from django.urls import reverse

from marketplace.people.models import Expert
from marketplace.web.expert.pots import is_paid_by_employer
from payouts.models import Payee
from vetting.models import Application, Attempt, Credential


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the checklist; `waits` says in whose hands it is."""

    title: str
    state: str
    url: str = ""
    act: str = ""
    hint: str = ""
    waits: str = ""


def setup_steps(
    expert: Expert, payee: Payee | None, *, is_qualified: bool, at: datetime
) -> list[Step]:
    """The steps, or none once the expert is qualified and can be paid, if only by an employer."""
    is_active = payee is not None and payee.state == "active"
    if is_qualified and is_active:
        return []
    is_employee = is_paid_by_employer(expert, at=at)
    if is_qualified and is_employee:
        return []
    reached = _reached(expert)
    steps = [
        Step("Make your profile", "done"),
        _application(reached["application"]),
        _credential(reached["credential"]),
        _test(reached["attempt"]),
        Step("Be paid by your employer" if is_employee else "Connect a payout account", "done")
        if is_active or is_employee
        else Step("Connect a payout account", "todo", reverse("payout_setup"), "Connect"),
    ]
    if is_qualified:
        steps = [step if step.title == steps[-1].title else _done(step) for step in steps]
    return _with_next(steps)


def _reached(expert: Expert) -> dict[str, set[str]]:
    """The states of the expert's applications, credentials and attempts, in one statement."""
    kinds: dict[str, QuerySet[Any]] = {  # Any: rows of any model with a state
        "application": Application.objects.filter(expert=expert),
        "credential": Credential.objects.filter(expert=expert),
        "attempt": Attempt.objects.filter(expert=expert),
    }
    first, *others = (
        rows.order_by().values_list(Value(kind), "state") for kind, rows in kinds.items()
    )
    found: dict[str, set[str]] = {kind: set() for kind in kinds}
    for kind, state in first.union(*others):
        found[kind].add(state)
    return found


def share_done(steps: list[Step]) -> int:
    """Percent of the steps that are done."""
    done = sum(step.state == "done" for step in steps)
    return 100 * done // len(steps) if steps else 100


def _done(step: Step) -> Step:
    return Step(step.title, "done")


def _application(states: set[str]) -> Step:
    title, url = "Apply to a field", reverse("applications")
    if "approved" in states:
        return Step(title, "done")
    if states & {"submitted", "in_review", "waitlisted"}:
        return Step(title, "done", waits="in_review")
    if "not_eligible_yet" in states:
        return Step(title, "todo", url, "See", hint="Something is missing.")
    return Step(title, "todo", url, "Apply")


def _credential(states: set[str]) -> Step:
    title, url = "Send a credential", reverse("credentials")
    if "verified" in states:
        return Step(title, "done")
    if "needs_info" in states:
        return Step(title, "todo", url, "Answer", hint="A question is open.")
    if states & {"submitted", "checking", "in_review"}:
        return Step(title, "done", waits="in_review")
    return Step(title, "todo", url, "Send")


def _test(states: set[str]) -> Step:
    title = "Pass the test of your field"
    return (
        Step(title, "done")
        if "passed" in states
        else Step(title, "todo", reverse("tests"), "See tests")
    )


def _with_next(steps: list[Step]) -> list[Step]:
    """The first step that is not done is the next one."""
    for place, step in enumerate(steps):
        if step.state == "todo":
            return [*steps[:place], replace(step, state="next"), *steps[place + 1 :]]
    return steps
