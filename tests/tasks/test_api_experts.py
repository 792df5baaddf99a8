"""Experts over HTTP: terms, next, draft, submit, return."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from marketplace.kit import clock
from marketplace.people.models import Expert
from tasks.models import Assignment, Submission
from tasks.services import batches
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def signed_in(who: Expert) -> Client:
    client = Client()
    client.force_login(who.user)
    return client


def send(client: Client, path: str, body: Any = None, **options: Any) -> Any:
    """POST JSON. Any: JSON in, Django's test response out."""
    return client.post(
        f"/api/v1/{path}", {} if body is None else body, "application/json", **options
    )


def sent_answer(assignment: dict[str, Any], overall: int = -2) -> dict[str, Any]:  # Any: JSON
    seed = Assignment.objects.get(pk=assignment["id"]).seed
    return {
        "overall": -overall if seed % 2 else overall,
        "rationale": "One answer says what it is, the other evades.",
    }


def test_an_expert_reads_accepts_claims_drafts_and_submits() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    project = batch.project
    client = signed_in(make.expert())

    terms = client.get(f"/api/v1/projects/{project.pk}/terms/").json()
    joined = send(
        client, f"projects/{project.pk}/engagements/", {"terms_hash": terms["terms_hash"]}
    )
    claimed = send(client, "work/next/", {"project": str(project.pk)})
    task = claimed.json()
    draft = client.put(
        f"/api/v1/assignments/{task['id']}/draft/",
        {"answer": {"rationale": "half"}, "based_on": 0},
        "application/json",
    )
    again = client.get(f"/api/v1/assignments/{task['id']}/").json()
    body = {"answer": sent_answer(task), "active_seconds": 40, "confidence": 4}
    answered = send(client, f"assignments/{task['id']}/submissions/", body)
    nothing = send(client, "work/next/")

    assert (joined.status_code, joined.json()["can_claim"]) == (201, True)
    assert (claimed.status_code, task["price"]) == (201, {"minor": 100, "currency": "USD"})
    assert (draft.status_code, draft.json()["revision"]) == (200, 1)
    assert (again["answer"], again["draft_revision"]) == ({"rationale": "half"}, 1)
    assert (answered.status_code, answered.json()["revision"]) == (201, 1)
    assert Submission.objects.get().answer["overall"] == -2
    assert (nothing.status_code, nothing.content) == (204, b"")


def test_a_stale_draft_is_409_with_the_newer_one() -> None:
    assignment = make.claimed(make.open_batch())
    client = signed_in(assignment.expert)
    path = f"/api/v1/assignments/{assignment.pk}/draft/"
    body = {"answer": {"rationale": "one"}, "based_on": 0}
    client.put(path, body, "application/json")

    refused = client.put(path, body, "application/json")

    assert refused.status_code == 409
    assert (refused.json()["revision"], refused.json()["answer"]) == (1, {"rationale": "one"})


def test_after_the_lease_answers_are_410_with_the_reason() -> None:
    assignment = make.claimed(make.open_batch())
    client = signed_in(assignment.expert)
    with clock.at(NOON):
        returned = send(client, f"assignments/{assignment.pk}/return/", {"reason": "too_long"})

    refused = [
        send(
            client, f"assignments/{assignment.pk}/submissions/", {"answer": make.answer(assignment)}
        ),
        send(client, f"assignments/{assignment.pk}/extend/"),
        send(client, f"assignments/{assignment.pk}/heartbeat/", {"active_seconds": 3}),
        send(client, f"assignments/{assignment.pk}/return/"),
    ]

    assert returned.json()["state"] == "returned"
    assert [answer.status_code for answer in refused] == [410] * 4
    assert refused[0].json()["detail"].startswith("You returned this task")


def test_a_beat_and_an_extension_answer_with_seconds() -> None:
    assignment = make.claimed(make.open_batch())
    client = signed_in(assignment.expert)

    with clock.at(NOON + timedelta(seconds=30)):
        beat = send(client, f"assignments/{assignment.pk}/heartbeat/", {"active_seconds": 20})
        extended = send(client, f"assignments/{assignment.pk}/extend/")

    assert beat.json() == {
        "state": "active", "seconds_left": 870, "extensions_left": 20, "active_seconds": 20,
    }  # fmt: skip
    assert (extended.json()["seconds_left"], extended.json()["extensions_left"]) == (900, 19)


def test_a_repeated_claim_with_one_key_takes_one_seat() -> None:
    batch = make.open_batch()
    client = signed_in(make.joined_expert(batch.project))

    first = send(client, "work/next/", headers={"Idempotency-Key": "click"})
    again = send(client, "work/next/", headers={"Idempotency-Key": "click"})

    assert first.json()["id"] == again.json()["id"]
    assert Assignment.objects.count() == 1


def test_a_faulty_answer_is_422_with_every_field() -> None:
    assignment = make.claimed(make.open_batch())

    refused = send(
        signed_in(assignment.expert),
        f"assignments/{assignment.pk}/submissions/",
        {"answer": {"overall": 7, "rationale": "short"}},
    )

    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == {"overall", "rationale"}


def test_terms_that_changed_are_409_with_the_current_hash() -> None:
    project = make.project()
    newer = make.publish_terms(project, body="Also for research.")

    refused = send(
        signed_in(make.expert()),
        f"projects/{project.pk}/engagements/",
        {"terms_hash": "0" * 64},
    )

    assert (refused.status_code, refused.json()["current"]) == (409, newer.content_hash)


def test_somebody_elses_task_is_404_and_who_is_no_expert_is_403() -> None:
    assignment = make.claimed(make.open_batch())
    other = signed_in(make.expert())
    client_person = Client()
    client_person.force_login(assignment.project.created_by)

    assert other.get(f"/api/v1/assignments/{assignment.pk}/").status_code == 404
    assert send(other, f"assignments/{assignment.pk}/return/").status_code == 404
    assert send(client_person, "work/next/").status_code == 403
    assert Client().get(f"/api/v1/assignments/{assignment.pk}/").status_code == 401


def test_gold_cannot_be_told_from_any_other_task() -> None:
    batch = make.ready_batch(tasks=2, answers=1)
    known, _ = batch.tasks.order_by("pk")
    batches.add_gold(
        task=known, answer={"overall": -1, "rationale": "x" * 20}, provenance="client",
        by=batch.created_by, at=NOON,
    )  # fmt: skip
    batches.open_batch(batch=batch, by=batch.created_by, at=NOON)
    client = signed_in(make.joined_expert(batch.project))

    shown = [send(client, "work/next/").json() for _ in range(2)]

    assert shown[0]["task"] == str(known.pk)
    assert shown[0].keys() == shown[1].keys()
    assert "gold" not in str(shown[0])


def test_a_claim_over_http_takes_few_queries(
    django_assert_max_num_queries: Any,  # Any: pytest-django's fixture
) -> None:
    batch = make.open_batch()
    client = signed_in(make.joined_expert(batch.project))
    send(client, "work/next/")

    with django_assert_max_num_queries(18):
        send(client, "work/next/")
