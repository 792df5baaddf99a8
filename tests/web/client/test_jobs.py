"""The card of long work: it moves, it ends, and only those it concerns see it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from marketplace.jobs.models import Job
from marketplace.jobs.services.running import run_due_jobs
from tasks.models import Export
from tasks.services.exporting import start_export
from tests import make
from tests.make import NOON
from tests.web.client.visit import member, owner_of, signed_in, words

pytestmark = pytest.mark.django_db


def _export() -> tuple[Export, str]:
    project = make.project()
    export = start_export(project=project, by=project.created_by, at=NOON)
    return export, reverse("job", args=[export.job])


def test_card_asks_for_itself_until_the_work_has_ended_then_the_page_loads_again() -> None:
    export, url = _export()
    browser = owner_of(export.project.organization)

    moving = browser.get(url, headers={"HX-Request": "true"})
    run_due_jobs()
    ended = browser.get(url, headers={"HX-Request": "true"})

    assert f'hx-get="{url}"' in words(moving)
    assert "HX-Refresh" not in moving
    assert "hx-get" not in words(ended)
    assert ended["HX-Refresh"] == "true"
    assert "<html" not in words(ended)


def test_page_of_the_job_survives_without_its_card() -> None:
    export, url = _export()
    run_due_jobs()

    page = words(owner_of(export.project.organization).get(url))

    assert "Work in the background" in page
    assert f"/exports/{export.pk}/" in page


def test_other_members_see_the_card_and_strangers_do_not() -> None:
    export, url = _export()
    colleague = signed_in(member(export.project.organization, "viewer"))
    stranger = owner_of(make.organization())

    assert colleague.get(url).status_code == 200
    assert stranger.get(url).status_code == 404


def test_dead_job_is_retried_by_who_asked_for_it() -> None:
    export, url = _export()
    _kill(export)
    browser = owner_of(export.project.organization)

    page = words(browser.get(url))
    browser.post(reverse("retry_job", args=[export.job]))
    run_due_jobs()

    export.refresh_from_db()
    assert "Retry" in page
    assert "disk full" not in page
    assert export.state == "ready"


def test_members_who_only_look_see_neither_cancel_nor_retry() -> None:
    export, url = _export()
    viewer = signed_in(member(export.project.organization, "viewer"))
    running = words(viewer.get(url))
    _kill(export)

    dead = words(viewer.get(url))
    refused = viewer.post(reverse("retry_job", args=[export.job]))

    assert "Cancel</button>" not in running
    assert "Retry" not in dead
    assert refused.status_code == 403


def _kill(export: Export) -> None:
    assert export.job is not None
    Job.objects.filter(pk=export.job).update(
        state="dead", attempts=1, finished_at=NOON, last_error="disk full"
    )
