"""Who sees which rows of work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import JsonValue

from marketplace.kit.errors import Forbidden, NotFound
from marketplace.organizations.models import ApiKey
from marketplace.organizations.services.keys import create_api_key
from marketplace.people.models import User
from tasks import access
from tasks.models import Batch
from tasks.services import batches, drafting
from tasks.services.exporting import start_export
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
LISTS = (
    access.visible_batches,
    access.visible_tasks,
    access.visible_assignments,
    access.visible_submissions,
    access.visible_drafts,
    access.visible_reviews,
    access.visible_imports,
    access.visible_import_problems,
    access.visible_exports,
    access.visible_gold,
    access.visible_routes,
    access.visible_expert_routes,
)


def full_batch() -> Batch:
    """Two answers, one sent and one being typed, a file, an export and gold."""
    batch = make.ready_batch(tasks=3, answers=2)
    gold: JsonValue = {"overall": 1, "rationale": "x" * 20}
    batches.add_gold(
        task=batch.tasks.order_by("pk")[2],
        answer=gold,
        provenance="client",
        by=batch.created_by,
        at=NOON,
    )
    batches.open_batch(batch=batch, by=batch.created_by, at=NOON)
    make.submitted(batch)
    typing = make.claimed(batch)
    drafting.save_draft(assignment=typing, answer={"rationale": "w"}, based_on=0, at=NOON)
    start_export(project=batch.project, by=batch.created_by, at=NOON)
    return batch


def counts(to: User | ApiKey) -> dict[str, int]:
    return {look.__name__.removeprefix("visible_"): look(to=to).count() for look in LISTS}


def test_a_client_sees_its_own_work_and_nothing_being_typed() -> None:
    batch = full_batch()
    full_batch()

    seen = counts(batch.created_by)

    assert seen == {
        "batches": 1, "tasks": 3, "assignments": 1, "submissions": 1, "drafts": 0, "reviews": 0,
        "imports": 0, "import_problems": 0, "exports": 1, "gold": 1, "routes": 1,
        "expert_routes": 2,
    }  # fmt: skip


def test_an_expert_sees_their_own_assignments_and_no_task_list() -> None:
    batch = full_batch()
    ada = batch.assignments.get(state="active").expert.user

    seen = counts(ada)

    assert {name for name, number in seen.items() if number} == {
        "assignments",
        "drafts",
        "expert_routes",
    }


def test_a_stranger_sees_nothing() -> None:
    full_batch()

    assert set(counts(make.user("Eve Stranger")).values()) == {0}


def test_a_key_sees_its_projects_no_gold_and_exports_by_scope() -> None:
    batch = full_batch()
    other = make.ready_batch(of=make.project(client=batch.project.organization))
    keys = [
        create_api_key(
            organization=batch.project.organization,
            name="k",
            scopes=scopes,
            expires_at=NOON + timedelta(days=9),
            by=batch.created_by,
            at=NOON,
            project_ids=projects,
        )[0]
        for scopes, projects in (
            (["projects:read"], [batch.project_id]),
            (["exports:read"], []),
        )
    ]

    narrow, wide = (counts(key) for key in keys)

    assert (narrow["batches"], narrow["exports"], narrow["gold"]) == (1, 0, 0)
    assert (wide["batches"], wide["exports"], wide["gold"]) == (2, 1, 0)
    assert other.project_id not in {b.project_id for b in access.visible_batches(to=keys[0])}


def test_roles_decide_who_manages_and_who_reviews() -> None:
    project = make.project()
    people = {role: make.member(project.organization, role) for role in ("reviewer", "viewer")}

    access.require_manager(project.created_by, project)
    access.require_reviewer(people["reviewer"], project)
    with pytest.raises(Forbidden):
        access.require_manager(people["reviewer"], project)
    with pytest.raises(Forbidden):
        access.require_reviewer(people["viewer"], project)
    with pytest.raises(NotFound):
        access.require_manager(make.user("Eve Stranger"), project)
