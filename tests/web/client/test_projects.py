"""A project from its first words to its end, through the pages."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from marketplace.projects.models import Project
from tasks.models import Batch
from tasks.services.batches import add_gold, open_batch
from tests import make
from tests.make import NOON, usd
from tests.web.client.visit import at, owner_of, words

pytestmark = pytest.mark.django_db


def test_project_is_set_up_step_by_step_until_its_pilot_batch() -> None:
    client = make.funded_organization(usd(100_000))
    browser = owner_of(client)
    skill = make.skill()

    browser.post(at(client, "new_project"), {"title": "Clauses", "format": "classification"})
    project = Project.objects.get(title="Clauses")

    def save(step: str, **values: object) -> int:
        url = at(client, step, project_id=project.pk)
        return browser.post(url, values).status_code

    steps = [
        save("guidelines", body="1. Read the clause."),
        save("terms", body="For training.", purposes=["training"], licence="CC-BY-4.0"),
        save("needs", skill=skill.pk, level=2),
        save("plan", answers_per_task=5, review_days=4),
        save("new_batch", name="Pilot", price="2.50", answers_per_task=5, pool_percent=20),
    ]
    batch = Batch.objects.get(project=project)
    project.refresh_from_db()
    assert set(steps) == {302}
    assert (batch.name, batch.price_minor, batch.fee_minor) == ("Pilot", 250, 38)
    assert (batch.answers_per_task, batch.pool_percent, batch.review_days) == (5, 20, 4)
    assert project.current_guideline is not None
    assert project.requirements.get().level == 2


def test_project_moves_by_its_buttons() -> None:
    project = make.pilot()
    browser = owner_of(project.organization)
    seen = []

    for to in ("active", "paused", "active", "closed", "archived"):
        url = at(project.organization, "move_project", project_id=project.pk, to=to)
        browser.post(url)
        project.refresh_from_db()
        seen.append(project.state)

    assert seen == ["active", "paused", "active", "closed", "archived"]


def test_refused_move_says_what_is_missing() -> None:
    project = make.draft_project()
    client = project.organization

    response = owner_of(client).post(
        at(client, "move_project", project_id=project.pk, to="pilot"), follow=True
    )

    assert "Publish guidelines and data-use terms before the pilot." in words(response)


def test_saving_unchanged_texts_publishes_no_new_version() -> None:
    project = make.pilot()
    client, browser = project.organization, owner_of(project.organization)
    assert project.current_terms is not None

    browser.post(at(client, "guidelines", project_id=project.pk), {"body": "Judge what is said."})
    browser.post(
        at(client, "terms", project_id=project.pk),
        {"body": "For training.", "purposes": ["training"], "licence": "CC-BY-4.0"},
    )

    assert (project.guidelines.count(), project.terms.count()) == (1, 1)


def test_guidelines_are_previewed_while_they_are_typed() -> None:
    project = make.draft_project()
    url = at(project.organization, "preview", project_id=project.pk)

    response = owner_of(project.organization).post(url, {"body": "# Rule\n<script>1</script>"})

    assert words(response).startswith("<h1>Rule</h1>")
    assert "<script>" not in words(response)


def test_count_of_matching_experts_follows_the_skill_before_it_is_asked_for() -> None:
    project = make.draft_project()
    skill = make.skill()
    make.qualify(make.expert(), skill)
    make.expert()
    url = at(project.organization, "count_experts", project_id=project.pk)
    browser = owner_of(project.organization)

    now = words(browser.get(url))
    with_skill = words(browser.get(url, {"skill": str(skill.pk), "level": "1"}))
    too_high = words(browser.get(url, {"skill": str(skill.pk), "level": "3"}))

    assert now.endswith("2</b> experts would match.")
    assert with_skill.endswith("1</b> expert would match with this skill.")
    assert too_high.endswith("0</b> experts would match with this skill.")


def test_where_nobody_matches_the_scarcest_skill_is_named() -> None:
    project = make.draft_project()
    client, browser = project.organization, owner_of(project.organization)
    skill = make.skill()
    browser.post(at(client, "needs", project_id=project.pk), {"skill": str(skill.pk), "level": 1})

    page = words(browser.get(at(client, "needs", project_id=project.pk)))
    browser.post(at(client, "drop_need", project_id=project.pk), {"skill": skill.slug})

    assert "medicine preference, level 1, excludes most: 0 experts hold it." in page
    assert project.requirements.count() == 0


def test_price_is_told_per_hour_and_for_the_pilot_before_it_is_saved() -> None:
    project = make.draft_project()
    url = at(project.organization, "quote", project_id=project.pk)

    response = owner_of(project.organization).get(
        url, {"name": "Pilot", "price": "2", "answers_per_task": "3", "pool_percent": "40"}
    )

    page = words(response)
    assert "2.00 USD pay + 0.30 USD fee = 2.30 USD" in page
    assert "30 answers, 69.00 USD + 27.60 USD pool" in page
    assert "USD/h" in page


@pytest.mark.parametrize("price", ["", "0", "-1", "2.555", "1e9", "two"])
def test_price_that_is_none_is_refused_at_its_field(price: str) -> None:
    project = make.draft_project()
    url = at(project.organization, "new_batch", project_id=project.pk)
    values = {"name": "Pilot", "price": price, "answers_per_task": 3, "pool_percent": 40}

    response = owner_of(project.organization).post(url, values)

    assert response.status_code == 422
    assert not project.batches.exists()


def test_sample_project_is_one_click_and_takes_no_money() -> None:
    client = make.organization()

    response = owner_of(client).post(at(client, "sample"), follow=True)

    project = Project.objects.get(organization=client)
    assert "Sample: which answer helps more?" in words(response)
    assert project.state == "draft"
    assert Batch.objects.get(project=project).tasks.count() == 3


def test_overview_tells_what_waits() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    make.submitted(batch)
    make.ready_batch(of=batch.project)
    client = batch.project.organization

    page = words(owner_of(client).get(at(client, "overview")))

    assert "1 answer to review" in page
    assert "Silence approves the first in 7 days." in page
    assert "Open First" in page


def test_accuracy_on_gold_is_told_with_its_interval_once_there_is_enough() -> None:
    project = make.project(kind="classification", needs=make.skill(ability="classification"))
    client, browser = project.organization, owner_of(project.organization)
    batch = make.ready_batch(of=project, tasks=1, answers=10)
    right: dict[str, JsonValue] = {"label": "termination"}
    add_gold(
        task=batch.tasks.get(), answer=right, provenance="client", by=batch.created_by, at=NOON
    )
    open_batch(batch=batch, by=batch.created_by, at=NOON)
    url, seen = at(client, "project", project_id=project.pk), []

    for _ in range(10):
        who = make.expert()
        make.qualify(who, make.skill(ability="classification"))
        make.join(who, project)
        make.submitted(batch, by=who)
        seen.append(words(browser.get(url)))

    assert "Too few to say" in seen[8]
    assert "9 of 10 checks" in seen[8]
    assert "91.7%" in seen[9]
    assert "76 to 100 %, from 10 checks" in seen[9]
