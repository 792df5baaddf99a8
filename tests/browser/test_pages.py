"""What every page owes: no raw component, one heading, axe in two themes, no sideways scroll."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import LazySettings
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page as Tab

from tests.browser import pages
from tests.browser.pages import Page
from tests.browser.world import World, build_world

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = [320, 360, 768, 1440]
MOST_QUERIES = 17
ONE_PROPERTY = re.compile(r"--[a-z]+:\s*-?[\d.]+%?(;--[a-z]+:\s*-?[\d.]+%?)*")
SMALL_TARGETS = """() => [...document.querySelectorAll("button, select, input, a.btn, a.nav")]
    .map((e) => [e.closest("label") ?? e, e.outerHTML.slice(0, 120)])
    .filter(([e]) => e.checkVisibility({visibilityProperty: true}))
    .map(([e, markup]) => [e.getBoundingClientRect(), markup])
    .filter(([box]) => box.width && (box.width < 24 || box.height < 24))
    .map(([box, markup]) => `${box.width}x${box.height} ${markup}`)"""


class Seen(HTMLParser):
    """What the tests of a page's markup look at."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.styles: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids[value or ""] += 1
            if name == "style" and tag not in {"mtd", "mtr", "mtable", "th", "td", "mrow"}:
                self.styles.append(value or "")


def test_every_address_of_ours_is_listed() -> None:
    assert pages.unlisted() == set()


def test_maths_font_is_the_one_we_looked_at() -> None:
    found = finders.find("web/fonts/STIXTwoMath-Regular.ttf")

    assert hashlib.sha256(Path(str(found)).read_bytes()).hexdigest() == (
        "8f42cb183a85043a4dc3f8e41ac3821eb27bf178d68ace929ba439523622323c"
    )


@pytest.mark.django_db
def test_markup_of_every_page_keeps_the_rules(noon: None, settings: LazySettings) -> None:
    settings.DEBUG = True
    world = build_world()
    clients = {who: pages.signed_in(world.user(who)) for who in ("ada", "newcomer")}

    found = {
        f"{page.name} as {page.who or 'visitor'}": problems
        for page in pages.PAGES
        if (problems := _problems(clients.get(page.who, Client()), world, page))
    }

    assert found == {}


def _problems(client: Client, world: World, page: Page) -> list[str]:
    client.get("/healthz")  # lists the device, which the next request does not
    with CaptureQueriesContext(connection) as queries:
        response = client.get(page.url(world))
    if response.status_code != page.status:
        return [f"answered {response.status_code}"]
    markup = response.content.decode()
    seen = Seen(markup)
    found = {
        "a component reached the browser": "<c-" in markup,
        f"{seen.tags['h1']} h1": seen.tags["h1"] != 1,
        "no title": not re.search(r"<title>[^<]+ · Guildhall</title>", markup),
        "no language": '<html lang="en"' not in markup,
        "an inline script or style": "<style" in markup or "<script>" in markup,
        f"ids twice: {[i for i, n in seen.ids.items() if n > 1]}": max(seen.ids.values()) > 1,
        f"styles {seen.styles}": not all(ONE_PROPERTY.fullmatch(style) for style in seen.styles),
        f"{len(queries)} queries": len(queries) > MOST_QUERIES,
        f"{len(markup)} characters": len(markup) > 100_000,
    }
    return [words for words, is_wrong in found.items() if is_wrong]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("group", ["VISITOR", "EXPERT", "ACCOUNT"])
def test_pages_pass_axe_in_both_themes_and_fit_every_width(
    site: str, page: Tab, sign_in: pages.SignIn, noon: None, settings: LazySettings, group: str
) -> None:
    settings.DEBUG = True
    world = build_world()
    listed: tuple[Page, ...] = getattr(pages, group)

    found = {}
    for each in sorted(listed, key=lambda listed: listed.who):
        if each.who:
            sign_in(world.user(each.who))
        problems = look(page, site + each.url(world))
        if problems:
            found[f"{each.url(world)} as {each.who or 'visitor'}"] = problems

    assert found == {}


def look(page: Tab, url: str) -> list[str]:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(url)
    found = [*_violations(page, RULES), *page.evaluate(SMALL_TARGETS)]
    # Loaded again: after a mere switch axe now and then measures half-changed colours.
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.reload()
    found += _violations(page, ["color-contrast"])
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("(width) => innerWidth === width", arg=width)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"wider than {width}")
    return found


def _violations(page: Tab, rules: list[str]) -> list[str]:
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_script_in_the_page_is_refused_and_noticed(
    site: str, page: Tab, wanted_errors: list[str]
) -> None:
    wanted_errors.append("Content Security Policy")
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.goto(site + "/welcome/")

    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))"
    )

    assert [text for text in seen if "Content Security Policy" in text]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_task_page_is_light(site: str, page: Tab, sign_in: pages.SignIn, noon: None) -> None:
    """Not compressed here: 200 kB of our text goes over the wire as less than 100 KiB."""
    world = build_world()
    sign_in(world.ada.user)
    sizes: dict[str, int] = {}
    page.on("response", lambda r: sizes.update({r.url: len(r.body()) if r.ok else 0}))

    page.goto(f"{site}/tasks/{world.active.pk}/")
    page.wait_for_load_state("networkidle")

    ours = {url: size for url, size in sizes.items() if not url.endswith(".ttf")}
    assert sum(ours.values()) < 200_000
    assert len(ours) <= 12
