"""Pages of staff: the rules of every page, and what needs a browser to be seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from marketplace.jobs.services.running import run_due_jobs
from payouts.models import Payout
from tests.browser import pages, staff_pages
from tests.browser.staff_pages import StaffPage, StaffWorld, build_staff_world
from tests.browser.test_pages import ONE_PROPERTY, Seen, look
from tests.jobs import kinds
from tests.web.staff import cast

MOST_QUERIES = 20


@pytest.fixture(autouse=True)
def quiet(settings: Settings, noon: None) -> Iterator[None]:
    settings.JOBS_TICKS = {"payouts.post_earnings": 2}
    settings.JOBS_SCHEDULE = {}
    settings.PAYOUT_RATE_PER_S = 0
    settings.PAYOUT_MINIMUM = {"USD": 1000}
    kinds.reset()
    yield
    kinds.reset()


def test_every_address_of_staff_is_listed() -> None:
    assert staff_pages.unlisted() == set()


@pytest.mark.django_db
def test_markup_of_every_page_of_staff_keeps_the_rules() -> None:
    world = build_staff_world()
    clients = {"sam": cast.enter(world.sam), "grace": cast.enter(world.grace)}

    found = {
        page.url(world): problems
        for page in staff_pages.PAGES
        if (problems := _problems(clients[page.who], world, page))
    }

    assert found == {}


def _problems(client: Client, world: StaffWorld, page: StaffPage) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        response = client.get(page.url(world))
    if response.status_code != 200:
        return [f"answered {response.status_code}"]
    markup = response.content.decode()
    seen = Seen(markup)
    primaries = markup.partition("<dialog")[0].count('class="btn primary')
    found = {
        "a component reached the browser": "<c-" in markup,
        f"{seen.tags['h1']} h1": seen.tags["h1"] != 1,
        "an inline script or style": "<style" in markup or "<script>" in markup,
        f"ids twice: {[i for i, n in seen.ids.items() if n > 1]}": max(seen.ids.values()) > 1,
        f"styles {seen.styles}": not all(ONE_PROPERTY.fullmatch(style) for style in seen.styles),
        f"{primaries} primary buttons": primaries > 1,
        f"{len(queries)} queries": len(queries) > MOST_QUERIES,
        f"{len(markup)} characters": len(markup) > 100_000,
    }
    return [words for words, is_wrong in found.items() if is_wrong]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_pages_of_staff_pass_axe_in_both_themes_and_fit_every_width(
    site: str, page: Tab, sign_in: pages.SignIn
) -> None:
    world = build_staff_world()

    found = {}
    for who in ("sam", "grace"):
        sign_in(getattr(world, who))
        for each in staff_pages.PAGES:
            if each.who == who and (problems := look(page, site + each.url(world))):
                found[f"{each.url(world)} as {who}"] = problems

    assert found == {}


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_run_is_approved_in_a_dialog_and_its_progress_shows_the_end_by_itself(
    site: str, page: Tab, sign_in: pages.SignIn
) -> None:
    run = cast.closed_run(cast.staff("finance"))
    sign_in(cast.staff("finance", name="Kim Checker"))
    page.goto(site + reverse("staff:run", args=[run.pk]))

    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_text("sending", exact=True)).to_be_visible()
    run_due_jobs()

    expect(page.get_by_text("1 of 1 settled")).to_be_visible(timeout=15_000)
    expect(page.locator(".page-head .badge")).to_have_text("done", timeout=15_000)
    assert Payout.objects.get().transfer_id


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_paper_is_downloaded_not_shown(site: str, page: Tab, sign_in: pages.SignIn) -> None:
    found = cast.credential()
    sign_in(cast.staff("vetting"))
    page.goto(site + reverse("staff:credential", args=[found.pk]))

    page.get_by_label("Why do you open it?").fill("Checking the seal.")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()

    assert download.value.suggested_filename.endswith(".png")
    assert page.url.endswith(reverse("staff:credential", args=[found.pk]))


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_leaving_the_cancel_dialog_cancels_nothing(
    site: str, page: Tab, sign_in: pages.SignIn
) -> None:
    sam = cast.staff("finance")
    run = cast.closed_run(sam)
    sign_in(sam)
    page.goto(site + reverse("staff:run", args=[run.pk]))

    page.get_by_role("button", name="Cancel run").click()
    page.get_by_role("button", name="Back").click()

    expect(page.get_by_role("dialog")).to_be_hidden()
    run.refresh_from_db()
    assert run.state == "closed"
