"""By the hour is said as “up to” everywhere; a bonus is paid and read; rates need five answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from payouts.models import Earning
from tasks.models import Assignment, Batch, Bonus
from tasks.selectors.rates import HourlyRate, rates_by
from tasks.services import batches, claiming, reviewing
from tasks.services.batches import NewTask
from tests import make
from tests.browser.pages import signed_in
from tests.make import NOON, usd
from tests.web.client.visit import at, member, owner_of, words

pytestmark = pytest.mark.django_db
TOLD = "up to 2.00 USD, 36.00 USD/h"


@pytest.fixture(autouse=True)
def demo_at_noon(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = True
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON)


def hourly(*, tasks: int = 1) -> Batch:
    project = make.project()
    by = project.created_by
    batch = batches.create_batch(
        project=project,
        name="By the hour",
        price=usd(200),
        hourly=usd(3600),
        answers_per_task=1,
        by=by,
        at=NOON,
    )
    rows = [NewTask(make.pair(n)) for n in range(tasks)]
    batches.add_tasks(batch=batch, rows=rows, by=by, at=NOON)
    return batches.open_batch(batch=batch, by=by, at=NOON)


def approved(batch: Batch, *, seconds: int) -> Assignment:
    assignment = make.claimed(batch)
    for beat in range(1, seconds // 60 + 1):
        when = NOON + timedelta(minutes=beat)
        claiming.beat(assignment=assignment, active_seconds=60, at=when)
    make.submit(assignment, at=NOON + timedelta(seconds=seconds))
    assignment.refresh_from_db()
    reviewing.approve(assignment=assignment, by=batch.created_by, at=NOON)
    return assignment


def test_the_wizard_makes_an_hourly_batch_and_says_at_most() -> None:
    project = make.project()
    client, browser = project.organization, owner_of(project.organization)
    values = {
        "name": "Timed",
        "price": "2.00",
        "hourly": "36.00",
        "answers_per_task": "1",
        "pool_percent": "40",
    }

    quote = words(browser.get(at(client, "quote", project_id=project.pk), values))
    browser.post(at(client, "new_batch", project_id=project.pk), values)

    assert "36.00 USD/h</b> of measured time, up to 2.00 USD an answer" in quote
    batch = Batch.objects.get(name="Timed")
    assert (batch.price_minor, batch.hourly_minor) == (200, 3600)
    assert TOLD in words(browser.get(at(client, "batch", batch_id=batch.pk)))


def test_an_expert_reads_up_to_before_and_after_the_claim() -> None:
    batch = hourly(tasks=2)
    ada = make.joined_expert(batch.project)
    browser = signed_in(ada.user)

    found = words(browser.get("/work/?show=all"))
    about = words(browser.get(f"/work/{batch.project_id}/"))
    task = words(browser.get(f"/tasks/{make.claimed(batch, by=ada).pk}/"))

    assert [TOLD in page for page in (found, about, task)] == [True, True, True]


def test_a_manager_pays_a_bonus_and_the_expert_reads_why() -> None:
    assignment = approved(make.open_batch(tasks=1, answers=1), seconds=60)
    client, browser = assignment.project.organization, owner_of(assignment.project.organization)
    page = browser.get(at(client, "review_item", assignment_id=assignment.pk))
    sent = {
        "bonus-amount": "5.00",
        "bonus-reason": "The clearest rationale of all.",
        "bonus-key": str(page.context["bonus_form"].initial["key"]),
    }

    for _ in range(2):
        browser.post(at(client, "reward", assignment_id=assignment.pk), sent)

    bonus = Bonus.objects.get()
    earning = Earning.objects.get(key=f"bonus:{bonus.pk}")
    own = words(signed_in(assignment.expert.user).get(f"/earnings/{earning.pk}/"))
    assert "5.00 USD" in own
    assert "The clearest rationale of all." in own
    reviewer = signed_in(member(client, "reviewer"))
    assert reviewer.post(at(client, "reward", assignment_id=assignment.pk), sent).status_code == 403


def test_a_rate_is_the_median_of_measured_hours_and_needs_five_answers() -> None:
    batch = hourly(tasks=5)
    rows = Assignment.objects.filter(batch=batch)
    key = (batch.pk, "USD")

    for seconds in (60, 60, 120, 120):
        approved(batch, seconds=seconds)
    assert rates_by(rows, key="batch")[key] == HourlyRate(None, 4)
    assert str(HourlyRate(None, 4)) == "not enough data"
    approved(batch, seconds=600)  # paid 2.00, the most: 12.00 an hour

    assert rates_by(rows, key="batch")[key] == HourlyRate(usd(3600), 5)
    browser = owner_of(batch.project.organization)
    page = words(browser.get(at(batch.project.organization, "batch", batch_id=batch.pk)))
    assert "an hour came to 36.00 USD/h (n = 5)" in page
