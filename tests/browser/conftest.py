"""Browser tests use the Chromium of the system; without one they are skipped, not failed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from marketplace.people.models import User
from tests.browser.pages import signed_in
from tests.make import NOON

# Playwright's sync API runs an event loop in this thread, which Django would refuse.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" not in item.keywords:
            continue
        # A browser hangs up when it likes: a socket left to the collector is no fault of a page.
        item.add_marker(
            pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
        )
        if not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason="no Chromium here (set CHROMIUM)"))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    # --no-sandbox: needed as root and in most containers; the pages are our own.
    return {
        "executable_path": CHROMIUM,
        "args": ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    }


@pytest.fixture
def site(live_server: Any) -> str:
    return str(live_server.url)


@pytest.fixture
def wanted_errors() -> list[str]:
    """Console errors a test provokes; a refused form is always allowed."""
    return ["status of 422"]


@pytest.fixture
def context(context: BrowserContext, wanted_errors: list[str]) -> Iterator[BrowserContext]:
    """Every page of the test fails it on a script error or a console error (so on CSP too)."""
    problems: list[str] = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", note)

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(words in message.text for words in wanted_errors):
            problems.append(message.text)

    context.on("page", watch)
    yield context
    assert problems == []


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages read the time on another thread than the test, where `clock.at` does not reach."""
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON)


@pytest.fixture
def sign_in(site: str, context: BrowserContext) -> Callable[[User], None]:
    """Give the browser the session of a person."""

    def enter(user: User) -> None:
        client = signed_in(user)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])

    return enter
