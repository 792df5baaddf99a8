"""Asking for a data set, watching it, taking its files."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from marketplace.jobs.services.running import run_due_jobs
from tasks.models import Assignment, Export
from tasks.services import reviewing
from tests import make
from tests.make import NOON
from tests.web.client.visit import at, member, owner_of, signed_in, words

pytestmark = pytest.mark.django_db


def _approved() -> Assignment:
    sent = make.submitted(make.open_batch(tasks=1, answers=1))
    reviewing.approve(assignment=sent, by=sent.project.created_by, at=NOON)
    return sent


def _body(response: object) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]  # a FileResponse


def test_export_is_asked_for_written_and_downloaded_with_its_hash() -> None:
    sent = _approved()
    client, browser = sent.project.organization, owner_of(sent.project.organization)

    browser.post(at(client, "exports"), {"project": sent.project_id, "purpose": "training"})
    export = Export.objects.get()
    waiting = words(browser.get(at(client, "export", export_id=export.pk)))
    run_due_jobs()
    page = words(browser.get(at(client, "export", export_id=export.pk)))
    file = browser.get(at(client, "download", export_id=export.pk, name="data.jsonl"))
    manifest = browser.get(at(client, "download", export_id=export.pk, name="manifest.json"))

    export.refresh_from_db()
    assert "Writing the export" in waiting
    assert export.files["data.jsonl"]["sha256"] in page
    assert file["Content-Disposition"] == 'attachment; filename="data.jsonl"'
    assert file["X-Content-Type-Options"] == "nosniff"
    assert json.loads(_body(file))["chosen"]
    assert json.loads(_body(manifest))["tasks"] == 1


def test_answers_whose_terms_do_not_allow_the_purpose_are_listed() -> None:
    sent = _approved()
    client, browser = sent.project.organization, owner_of(sent.project.organization)
    browser.post(at(client, "exports"), {"project": sent.project_id, "purpose": "research"})
    run_due_jobs()

    page = words(browser.get(at(client, "export", export_id=Export.objects.get().pk)))

    assert "terms without research" in page


@pytest.mark.parametrize("name", ["..%2Fsecret", "other.jsonl", ".."])
def test_only_files_of_the_export_can_be_downloaded(name: str) -> None:
    sent = _approved()
    client, browser = sent.project.organization, owner_of(sent.project.organization)
    browser.post(at(client, "exports"), {"project": sent.project_id, "purpose": "training"})
    run_due_jobs()
    base = at(client, "export", export_id=Export.objects.get().pk)

    response = browser.get(f"{base}files/{name}")

    assert response.status_code == 404


def test_viewers_neither_ask_for_exports_nor_download_them() -> None:
    sent = _approved()
    client = sent.project.organization
    owner_of(client).post(
        at(client, "exports"), {"project": sent.project_id, "purpose": "training"}
    )
    run_due_jobs()
    browser = signed_in(member(client, "viewer"))
    export = Export.objects.get()

    asked = browser.post(at(client, "exports"), {"project": sent.project_id})
    taken = browser.get(at(client, "download", export_id=export.pk, name="data.jsonl"))

    assert (asked.status_code, taken.status_code) == (403, 403)


def test_exports_and_keys_ask_who_one_is_when_the_last_proof_is_old() -> None:
    sent = _approved()
    client = sent.project.organization
    browser = Client()
    browser.force_login(client.memberships.get(role="owner").user)

    exported = browser.post(at(client, "exports"), {"project": sent.project_id})
    keyed = browser.post(at(client, "keys"), {"name": "Nightly"})

    assert exported["Location"].startswith("/accounts/reauthenticate/")
    assert keyed["Location"].startswith("/accounts/reauthenticate/")
    assert not Export.objects.exists()


def test_export_of_another_clients_project_is_refused() -> None:
    sent, other = _approved(), make.organization()

    response = owner_of(other).post(
        at(other, "exports"), {"project": sent.project_id, "purpose": "training"}
    )

    assert response.status_code == 422
    assert not Export.objects.exists()


def test_cancelled_export_is_not_written() -> None:
    sent = _approved()
    client, browser = sent.project.organization, owner_of(sent.project.organization)
    browser.post(at(client, "exports"), {"project": sent.project_id, "purpose": "training"})
    export = Export.objects.get()

    browser.post(at(client, "cancel_export", export_id=export.pk))
    run_due_jobs()

    export.refresh_from_db()
    assert (export.state, export.files) == ("cancelled", {})
