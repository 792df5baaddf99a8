"""Day one of the demo: staff, domains, labs, experts on their way in, projects with money."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from django.conf import settings
from pydantic import JsonValue

from marketplace.formats.source import Row
from marketplace.kit.money import Money, fee_on
from marketplace.organizations.models import Organization
from marketplace.organizations.services.membership import accept_invitation, invite_member
from marketplace.people.models import Expert, LegalDocument, User
from marketplace.people.services.deciding import Reason
from marketplace.people.services.joining import add_user
from marketplace.projects.models import Project
from marketplace.web.demo import content, story
from marketplace.web.simulation.answers import SimulatedExpert
from marketplace.web.simulation.money import pay_in
from marketplace.web.simulation.people import (
    Newcomer,
    Staff,
    ask_for_domain,
    hire_staff,
    join,
    open_domain,
    open_lab,
    publish_legal_texts,
    show_degree,
    take_test,
    verify,
)
from payouts.services.budgeting import allocate
from tasks.models import Batch
from tasks.services.batches import create_batch, open_batch
from tasks.services.filling import NewTask, add_tasks
from tasks.services.projects import (
    activate_project,
    create_project,
    pilot_project,
    plan_quality,
    publish_guideline,
    publish_terms,
    require_skill,
)
from vetting.models import Assessment, Skill
from vetting.services.applications import confirm_decision, propose_decision
from vetting.services.catalogue import regulate_domain

ANSWERS = 3
CURRENCY = "USD"


@dataclass(frozen=True)
class Place:
    """A lab on the instance with the people who act for it."""

    organization: Organization
    owner: User
    reviewer: User


@dataclass
class World:
    """Everybody and everything of the demo, as the days go by."""

    staff: Staff
    texts: list[LegalDocument]
    tests: dict[str, Assessment]
    places: dict[str, Place] = field(default_factory=dict)
    people: dict[Expert, SimulatedExpert] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    truths: dict[str, str] = field(default_factory=dict)  # by the row key of a task


def open_instance(at: datetime) -> World:
    """Staff, legal texts, domains with their tests, labs."""
    staff = hire_staff(password=story.PASSWORD, host=story.HOST, at=at)
    texts = publish_legal_texts(by=staff.chief, at=at)
    tests = {
        each.slug: open_domain(
            slug=each.slug,
            name=each.name,
            ability="preference",
            bank=_bank(each.slug),
            by=staff.vetting,
            at=at,
        )
        for each in story.FIELDS
    }
    regulate_domain(domain=tests["medicine"].skill.domain, by=staff.vetting, at=at)
    world = World(staff, texts, tests)
    for lab in story.LABS:
        world.places[lab.slug] = _open_place(lab, at)
    return world


def _bank(slug: str) -> list[Row]:
    path = Path(settings.BASE_DIR) / f"vetting/banks/{slug}.json"
    return [Row(n, data) for n, data in enumerate(json.loads(path.read_text("utf-8")), start=1)]


def _open_place(lab: story.Lab, at: datetime) -> Place:
    owner = add_user(
        email=f"owner@{lab.slug}.{story.HOST}", name=lab.owner, password=story.PASSWORD, at=at
    )
    organization = open_lab(name=lab.name, slug=lab.slug, owner=owner, at=at)
    address = f"reviewer@{lab.slug}.{story.HOST}"
    reviewer = add_user(email=address, name=lab.reviewer, password=story.PASSWORD, at=at)
    _, token = invite_member(
        organization=organization, email=address, role="reviewer", by=owner, at=at
    )
    accept_invitation(token=token, user=reviewer, at=at)
    return Place(organization, owner, reviewer)


def admit(world: World, number: int, at: datetime) -> None:
    """One expert of the story joins, shows a degree, sits the tests, is decided upon."""
    name, country, zone, fields, accuracy = story.EXPERTS[number]
    newcomer = Newcomer(_address(name), name, country, zone, ("en",))
    expert = join(newcomer, password=story.PASSWORD, texts=world.texts, at=at)
    draw = Random(f"demo:{name}")  # noqa: S311 a reproducible demo, not a secret
    person = SimulatedExpert(accuracy, draw)
    for slug in fields:
        degree = next(each.degree for each in story.FIELDS if each.slug == slug)
        paper = show_degree(expert=expert, title=degree, issuer="University of Westmark", at=at)
        verify(paper, by=world.staff.vetting, at=at + timedelta(hours=2))
        _qualify(world, expert, slug, at + timedelta(hours=3))
    world.people[expert] = person


def _qualify(world: World, expert: Expert, slug: str, at: datetime) -> None:
    candidate = SimulatedExpert(0.97, Random(f"test:{expert.display_name}:{slug}"))  # noqa: S311 a reproducible demo
    assessment = world.tests[slug]
    take_test(expert=expert, assessment=assessment, person=candidate, at=at)
    application = ask_for_domain(expert=expert, domain=assessment.skill.domain, at=at)
    if application.state == "in_review":
        by = world.staff.vetting
        propose_decision(application=application, outcome="approved", by=by, at=at)
        second = world.staff.second_vetting
        confirm_decision(application=application, by=second, at=at + timedelta(hours=1))


def decline_one(world: World, at: datetime) -> None:
    """Somebody whose paper is no degree: proposed by one, confirmed by another, open to appeal."""
    name, country, zone, fields, _ = story.DECLINED
    newcomer = Newcomer(_address(name), name, country, zone, ("en",))
    expert = join(newcomer, password=story.PASSWORD, texts=world.texts, at=at)
    paper = show_degree(expert=expert, title="First aid, two days", issuer="Red Barn", at=at)
    verify(paper, by=world.staff.vetting, at=at)
    assessment = world.tests[fields[0]]
    candidate = SimulatedExpert(0.97, Random(f"test:{name}"))  # noqa: S311 a reproducible demo
    take_test(expert=expert, assessment=assessment, person=candidate, at=at)
    application = ask_for_domain(expert=expert, domain=assessment.skill.domain, at=at)
    reason = Reason(
        code="credential_insufficient",
        message=story.REFUSAL,
        evidence=[{"credential": str(paper.pk)}],
    )
    propose_decision(
        application=application, outcome="declined", by=world.staff.vetting, reason=reason, at=at
    )
    confirm_decision(application=application, by=world.staff.second_vetting, at=at)


def leave_a_case(world: World, at: datetime) -> None:
    """Somebody whose degree nobody has looked at yet, so that vetting has something to decide."""
    name, country, zone, fields, _ = story.WAITING
    newcomer = Newcomer(_address(name), name, country, zone, ("en",))
    expert = join(newcomer, password=story.PASSWORD, texts=world.texts, at=at)
    show_degree(expert=expert, title="Doctor of Medicine", issuer="University of Westmark", at=at)
    assessment = world.tests[fields[0]]
    candidate = SimulatedExpert(0.97, Random(f"test:{name}"))  # noqa: S311 a reproducible demo
    take_test(expert=expert, assessment=assessment, person=candidate, at=at)
    ask_for_domain(expert=expert, domain=assessment.skill.domain, at=at)


def _address(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@{story.HOST}"


def fund_labs(world: World, at: datetime) -> None:
    """Each outside lab pays in what its projects will need, by card, on the sandbox's page."""
    for lab, place in world.places.items():
        if lab == story.OWN_LAB:
            continue
        needed = sum(cost_of(work) for work in (*story.WORKS, story.LIVE) if work.lab == lab)
        amount = Money(needed * 2, CURRENCY)
        pay_in(organization=place.organization, amount=amount, by=place.owner, at=at)


def cost_of(work: story.Work) -> int:
    """What a project's seats and their fees cost, with room for extra answers, in minor units."""
    price = Money(work.price_minor, CURRENCY)
    return (price + fee_on(price, basis_points=1500)).minor * work.tasks * ANSWERS * 14 // 10


def start_project(world: World, work: story.Work, at: datetime) -> Batch:
    """A project with guidelines, terms, money and an open batch."""
    place, skill = world.places[work.lab], world.tests[work.field].skill
    project = prepare_project(place, work, skill, at)
    by, price = place.owner, Money(work.price_minor, CURRENCY)
    batch = create_batch(project=project, name="Batch 1", price=price, by=by, at=at)
    add_tasks(batch=batch, rows=rows_of(world, work, work.tasks, seed=1), by=by, at=at)
    batch.refresh_from_db()
    open_batch(batch=batch, by=by, at=at)
    world.batches.append(batch)
    return batch


def prepare_project(place: Place, work: story.Work, skill: Skill, at: datetime) -> Project:
    """An active project with guidelines, terms and a budget."""
    by = place.owner
    project = create_project(
        organization=place.organization,
        title=work.title,
        format=work.format,
        summary=work.summary,
        by=by,
        at=at,
        currency=CURRENCY,
        answers_per_task=ANSWERS,
    )
    publish_guideline(project=project, body=story.GUIDELINE, by=by, at=at)
    publish_terms(
        project=project,
        body=story.TERMS,
        purposes=["training", "evaluation"],
        licence="assigned to the client",
        by=by,
        at=at,
    )
    require_skill(project=project, skill=skill, by=by, at=at)
    plan_quality(project=project, answers_per_task=ANSWERS, review_days=4, by=by, at=at)
    allocate(
        organization=place.organization,
        subject_id=project.pk,
        amount=Money(cost_of(work) * 3 // 2, CURRENCY),
        by=by.pk,
        key=f"demo:{project.pk}",
        at=at,
    )
    pilot_project(project=project, by=by, at=at)
    project.refresh_from_db()
    activate_project(project=project, by=by, at=at)
    project.refresh_from_db()
    return project


def rows_of(world: World, work: story.Work, count: int, *, seed: int) -> list[NewTask]:
    """New tasks of a project's kind, one in eight with its known answer."""
    rows = []
    if work.format == "classification":
        for n, ticket in enumerate(content.tickets(count=count, seed=seed)):
            payload: JsonValue = {"text": ticket.text, "labels": [*content.TICKET_LABELS]}
            gold: JsonValue = {"label": ticket.truth} if n % 8 == 3 else None
            rows.append(NewTask(payload, key=f"{work.title}:{seed}:{n}", gold=gold))
            world.truths[rows[-1].key] = ticket.truth
        return rows
    for n, pair in enumerate(content.pairs(work.field, count=count, seed=seed)):
        payload = {
            "prompt": pair.prompt,
            "response_a": pair.response_a,
            "response_b": pair.response_b,
        }
        side = -2 if pair.truth == "a" else 2
        reason = "The other answer is wrong in the point that decides the question."
        gold = {"overall": side, "rationale": reason} if n % 8 == 3 else None
        rows.append(NewTask(payload, key=f"{work.title}:{seed}:{n}", gold=gold))
        world.truths[rows[-1].key] = pair.truth
    return rows
