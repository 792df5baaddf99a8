"""What a person meets the first time: nothing begins, ends or is lost without a word."""

from __future__ import annotations

import pytest

from tasks.services import reviewing
from tests import make
from tests.make import NOON
from tests.vetting import build
from tests.web.test_expert_pages import answer, enter
from vetting.models import Application, Attempt
from vetting.services.applications import apply

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON)


def test_after_an_answer_the_next_page_says_until_when_it_is_in_review() -> None:
    batch = make.open_batch(tasks=2, answers=1)
    held = make.claimed(batch)

    page = enter(held.expert).post(f"/tasks/{held.pk}/submit/", answer(held), follow=True)

    shown = page.content.decode()
    assert page.redirect_chain[0][0].startswith("/tasks/")  # the next one
    assert 'Sent. In review until <time datetime="2026-11-27T12:00:00+00:00"' in shown
    assert "27 Nov 2026, 12:00 UTC</time>; silence approves." in shown


@pytest.mark.parametrize(
    ("attempts", "words"),
    [(1, "This is your only attempt."), (3, "You have 3 attempts.")],
)
def test_a_test_is_started_by_who_read_how_many_attempts_there_are(
    attempts: int, words: str
) -> None:
    test = build.assessment(maximum=10, max_attempts=attempts)
    client = enter(make.expert())

    page = client.get("/tests/").content.decode()
    dialog = page[page.index(f'<dialog id="start-{test.slug}"') :]

    assert words in dialog
    assert "The clock starts now: at most" in dialog
    assert page.count(f'action="/tests/{test.slug}/start/"') == 1
    assert dialog.index("/start/") > 0
    client.post(f"/tests/{test.slug}/start/")
    assert Attempt.objects.get().state == "in_progress"


def test_an_application_is_withdrawn_after_a_question() -> None:
    ada, domain = make.expert(), build.domain()
    apply(expert=ada, domain=domain, at=NOON)

    page = enter(ada).get(f"/fields/{domain.slug}/").content.decode()

    before, dialog = page.split('<dialog id="withdraw"')
    assert "withdraw/" not in before
    assert "Withdraw your application?" in dialog
    assert f'action="/fields/{domain.slug}/withdraw/"' in dialog
    assert Application.objects.get().state == "draft"


def test_an_offer_counts_tasks_that_are_left_for_this_expert() -> None:
    batch = make.open_batch(tasks=3, answers=3)
    ada = make.joined_expert(batch.project)
    make.submitted(batch, by=ada)

    page = enter(ada).get("/work/?show=all").content.decode()

    assert "2 tasks left for you" in page


def test_states_are_read_as_words() -> None:
    sent = make.submitted(make.open_batch(tasks=1, answers=1))

    page = enter(sent.expert).get("/tasks/?show=review").content.decode()

    assert "awaiting review" in page
    assert ">awaiting_review<" not in page


def test_earnings_name_the_project_and_the_batch() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    sent = make.submitted(batch)
    reviewing.approve(assignment=sent, by=batch.created_by, at=NOON)

    page = enter(sent.expert).get("/earnings/").content.decode()

    link = f'<a href="/tasks/{sent.pk}/submission/">Which answer helps?, First</a>'
    assert link in page


def test_payouts_that_do_not_reach_a_country_are_refused_on_the_page() -> None:
    ada = make.expert()
    ada.country = "JP"
    ada.save(update_fields=["country"])

    page = enter(ada).post("/earnings/connect/", follow=True)

    assert page.status_code == 200
    assert "Payouts by Stripe do not reach JP yet." in page.content.decode()


def test_a_country_is_chosen_from_those_there_are() -> None:
    client = enter(make.expert())

    page = client.get("/account/").content.decode()
    refused = client.post("/account/", {"display_name": "Ada", "country": "XX"})

    assert '<option value="DE" selected>Germany</option>' in page
    assert refused.status_code == 422
    assert "Choose a country." in refused.content.decode()
