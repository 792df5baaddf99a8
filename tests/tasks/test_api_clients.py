"""Programs of an organisation: keys, batches, tasks, results."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from marketplace.kit import clock
from marketplace.organizations.services.keys import create_api_key
from marketplace.projects.models import Project
from tasks.models import Batch, Task
from tasks.services import reviewing
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
ALL = ("projects:read", "tasks:write", "exports:read")


class Program:
    """A plain HTTP client with a key."""

    def __init__(self, project: Project, *, scopes: tuple[str, ...] = ALL) -> None:
        _, secret = create_api_key(
            organization=project.organization,
            name="pipeline",
            scopes=list(scopes),
            expires_at=clock.now() + timedelta(days=30),
            by=project.created_by,
            at=clock.now(),
        )
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path: str, **query: Any) -> Any:  # Any: Django's test response
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Any:  # Any: as above
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(
            f"/api/v1/{path}", {} if body is None else body, "application/json", headers=headers
        )


def new_batch(project: Project) -> dict[str, Any]:  # Any: JSON
    return {
        "project": str(project.pk),
        "name": "Night run",
        "price": {"minor": 250, "currency": "USD"},
        "answers_per_task": 1,
    }


def test_a_batch_is_made_filled_opened_and_read_by_key_alone() -> None:
    project = make.project()
    program = Program(project)

    batch = program.post("batches/", new_batch(project)).json()
    path = f"batches/{batch['id']}/"
    one = program.post(f"{path}tasks/", {"payload": make.pair(1), "key": "a"})
    many = program.post(
        f"{path}tasks/bulk/", {"tasks": [{"payload": make.pair(n)} for n in (2, 3)]}
    )
    opened = program.post(f"{path}open/")

    assert (batch["state"], batch["fee_minor"]) == ("draft", 38)
    assert (one.status_code, one.json()["key"], len(many.json()["tasks"])) == (201, "a", 2)
    assert (opened.status_code, opened.json()["state"]) == (200, "open")
    read = program.get(path).json()
    assert (read["progress"]["tasks"], read["progress"]["answers_wanted"]) == (3, 3)
    assert [row["id"] for row in program.get("batches/").json()["results"]] == [batch["id"]]
    assert program.get("projects/").json()["results"][0]["title"] == project.title


def test_results_come_by_cursor_and_later_ones_after_it() -> None:
    batch = make.open_batch(tasks=3, answers=1)
    program = Program(batch.project)
    path = f"batches/{batch.pk}/results/"
    done = []
    for minute in (1, 2, 3):
        at = NOON + timedelta(minutes=minute)
        assignment = make.submitted(batch, overall=minute, at=at)
        reviewing.approve(assignment=assignment, by=batch.created_by, at=at)
        done.append(str(assignment.pk))

    with clock.at(NOON + timedelta(minutes=2, seconds=30)):
        first = program.get(path, limit=1).json()
        second = program.get(path, limit=1, cursor=first["cursor"]).json()
    with clock.at(NOON + timedelta(minutes=9)):
        third = program.get(path, cursor=second["cursor"]).json()
        last = program.get(path, cursor=third["cursor"]).json()

    pages = [[row["assignment"] for row in page["results"]] for page in (first, second, third)]
    assert pages == [[done[0]], [done[1]], [done[2]]]
    assert [page["has_more"] for page in (first, second, third)] == [True, False, False]
    assert (last["results"], last["cursor"]) == ([], third["cursor"])
    row = first["results"][0]
    assert (row["key"], row["state"], row["answer"]["overall"]) == ("row-1", "approved", 1)
    assert row["expert"].startswith("expert-")


def test_the_same_key_gets_the_same_answer_and_another_body_is_refused() -> None:
    project = make.project()
    program = Program(project)

    first = program.post("batches/", new_batch(project), key="k1")
    again = program.post("batches/", new_batch(project), key="k1")
    other = program.post("batches/", {**new_batch(project), "name": "x"}, key="k1")

    assert (first.json(), again.json()["id"]) == (again.json(), first.json()["id"])
    assert (Batch.objects.count(), other.status_code) == (1, 422)
    assert other.json()["code"] == "idempotency_key_reused"


def test_an_act_that_the_state_does_not_allow_is_409_with_those_that_it_does() -> None:
    batch = make.ready_batch()
    program = Program(batch.project)

    refused = program.post(f"batches/{batch.pk}/pause/")

    assert refused.status_code == 409
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["allowed"] == ["closed", "importing", "open"]


def test_opening_without_money_is_409_with_the_amounts() -> None:
    batch = make.ready_batch(of=make.project(budget=make.usd(100)))

    refused = Program(batch.project).post(f"batches/{batch.pk}/open/")

    assert refused.status_code == 409
    assert refused.json()["wanted"] == {"minor": 1449, "currency": "USD"}
    assert refused.json()["present"] == {"minor": 100, "currency": "USD"}


def test_bad_rows_are_422_by_number_and_nothing_is_added() -> None:
    project = make.project()
    program = Program(project)
    batch = program.post("batches/", new_batch(project)).json()

    refused = program.post(
        f"batches/{batch['id']}/tasks/bulk/",
        {"tasks": [{"payload": make.pair()}, {"payload": {"prompt": "?"}}]},
    )

    assert refused.status_code == 422
    assert refused.json()["errors"][0] == {
        "row": 2, "field": "response_a", "problem": "is missing",
    }  # fmt: skip
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"state": "open"}, "state"),
        ({"price": {"minor": 0, "currency": "USD"}}, "price.minor"),
        ({"price": {"minor": 1.5, "currency": "USD"}}, "price.minor"),
        ({"price": {"minor": 100, "currency": "dollars"}}, "price.currency"),
        ({"answers_per_task": 99}, "answers_per_task"),
    ],
)
def test_what_cannot_be_used_is_422_with_the_field(change: dict[str, Any], field: str) -> None:
    project = make.project()

    refused = Program(project).post("batches/", {**new_batch(project), **change})

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


def test_another_organisations_rows_are_404_and_a_missing_scope_is_403() -> None:
    mine, theirs = make.ready_batch(), make.ready_batch()
    program = Program(mine.project)
    reader = Program(mine.project, scopes=("projects:read",))

    assert program.get(f"batches/{theirs.pk}/").status_code == 404
    assert program.post(f"batches/{theirs.pk}/open/").status_code == 404
    assert program.post("batches/", new_batch(theirs.project)).status_code == 404
    assert reader.post(f"batches/{mine.pk}/open/").status_code == 403
    assert reader.get(f"batches/{mine.pk}/results/").status_code == 403
    assert Client().get(f"/api/v1/batches/{mine.pk}/").status_code == 401


def test_pausing_resuming_closing_and_cancelling_by_key() -> None:
    project = make.project()
    first, second = make.open_batch(of=project), make.open_batch(of=project)
    program = Program(project)

    states = [
        program.post(f"batches/{first.pk}/{act}/").json()["state"] for act in ("pause", "resume")
    ]
    closed = program.post(f"batches/{first.pk}/close/", {"reason": "budget"}).json()
    cancelled = program.post(f"batches/{second.pk}/cancel/").json()

    assert states == ["paused", "open"]
    assert (closed["state"], closed["close_reason"]) == ("closed", "budget")
    assert cancelled["close_reason"] == "cancelled"


def test_a_cursor_that_was_not_made_here_is_422() -> None:
    batch = make.open_batch()

    refused = Program(batch.project).get(f"batches/{batch.pk}/results/", cursor="yesterday")

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "cursor")


def test_a_batch_list_takes_as_many_queries_for_three_as_for_one(
    django_assert_max_num_queries: Any,  # Any: pytest-django's fixture
) -> None:
    project = make.project()
    program = Program(project)
    program.get("batches/")  # notes the first use of the key
    counts = []

    for _ in range(2):
        make.ready_batch(of=project)
        with django_assert_max_num_queries(8) as context:
            program.get("batches/", project=str(project.pk))
        counts.append(len(context))

    assert counts[0] == counts[1]
