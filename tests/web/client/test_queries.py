"""Lists cost the same for one and for three rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketplace.jobs.services.running import run_due_jobs
from marketplace.organizations.models import Organization
from marketplace.organizations.services.keys import create_api_key
from marketplace.people.models import User
from marketplace.projects.models import Project
from payouts.models import Funding
from tasks.models import Import
from tasks.services.exporting import start_export
from tests import make
from tests.make import NOON
from tests.web.client.visit import at, member, owner_of

pytestmark = pytest.mark.django_db


def _owner(client: Organization) -> User:
    return client.memberships.get(role="owner").user


def _project(client: Organization) -> None:
    batch = make.open_batch(of=make.project(client=client), tasks=2, answers=1)
    make.submitted(batch)
    make.ready_batch(of=batch.project)


def _answer(client: Organization) -> None:
    make.submitted(make.open_batch(of=make.project(client=client), tasks=1, answers=1))


def _export(client: Organization) -> None:
    start_export(project=make.project(client=client), by=_owner(client), at=NOON)


def _funding(client: Organization) -> None:
    Funding.objects.create(
        organization=client,
        currency="USD",
        amount_minor=100,
        asked_by=_owner(client).pk,
        livemode=False,
        created_at=NOON,
    )
    make.project(client=client)


def _member(client: Organization) -> None:
    member(client, "viewer")


def _key(client: Organization) -> None:
    number = client.api_keys.count()
    create_api_key(
        organization=client,
        name=f"Key {number}",
        scopes=["tasks:write"],
        expires_at=NOON.replace(year=2027),
        by=_owner(client),
        at=NOON,
    )


@pytest.mark.parametrize(
    ("name", "add"),
    [
        ("overview", _project),
        ("projects", _project),
        ("review", _answer),
        ("exports", _export),
        ("billing", _funding),
        ("members", _member),
        ("keys", _key),
    ],
)
def test_three_rows_cost_what_one_costs(name: str, add: Callable[[Organization], None]) -> None:
    client = make.organization()
    add(client)
    browser, url = owner_of(client), at(client, name)
    browser.get(url)

    one = _count(browser, url)
    add(client)
    add(client)

    assert _count(browser, url) == one


def test_batch_and_project_and_import_cost_the_same_for_more_rows() -> None:
    project = make.project()
    client, browser = project.organization, owner_of(project.organization)
    small, large = (make.open_batch(of=project, tasks=n, answers=1) for n in (1, 3))
    uploads = [_upload(project, rows) for rows in (1, 3)]
    browser.get(at(client, "overview"))

    batches = [_count(browser, at(client, "batch", batch_id=each.pk)) for each in (small, large)]
    imports = [_count(browser, at(client, "import", upload_id=each.pk)) for each in uploads]
    before = _count(browser, at(client, "project", project_id=project.pk))
    make.ready_batch(of=project)
    make.ready_batch(of=project)
    after = _count(browser, at(client, "project", project_id=project.pk))

    assert batches[0] == batches[1]
    assert imports[0] == imports[1]
    assert before == after


def _upload(project: Project, rows: int) -> Import:
    upload = make.upload(make.ready_batch(of=project, tasks=1), [{"prompt": ""}] * rows)
    run_due_jobs()
    upload.refresh_from_db()
    return upload


def _count(browser: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url).status_code == 200
    return len(queries)
