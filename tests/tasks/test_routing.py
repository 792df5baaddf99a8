"""Who may claim what follows qualifications, terms and requirements at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.projects.access import joinable_projects
from tasks.models import Batch, ExpertRoute, Route, Task
from tasks.selectors.work import can_claim, matching_experts, missing_skills, offers
from tasks.services import claiming, projects, routing
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def test_work_opens_when_the_qualification_comes_after_the_terms() -> None:
    skill = make.skill()
    batch = make.open_batch(of=make.project(needs=skill))
    expert = make.expert()
    make.join(expert, batch.project)
    assert claiming.claim_next(expert=expert, at=NOON) is None

    make.qualify(expert, skill)

    assert make.claimed(batch, by=expert).state == "active"


def test_work_opens_when_the_terms_come_after_the_qualification() -> None:
    skill = make.skill()
    batch = make.open_batch(of=make.project(needs=skill))
    expert = make.expert()
    make.qualify(expert, skill)
    assert claiming.claim_next(expert=expert, at=NOON) is None

    make.join(expert, batch.project)

    assert make.claimed(batch, by=expert).state == "active"


def test_a_higher_level_serves_and_a_lower_one_does_not() -> None:
    skill = make.skill()
    project = make.project()
    projects.require_skill(project=project, skill=skill, level=2, by=project.created_by, at=NOON)
    low, high = make.expert(), make.expert()
    for expert, level in ((low, 1), (high, 3)):
        make.qualify(expert, skill, level=level)
        make.join(expert, project)

    assert [can_claim(who, project) for who in (low, high)] == [False, True]
    assert missing_skills(low, project) == ("medicine preference, level 2",)


def test_an_expired_qualification_opens_nothing() -> None:
    skill = make.skill()
    project = make.project(needs=skill)
    expert = make.expert()
    make.qualify(expert, skill)
    make.join(expert, project)

    routing.rebuild_expert_routes(expert_id=expert.pk, at=NOON + timedelta(days=366))

    assert not can_claim(expert, project)


def test_new_terms_close_the_work_until_they_are_accepted() -> None:
    batch = make.open_batch(tasks=3)
    expert = make.joined_expert(batch.project)
    running = make.claimed(batch, by=expert)

    make.publish_terms(batch.project, body="Also for research.")

    assert claiming.claim_next(expert=expert, at=NOON) is None
    assert make.submit(running).revision == 1
    make.join(expert, batch.project)
    assert make.claimed(batch, by=expert).engagement.terms.version == 2


def test_a_new_requirement_holds_for_open_batches() -> None:
    batch = make.open_batch()
    expert = make.joined_expert(batch.project)
    skill = make.skill()

    projects.require_skill(project=batch.project, skill=skill, by=batch.created_by, at=NOON)
    before = claiming.claim_next(expert=expert, at=NOON)
    make.qualify(expert, skill)

    assert before is None
    assert make.claimed(batch, by=expert).state == "active"
    assert set(Task.objects.values_list("route", flat=True)) == {Batch.objects.get().route_id}


def test_dropping_the_requirement_goes_back_to_the_earlier_route() -> None:
    project = make.project()
    skill = make.skill()
    by = project.created_by
    before = Route.objects.get(is_current=True)

    projects.require_skill(project=project, skill=skill, by=by, at=NOON)
    projects.unrequire_skill(project=project, skill=skill, by=by, at=NOON)

    assert Route.objects.get(is_current=True) == before
    assert Route.objects.count() == 2


def test_a_closed_project_leaves_no_route() -> None:
    project = make.project()
    make.joined_expert(project)

    projects.close_project(project=project, by=project.created_by, at=NOON)

    assert not ExpertRoute.objects.exists()


def test_offers_show_seats_price_and_what_is_missing() -> None:
    skill = make.skill()
    free, gated = make.project(), make.project(needs=skill)
    make.open_batch(of=free, tasks=2, answers=2, price=make.usd(70))
    make.open_batch(of=free, tasks=1, answers=1, price=make.usd(90))
    make.open_batch(of=gated, tasks=1, answers=1)
    expert = make.joined_expert(free)
    claiming.claim_next(expert=expert, project=free, at=NOON)

    found = offers(expert, joinable_projects(to=expert.user))

    assert [(o.project, o.missing, o.can_claim) for o in found] == [
        (free, (), True),
        (gated, ("medicine preference",), False),
    ]
    assert (found[0].tasks_left, found[0].price_min, found[0].price_max) == (2, 70, 90)


def test_matching_experts_hold_every_requirement() -> None:
    skill, other = make.skill(), make.skill(ability="classification")
    project = make.project(needs=skill)
    projects.require_skill(project=project, skill=other, by=project.created_by, at=NOON)
    half, whole = make.expert(), make.expert()
    make.qualify(half, skill)
    for each in (skill, other):
        make.qualify(whole, each)

    assert matching_experts(project) == 1


def test_an_expert_who_becomes_a_member_of_the_client_claims_no_more() -> None:
    batch = make.open_batch()
    ada = make.joined_expert(batch.project)

    make.enrol(ada.user, batch.project.organization)

    assert claiming.claim_next(expert=ada, at=NOON) is None
