"""A file from upload to tasks, through the pages."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from marketplace.jobs.services.running import run_due_jobs
from tasks.models import Import
from tests import make
from tests.web.client.visit import at, owner_of, words

pytestmark = pytest.mark.django_db

GOOD = {"prompt": "Why?", "response_a": "Because.", "response_b": "Perhaps."}


def _file(*rows: object, name: str = "rows.jsonl") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, "\n".join(map(json.dumps, rows)).encode())


def test_file_is_checked_its_bad_rows_are_named_and_the_good_ones_are_imported() -> None:
    batch = make.ready_batch(tasks=1)
    client, browser = batch.project.organization, owner_of(batch.project.organization)

    browser.post(at(client, "new_import", batch_id=batch.pk), {"file": _file(GOOD, {"prompt": ""})})
    upload = Import.objects.get()
    waiting = words(browser.get(at(client, "import", upload_id=upload.pk)))
    run_due_jobs()
    checked = words(browser.get(at(client, "import", upload_id=upload.pk)))
    browser.post(at(client, "accept_import", upload_id=upload.pk))
    run_due_jobs()
    done = words(browser.get(at(client, "import", upload_id=upload.pk)))

    assert "Reading the file" in waiting
    assert ">waiting<" in waiting  # the card alone says how far it is: it asks again, a badge not
    assert ">checking<" not in waiting
    assert 'hx-trigger="load delay:1s"' in waiting
    assert "Import 1 good row<" in checked
    assert '<td class="mono" data-label="Field">response_a</td>' in checked
    assert "1 imported" in done
    assert batch.tasks.count() == 2


def test_pasted_rows_are_a_file_too() -> None:
    batch = make.ready_batch(tasks=1)
    client = batch.project.organization

    owner_of(client).post(at(client, "new_import", batch_id=batch.pk), {"text": json.dumps(GOOD)})
    run_due_jobs()

    assert Import.objects.get().rows_good == 1


@pytest.mark.django_db(transaction=True)
def test_columns_of_other_names_are_mapped_and_the_file_is_read_again() -> None:
    batch = make.ready_batch(tasks=1)
    client, browser = batch.project.organization, owner_of(batch.project.organization)
    row = {"question": "Why?", "hint": "Be brief", "x": "Because.", "y": "Perhaps."}
    browser.post(at(client, "new_import", batch_id=batch.pk), {"file": _file(row)})
    run_due_jobs()
    first = Import.objects.get()
    page = words(browser.get(at(client, "import", upload_id=first.pk)))

    mapping = {"prompt": "question, hint", "response_a": "x", "response_b": "y"}
    browser.post(at(client, "map_again", upload_id=first.pk), mapping)
    run_due_jobs()

    first.refresh_from_db()
    second = Import.objects.exclude(pk=first.pk).get()
    assert "No row can be used yet" in page
    assert '<option value="question">' in page
    assert (first.state, second.state, second.rows_good) == ("cancelled", "checked", 1)
    assert second.mapping == [
        "prompt=question",
        "prompt=hint",
        "response_a=x",
        "response_b=y",
    ]


def test_mapping_that_leaves_a_field_out_keeps_the_file() -> None:
    batch = make.ready_batch(tasks=1)
    client, browser = batch.project.organization, owner_of(batch.project.organization)
    browser.post(at(client, "new_import", batch_id=batch.pk), {"file": _file(GOOD)})
    run_due_jobs()
    upload = Import.objects.get()

    response = browser.post(
        at(client, "map_again", upload_id=upload.pk), {"prompt": "prompt"}, follow=True
    )

    upload.refresh_from_db()
    assert upload.state == "checked"
    assert "Say where response_a, response_b comes from." in words(response)


def test_cancelled_import_leaves_nothing() -> None:
    batch = make.ready_batch(tasks=1)
    client, browser = batch.project.organization, owner_of(batch.project.organization)
    browser.post(at(client, "new_import", batch_id=batch.pk), {"file": _file(GOOD)})
    upload = Import.objects.get()

    browser.post(at(client, "cancel_import", upload_id=upload.pk))
    run_due_jobs()

    upload.refresh_from_db()
    assert upload.state == "cancelled"
    assert batch.tasks.count() == 1


def test_unreadable_file_says_why_in_a_sentence() -> None:
    batch = make.ready_batch(tasks=1)
    client, browser = batch.project.organization, owner_of(batch.project.organization)
    sent = SimpleUploadedFile("rows.csv", "prompt".encode("utf-16"))
    browser.post(at(client, "new_import", batch_id=batch.pk), {"file": sent})
    run_due_jobs()

    page = words(browser.get(at(client, "import", upload_id=Import.objects.get().pk)))

    assert "The file is in UTF-16, or not a text file." in page
    assert "Nothing was imported." in page


def test_neither_file_nor_text_is_refused() -> None:
    batch = make.ready_batch(tasks=1)
    client = batch.project.organization

    response = owner_of(client).post(at(client, "new_import", batch_id=batch.pk), {"text": " "})

    assert response.status_code == 422
    assert "Choose a file or paste some rows." in words(response)


def test_batch_with_a_running_import_leads_to_it() -> None:
    batch = make.ready_batch(tasks=1)
    client, browser = batch.project.organization, owner_of(batch.project.organization)
    browser.post(at(client, "new_import", batch_id=batch.pk), {"file": _file(GOOD)})

    response = browser.get(at(client, "new_import", batch_id=batch.pk))

    assert response["Location"] == at(client, "import", upload_id=Import.objects.get().pk)
