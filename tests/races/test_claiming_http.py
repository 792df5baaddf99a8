"""Thirty-two signed-in experts claim over HTTP from two processes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from time import monotonic
from uuid import UUID

import pytest

from tasks.models import Assignment, Task
from tests import make
from tests.races.crowd import together
from tests.races.site import Caller, running_site, signed_in

pytestmark = [pytest.mark.race, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ANSWER = {"answer": {"overall": -2, "rationale": "One answer says what it is."}}


@dataclass(frozen=True)
class Asked:
    """One request: when it was sent and answered, how, and the task it brought."""

    sent: float
    answered: float
    status: int
    task: UUID | None


def _ask(caller: Caller) -> Asked:
    """Claim, and answer what came: nobody may hold more than three."""
    sent = monotonic()
    status, body = caller.post("/api/v1/work/next/", {})
    asked = Asked(sent, monotonic(), status, UUID(body["task"]) if status == 201 else None)
    if asked.task:
        answered, _ = caller.post(f"/api/v1/assignments/{body['id']}/submissions/", ANSWER)
        assert answered == 201
    return asked


def _claim_until_nothing(caller: Caller) -> list[Asked]:
    with caller:
        asked = [_ask(caller)]
        while asked[-1].status == 201:
            asked.append(_ask(caller))
    return asked


def test_32_experts_on_two_processes_take_exactly_the_210_seats_of_70_tasks() -> None:
    batch = make.open_batch(tasks=70, answers=3)
    people = [make.joined_expert(batch.project).user for _ in range(32)]

    with running_site() as port:
        callers = [signed_in(person, port) for person in people]
        histories = together([partial(_claim_until_nothing, caller) for caller in callers])

    assert [each for each in histories if isinstance(each, Exception)] == []
    assert {asked.status for history in histories for asked in history} == {201, 204}
    assert Assignment.objects.count() == 210
    assert set(Task.objects.values_list("taken", "is_open")) == {(3, False)}
    assert _told_nothing_while_a_seat_was_free(histories) == []


def _told_nothing_while_a_seat_was_free(histories: list[list[Asked]]) -> list[Asked]:
    """Answers of 204 after which somebody still *asked* for, and got, a task new to this expert."""
    claims = [asked for history in histories for asked in history if asked.task]
    return [
        history[-1]
        for history in histories
        if any(
            claim.sent > history[-1].answered
            and claim.task not in {asked.task for asked in history}
            for claim in claims
        )
    ]
