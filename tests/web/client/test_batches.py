"""Opening a batch with its quote, refusing one without money, marking known answers."""

from __future__ import annotations

import pytest

from tasks.models import GoldAnswer
from tests import make
from tests.make import usd
from tests.web.client.visit import at, member, owner_of, signed_in, words

pytestmark = pytest.mark.django_db


def test_quote_stands_on_the_page_before_the_batch_is_opened() -> None:
    batch = make.ready_batch(tasks=3, answers=3, price=usd(200))
    client = batch.project.organization

    page = words(owner_of(client).get(at(client, "batch", batch_id=batch.pk)))

    assert "3 tasks × 3 = 9" in page
    assert "2.00 USD pay + 0.30 USD fee" in page
    assert "Reserve 28.98 USD and open" in page


def test_batch_is_opened_paused_resumed_and_closed() -> None:
    batch = make.ready_batch()
    client = batch.project.organization
    browser, seen = owner_of(client), []

    for to in ("open", "pause", "resume", "close"):
        browser.post(at(client, "move_batch", batch_id=batch.pk, to=to))
        batch.refresh_from_db()
        seen.append(batch.state)

    assert seen == ["open", "paused", "open", "closed"]


def test_batch_without_money_is_refused_with_the_amounts_and_the_way_to_pay() -> None:
    project = make.project(budget=usd(1_000))
    batch = make.ready_batch(of=project, tasks=3, answers=3, price=usd(200))
    client = project.organization

    response = owner_of(client).post(at(client, "move_batch", batch_id=batch.pk, to="open"))

    batch.refresh_from_db()
    assert response.status_code == 409
    assert batch.state == "ready"
    assert "This needs 28.98 USD, but there is 10.00 USD" in words(response)
    asked = f"?project={project.pk}&amp;currency=USD"
    assert f'{at(client, "billing")}{asked}">Move budget or pay in' in words(response)


def test_pilot_that_is_too_large_is_refused_on_the_page() -> None:
    batch = make.ready_batch(of=make.pilot(), tasks=11, answers=1)
    client = batch.project.organization

    response = owner_of(client).post(at(client, "move_batch", batch_id=batch.pk, to="open"))

    assert response.status_code == 409
    assert "A pilot opens at most 10 tasks; this batch has 11." in words(response)


def test_known_answer_of_a_task_is_marked() -> None:
    batch = make.ready_batch(of=make.project(kind="classification"), tasks=1)
    client, task = batch.project.organization, batch.tasks.get()

    response = owner_of(client).post(
        at(client, "task", task_id=task.pk), {"label": "termination"}, follow=True
    )

    assert GoldAnswer.objects.get(task=task).answer["label"] == "termination"
    assert "1 gold" in words(response)


def test_known_answer_that_does_not_fit_is_refused_at_its_field() -> None:
    batch = make.ready_batch(tasks=1)
    client, task = batch.project.organization, batch.tasks.get()

    response = owner_of(client).post(
        at(client, "task", task_id=task.pk), {"overall": "-2", "rationale": "Short."}
    )

    assert response.status_code == 422
    assert "Why needs at least 20 characters." in words(response)
    assert not GoldAnswer.objects.exists()


def test_viewers_neither_mark_answers_nor_see_the_form() -> None:
    batch = make.ready_batch(tasks=1)
    client, task = batch.project.organization, batch.tasks.get()
    browser = signed_in(member(client, "viewer"))
    url = at(client, "task", task_id=task.pk)

    page, refused = words(browser.get(url)), browser.post(url, {"overall": "-2"})

    assert "Mark as known" not in page
    assert refused.status_code == 403


def test_batch_is_edited_and_deleted_before_it_opens() -> None:
    batch = make.ready_batch(tasks=2, price=usd(200))
    client = batch.project.organization
    browser, edit = owner_of(client), at(client, "edit_batch", batch_id=batch.pk)

    form = words(browser.get(edit))
    browser.post(edit, {"name": "B", "price": "3.10", "answers_per_task": "2", "pool_percent": "0"})
    batch.refresh_from_db()
    page = words(browser.get(at(client, "batch", batch_id=batch.pk)))
    gone = browser.post(at(client, "delete_batch", batch_id=batch.pk), follow=True)

    assert 'value="2.00"' in form
    assert "2.00 USD pay + 0.30 USD fee = 2.30 USD" in form
    assert (batch.name, batch.price_minor, batch.answers_per_task) == ("B", 310, 2)
    before, dialog = page.split('<dialog id="delete"')
    assert "/delete/" not in before
    assert "Its 2 tasks, known answers and files go with it." in dialog
    assert "“B” is deleted." in words(gone)
    assert not batch.project.batches.exists()


def test_open_batch_is_not_edited() -> None:
    batch = make.open_batch()
    client = batch.project.organization

    page = owner_of(client).get(at(client, "edit_batch", batch_id=batch.pk), follow=True)

    assert "A batch keeps its price and its size once it has opened." in words(page)
    assert "Delete it" not in words(page)


def test_steps_of_the_wizard_tick_when_they_are_done() -> None:
    project = make.draft_project()
    client, browser = project.organization, owner_of(project.organization)
    about = at(client, "about", project_id=project.pk)

    first = words(browser.get(about)).count("done</span>")
    make.publish_terms(project)
    second = words(browser.get(about)).count("done</span>")

    assert (first, second) == (1, 2)
