"""What every page of a client owes: markup rules, axe in two themes, no sideways scroll."""

from __future__ import annotations

import json
import re

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page as Tab

from marketplace.jobs.services.running import run_due_jobs
from marketplace.web.client.urls import urlpatterns
from tests import make
from tests.browser import pages
from tests.browser.client_world import PAGES, ClientPage, ClientWorld, build_client_world
from tests.browser.test_pages import ONE_PROPERTY, Seen, look

MOST_QUERIES = 20
ACTS = frozenset(
    {
        *("sample", "move_project", "preview", "count_experts", "drop_need", "quote"),
        *("move_batch", "delete_batch", "map_again", "accept_import", "cancel_import"),
        *("approve_many", "decide", "reward"),
        *("cancel_export", "download", "pay", "move_budget", "set_role", "remove_member"),
        *("withdraw_invitation", "revoke_key", "join"),
        *("ask_invoice", "billing_profile", "paper_file"),
        *("payments", "ask_refund", "withdraw_refund"),
        *("withdraw_grant", "payroll_file", "acknowledge_payroll"),
    }
)


def test_every_address_of_a_client_is_listed() -> None:
    names = {each.name for each in urlpatterns}

    assert names == {page.name for page in PAGES} | ACTS


@pytest.mark.django_db
def test_markup_of_every_client_page_keeps_the_rules(noon: None, settings: LazySettings) -> None:
    settings.DEMO = True  # waives the second factor
    world = build_client_world()

    found = {
        f"{page.url(world)} as {page.who}": problems
        for page in PAGES
        if (problems := _problems(world, page))
    }

    assert found == {}


def _problems(world: ClientWorld, page: ClientPage) -> list[str]:
    client = pages.signed_in(getattr(world, page.who))
    client.get("/healthz")  # lists the device, which the next request does not
    with CaptureQueriesContext(connection) as queries:
        response = client.get(page.url(world))
    if response.status_code != 200:
        return [f"answered {response.status_code}"]
    markup = response.content.decode()
    seen = Seen(markup)
    found = {
        "a component reached the browser": "<c-" in markup,
        f"{seen.tags['h1']} h1": seen.tags["h1"] != 1,
        "no title": not re.search(r"<title>[^<]+ · Guildhall</title>", markup),
        "an inline script or style": "<style" in markup or "<script>" in markup,
        f"ids twice: {[i for i, n in seen.ids.items() if n > 1]}": max(seen.ids.values()) > 1,
        f"styles {seen.styles}": not all(ONE_PROPERTY.fullmatch(style) for style in seen.styles),
        f"{len(queries)} queries": len(queries) > MOST_QUERIES,
        f"{len(markup)} characters": len(markup) > 100_000,
    }
    return [words for words, is_wrong in found.items() if is_wrong]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["owner", "newcomer", "debtor"])
def test_client_pages_pass_axe_in_both_themes_and_fit_every_width(
    site: str, page: Tab, sign_in: pages.SignIn, noon: None, settings: LazySettings, who: str
) -> None:
    settings.DEMO = True
    world = build_client_world()
    sign_in(getattr(world, who))

    found = {
        url: problems
        for url in [each.url(world) for each in PAGES if each.who == who]
        if (problems := look(page, site + url))
    }

    assert found == {}


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_answers_are_reviewed_by_keyboard_alone(
    site: str, page: Tab, sign_in: pages.SignIn, noon: None, settings: LazySettings
) -> None:
    settings.DEMO = True
    world = build_client_world()
    sign_in(world.owner)
    page.goto(f"{site}/o/{world.client.slug}/review/")

    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/review/*-*/")
    first = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("k")
    page.wait_for_url(first)
    page.keyboard.press("c")
    page.keyboard.type("a reason that holds a, c, x and j")
    typed = page.evaluate("document.activeElement.value")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.wait_for_url(lambda url: url != first)

    world.waiting.refresh_from_db()
    world.second.refresh_from_db()
    assert typed == "a reason that holds a, c, x and j"
    assert {world.waiting.state, world.second.state} == {"approved", "awaiting_review"}


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_import_card_polls_until_the_dry_run_has_ended(
    site: str, page: Tab, sign_in: pages.SignIn, noon: None, settings: LazySettings
) -> None:
    settings.DEMO = True
    batch = make.ready_batch(tasks=1)
    client = batch.project.organization
    sign_in(client.memberships.get(role="owner").user)
    page.goto(f"{site}/o/{client.slug}/batches/{batch.pk}/import/")

    page.get_by_label("Or paste rows").fill(json.dumps(make.pair(7)))
    page.get_by_role("button", name="Check it").click()
    page.get_by_text("Waiting for its turn.").wait_for()
    run_due_jobs()
    page.get_by_role("button", name="Import 1 good row").click()
    page.get_by_text("Importing", exact=True).wait_for()
    run_due_jobs()
    page.get_by_text("1 imported").wait_for()

    assert page.locator("[hx-get]").count() == 0
    assert batch.tasks.count() == 2


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_price_and_guidelines_show_what_they_mean_while_they_are_typed(
    site: str, page: Tab, sign_in: pages.SignIn, noon: None, settings: LazySettings
) -> None:
    settings.DEMO = True
    project = make.draft_project()
    sign_in(project.created_by)
    base = f"{site}/o/{project.organization.slug}/projects/{project.pk}"

    page.goto(f"{base}/guidelines/")
    page.locator("#id_body").press_sequentially("# Judge what is said")
    page.locator("#preview h1", has_text="Judge what is said").wait_for()
    page.goto(f"{base}/batches/new/")
    page.locator("#id_price").press_sequentially("2.50")

    quote = page.get_by_text("2.50 USD pay + 0.38 USD fee = 2.88 USD")
    quote.wait_for()
    assert quote.is_visible()
