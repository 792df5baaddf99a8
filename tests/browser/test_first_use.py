"""In a browser: digits answer a test, and instants are told in the reader's own time."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.pages import SignIn
from tests.make import NOON
from tests.vetting import build
from vetting.models import AttemptItem
from vetting.services.attempts import start_attempt

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def pinned_time(noon: None) -> None:
    """Attempts and leases start at noon and so do the pages."""


@pytest.fixture
def browser_context_args() -> dict[str, str]:
    return {"timezone_id": "Asia/Tokyo"}


def test_a_question_is_answered_by_digits(site: str, page: Page, sign_in: SignIn) -> None:
    ada = make.expert()
    attempt = start_attempt(expert=ada, assessment=build.assessment(), at=NOON)
    sign_in(ada.user)
    page.goto(f"{site}/tests/attempts/{attempt.pk}/")

    page.keyboard.press("2")
    expect(page.locator("input[data-key='2']")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Question 2 of at most")).to_be_visible()

    first = AttemptItem.objects.get(attempt=attempt, position=1)
    assert first.responses.get().choices == [first.option_order[1]]


def test_an_instant_is_told_in_the_readers_time(site: str, page: Page, sign_in: SignIn) -> None:
    sent = make.submitted(make.open_batch(tasks=1, answers=1))
    sign_in(sent.expert.user)

    page.goto(f"{site}/tasks/{sent.pk}/submission/")

    due = page.locator("time").first
    expect(due).to_have_attribute("title", "27 Nov 2026, 12:00 UTC")
    expect(due).to_contain_text("27 Nov")
    expect(due).to_contain_text("21:00")
