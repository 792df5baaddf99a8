"""`make shots`: the pictures of the README, drawn from a format's own example."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect
from pydantic import JsonValue

from marketplace.formats.registry import get
from marketplace.kit.money import Money
from tasks.models import Assignment
from tasks.services import batches
from tasks.services.batches import NewTask
from tests import make
from tests.browser.pages import SignIn
from tests.make import NOON

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
IMAGES = Path(settings.BASE_DIR) / "docs/images"


def medical_task() -> Assignment:
    """The format's own example, claimed."""
    project = make.project()
    batch = batches.create_batch(
        project=project,
        name="Pilot",
        price=Money(1_800, "USD"),
        answers_per_task=1,
        by=project.created_by,
        at=NOON,
    )
    example: JsonValue = get("preference").example["prompt"]
    assert isinstance(example, dict)
    rows = [NewTask(example, key=f"row-{n}") for n in range(12)]
    batches.add_tasks(batch=batch, rows=rows, by=project.created_by, at=NOON)
    batch.refresh_from_db()
    return make.claimed(batches.open_batch(batch=batch, by=batch.created_by, at=NOON))


def test_task_page(site: str, page: Page, sign_in: SignIn, noon: None) -> None:
    assignment = medical_task()
    safe = "A" if assignment.seed % 2 else "B"
    sign_in(assignment.expert.user)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{site}/tasks/{assignment.pk}/")
    page.keyboard.press("2" if safe == "A" else "6")
    for score in "514" if safe == "A" else "152":
        page.keyboard.press("c")
        page.keyboard.press(score)
    page.get_by_label("Why?").fill(f"{safe} names the kidney disease and offers a safer choice.")
    expect(page.locator("#save")).to_contain_text("Draft saved")

    page.screenshot(path=IMAGES / "task.png")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.screenshot(path=IMAGES / "task-dark.png")
