"""Everybody in a journey: staff, a client, and as many qualified experts as the plan asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from marketplace.formats.source import Row
from marketplace.kit import clock
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert, User
from marketplace.people.services.joining import add_user
from marketplace.web.journey.plan import HIGHEST, LOWEST, Plan
from marketplace.web.simulation.answers import SimulatedExpert, spread
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
from vetting.models import Assessment

HOST = "journey.invalid"
TEST_ACCURACY = 0.93
_COUNTRIES = ("US", "DE", "FR", "GB", "CA", "CH")


@dataclass(frozen=True)
class Worker:
    """A qualified expert and how often they are right."""

    expert: Expert
    person: SimulatedExpert


@dataclass(frozen=True)
class Cast:
    """Who takes part."""

    staff: Staff
    owner: User
    reviewer: User
    lab: Organization
    assessment: Assessment
    workers: list[Worker]
    candidates: int


def assemble(plan: Plan) -> Cast:
    """Vet candidates one after the other until the plan's number is qualified."""
    at = clock.now()
    staff = hire_staff(password=None, host=HOST, at=at)
    owner = add_user(email=f"owner@{HOST}", name="Lab owner", password=None, at=at)
    reviewer = add_user(email=f"reviewer@{HOST}", name="Lab reviewer", password=None, at=at)
    lab = open_lab(name="Journey lab", slug="journey", owner=owner, at=at)
    texts = publish_legal_texts(by=staff.chief, at=at)
    assessment = open_domain(
        slug="general",
        name="General reasoning",
        ability=plan.format,
        bank=sums(plan.seed),
        by=staff.vetting,
        at=at,
    )
    workers: list[Worker] = []
    candidates = 0
    for accuracy in spread(plan.experts, low=LOWEST, high=HIGHEST, seed=plan.seed):
        is_admitted = False
        while not is_admitted:
            candidates += 1
            newcomer = Newcomer(
                email=f"expert{candidates}@{HOST}",
                name=f"Expert {candidates}",
                country=_COUNTRIES[candidates % len(_COUNTRIES)],
                time_zone="Europe/Berlin",
                languages=("en",),
            )
            expert = join(newcomer, password=None, texts=texts, at=clock.now())
            is_admitted = _is_admitted(expert, assessment, staff, plan.seed, candidates)
        draw = Random(f"answers:{plan.seed}:{candidates}")  # noqa: S311 a reproducible run
        workers.append(Worker(expert, SimulatedExpert(accuracy, draw)))
    return Cast(staff, owner, reviewer, lab, assessment, workers, candidates)


def _is_admitted(
    expert: Expert, assessment: Assessment, staff: Staff, seed: int, number: int
) -> bool:
    """Degree, test, application: whether it ended in a qualification."""
    draw = Random(f"test:{seed}:{number}")  # noqa: S311 a reproducible run
    degree = show_degree(
        expert=expert, title="Master of Arts", issuer="University of Nowhere", at=clock.now()
    )
    verify(degree, by=staff.vetting, at=clock.now())
    person = SimulatedExpert(TEST_ACCURACY, draw)
    take_test(expert=expert, assessment=assessment, person=person, at=clock.now())
    domain = assessment.skill.domain
    return ask_for_domain(expert=expert, domain=domain, at=clock.now()).state == "approved"


def sums(seed: int) -> Iterator[Row]:
    """A bank of sums in three difficulties, with one right and three near answers each."""
    draw = Random(f"bank:{seed}")  # noqa: S311 a reproducible run
    for number in range(1, 49):
        band = number % 3
        top = (20, 90, 400)[band]
        left, right = draw.randint(3, top), draw.randint(3, top) + number
        total = left + right
        options = [total, total + 1, total - 1, total + 10]
        draw.shuffle(options)
        yield Row(
            number,
            {
                "ref": f"sum-{number}",
                "prompt": f"What is {left} + {right}?",
                "options": [str(option) for option in options],
                "key": "ABCD"[options.index(total)],
                "band": ("easy", "middle", "hard")[band],
                "topic": "sums",
            },
        )
