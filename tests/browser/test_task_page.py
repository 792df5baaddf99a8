"""The task page in a browser: keys alone, a draft that survives, time that can be extended."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tasks.models import Assignment, Draft, Submission
from tasks.services import claiming
from tests.browser.pages import SignIn
from tests.browser.world import worker
from tests.make import NOON

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RATIONALE = "B prints the number instead of saying what half of it means."
SAVED = re.compile(r"Draft saved \d")


@pytest.fixture(autouse=True)
def pinned_time(noon: None) -> None:
    """The lease starts at noon and so do the pages."""


@pytest.fixture
def assignment() -> Assignment:
    return worker()


@pytest.fixture
def task(site: str, page: Page, sign_in: SignIn, assignment: Assignment) -> Page:
    """The task page of a signed-in expert."""
    sign_in(assignment.expert.user)
    page.goto(f"{site}/tasks/{assignment.pk}/")
    return page


def test_task_is_done_with_the_keyboard_alone(task: Page, assignment: Assignment) -> None:
    task.keyboard.press("2")
    expect(task.locator("#overall [data-verdict]")).to_have_text("A is better")
    expect(task.locator("#save")).to_contain_text(SAVED)

    task.keyboard.press("Control+Enter")
    alert = task.get_by_role("alert")
    expect(alert).to_contain_text("Say what help you used")
    expect(alert).to_be_focused()

    for score in "5153":
        task.keyboard.press("c")
        task.keyboard.press(score)
    expect(task.locator("[data-rated]")).to_have_text("4 of 4 rated")
    task.keyboard.press("r")
    task.keyboard.type(RATIONALE)
    for _ in range(2):
        task.keyboard.press("Tab")
    task.keyboard.press("N")
    with task.expect_navigation():
        task.keyboard.press("Control+Enter")

    sent = Submission.objects.get(assignment=assignment)
    following = Assignment.objects.get(state="active")
    assert task.url.endswith(f"/tasks/{following.pk}/")
    assert (sent.assistance, sent.answer["rationale"]) == ("none", RATIONALE)
    assert [sorted((row["a"], row["b"])) for row in sent.answer["scores"]] == [[1, 5], [3, 5]]


def test_untouched_slider_is_no_answer_and_a_click_on_its_middle_is(
    task: Page, assignment: Assignment
) -> None:
    task.get_by_label("Correct, answer A").click()
    expect(task.locator("[name='scores.0.a']")).to_have_value("3")
    expect(task.locator("[name='scores.0.b']")).to_have_value("")
    expect(task.locator("#save")).to_contain_text(SAVED)

    kept = Draft.objects.get(assignment=assignment)
    assert kept.answer["scores"] == [{"criterion": "correct", "a": 3}]


def test_draft_survives_a_failing_server_and_a_reload(task: Page, wanted_errors: list[str]) -> None:
    def fail(route: Route) -> None:
        route.fulfill(status=500)

    wanted_errors += ["status of 500", "Response Status Error Code 500"]
    task.route("**/draft/", fail)
    task.get_by_label("Why?").fill("Kept through a failure")
    expect(task.locator("#save")).to_contain_text("Not saved, retrying")

    task.reload()
    expect(task.get_by_label("Why?")).to_have_value("Kept through a failure")
    task.unroute("**/draft/")
    expect(task.locator("#save")).to_contain_text(SAVED, timeout=10_000)


def test_second_tab_is_told_and_overwrites_nothing(
    task: Page, context: BrowserContext, assignment: Assignment, wanted_errors: list[str]
) -> None:
    wanted_errors.append("status of 409")
    other = context.new_page()
    other.goto(task.url)
    other.get_by_label("Why?").fill("Typed in the other tab")
    expect(other.locator("#save")).to_contain_text(SAVED)

    task.get_by_label("Why?").fill("Typed here")
    expect(task.locator("#save")).to_contain_text("Newer in another tab")
    assert Draft.objects.get(assignment=assignment).answer["rationale"] == "Typed in the other tab"

    task.get_by_role("button", name="Keep mine").click()
    expect(task.locator("#save")).to_contain_text(SAVED)
    assert Draft.objects.get(assignment=assignment).answer["rationale"] == "Typed here"


def test_signed_out_expert_keeps_the_draft_and_sends_it_on_return(
    task: Page,
    context: BrowserContext,
    sign_in: SignIn,
    assignment: Assignment,
    wanted_errors: list[str],
) -> None:
    wanted_errors += ["status of 401", "Response Status Error Code 401"]
    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    task.get_by_label("Why?").fill("Typed while signed out")
    expect(task.locator("#save")).to_contain_text("Signed out, kept in this browser")
    expect(task.get_by_role("link", name="Sign in")).to_be_visible()

    sign_in(assignment.expert.user)
    task.evaluate("dispatchEvent(new Event('focus'))")

    expect(task.locator("#save")).to_contain_text(SAVED)


def test_after_the_lease_the_text_stays_readable(
    task: Page, assignment: Assignment, wanted_errors: list[str]
) -> None:
    wanted_errors.append("status of 410")
    claiming.expire_leases(at=NOON + timedelta(hours=2))

    task.get_by_label("Why?").fill("Typed too late")

    expect(task.locator("#save")).to_contain_text("The time for this task ran out")
    expect(task.get_by_label("Why?")).to_have_value("Typed too late")
    expect(task.get_by_label("Why?")).not_to_be_editable()


def test_unsaved_text_is_sent_when_the_page_is_left(
    task: Page, site: str, assignment: Assignment
) -> None:
    task.get_by_label("Why?").fill("Left at once")
    task.goto(f"{site}/tasks/")

    expect(task.get_by_role("heading", name="My tasks")).to_be_visible()
    task.goto(f"{site}/tasks/{assignment.pk}/")
    expect(task.get_by_label("Why?")).to_have_value("Left at once")


def test_time_can_be_extended_with_one_key(site: str, page: Page, sign_in: SignIn) -> None:
    assignment = worker(claimed_at=NOON - timedelta(seconds=620))
    sign_in(assignment.expert.user)
    page.goto(f"{site}/tasks/{assignment.pk}/")
    expect(page.locator("#lease")).to_have_attribute("data-state", "low")

    page.keyboard.press("e")

    expect(page.locator("#lease")).to_have_attribute("data-state", "ok")
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^(15:00|14:5\d)$"))


def test_single_key_shortcuts_can_be_switched_off(task: Page) -> None:
    task.keyboard.press("?")
    task.get_by_label("Single-key shortcuts").uncheck()
    task.keyboard.press("Escape")

    task.keyboard.press("2")
    expect(task.locator("#overall [data-verdict]")).to_have_text("Not rated yet")
    task.reload()
    task.keyboard.press("2")
    expect(task.locator("#overall [data-verdict]")).to_have_text("Not rated yet")


def test_source_shows_every_character(task: Page, assignment: Assignment) -> None:
    side = "B" if assignment.seed % 2 else "A"

    task.get_by_role("button", name=f"Source of answer {side.lower()}").click()

    expect(task.locator(f".ans.{side} .source")).to_contain_text("$$x=\\frac{")


def test_task_can_be_done_without_javascript(
    site: str, browser: Browser, sign_in: SignIn, context: BrowserContext, assignment: Assignment
) -> None:
    sign_in(assignment.expert.user)
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(context.cookies())  # type: ignore[arg-type]  # its own shape, other name
    page = plain.new_page()
    page.goto(f"{site}/tasks/{assignment.pk}/")
    page.get_by_label("2, A is better").check()
    page.get_by_label("Why?").fill("Short")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("at least 20 characters")
    expect(page.get_by_label("Why?")).to_have_value("Short")
    plain.close()
