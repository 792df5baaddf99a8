"""The main job by a plain HTTP client: key, batch, tasks, three experts, results by cursor."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.kit import clock
from tasks.services import reviewing
from tests import make
from tests.tasks.test_api_clients import Program, new_batch
from tests.tasks.test_api_experts import send, sent_answer, signed_in

pytestmark = pytest.mark.django_db


def test_a_batch_goes_from_key_to_results_over_http_alone() -> None:
    project = make.project()
    program = Program(project)
    batch = program.post("batches/", {**new_batch(project), "answers_per_task": 3}, key="b").json()
    path = f"batches/{batch['id']}/"
    rows = [{"payload": make.pair(n), "key": f"q{n}"} for n in (1, 2)]
    program.post(f"{path}tasks/bulk/", {"tasks": rows}, key="t")
    program.post(f"{path}open/", key="o")

    for overall in (-3, -1, 2):
        expert = signed_in(make.joined_expert(project))
        for _ in range(2):
            task = send(expert, "work/next/").json()
            body = {"answer": sent_answer(task, overall)}
            send(expert, f"assignments/{task['id']}/submissions/", body)
    in_review = program.get(path).json()["progress"]["in_review"]
    late = clock.now() + timedelta(days=8)
    reviewing.approve_overdue(at=late)
    with clock.at(late + timedelta(minutes=1)):
        first = program.get(f"{path}results/", limit=4).json()
        rest = program.get(f"{path}results/", cursor=first["cursor"]).json()

    assert in_review == 6
    votes = sorted((r["key"], r["answer"]["overall"]) for r in first["results"] + rest["results"])
    assert votes == [("q1", -3), ("q1", -1), ("q1", 2), ("q2", -3), ("q2", -1), ("q2", 2)]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert program.get(path).json()["progress"]["approved"] == 6
