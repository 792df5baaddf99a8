"""Three weeks of history, day by day, through the verbs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from django.db import transaction

from marketplace.events.models import Event
from marketplace.events.services.recording import record
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.kit.money import Money
from marketplace.people.models import Expert
from marketplace.web.demo import days, finance, opening, story
from marketplace.web.demo.opening import World
from marketplace.web.simulation.money import set_up_payouts
from tasks.models import Assignment, Batch
from tasks.services.batches import create_batch, open_batch
from tasks.services.engaging import accept_terms
from tasks.services.filling import add_tasks

Say = Callable[[str], None]
SEED = 7
ENTERING_DAYS = 3  # experts join on the first days
SEEDED = "demo.seeded"
PAYOUT_DAYS = (11, 18)


def is_seeded() -> bool:
    """Whether the demo's history is whole."""
    return Event.objects.filter(kind=SEEDED).exists()


def seed(*, now: datetime, say: Say) -> int:
    """Make the history that ends this morning; how many answers were approved."""
    first = now.replace(hour=7, minute=0, second=0, microsecond=0) - timedelta(days=story.DAYS)
    draw = Random(SEED)  # noqa: S311 a reproducible demo, not a secret
    with clock.at(first):
        world = opening.open_instance(first)
        opening.fund_labs(world, first)
        finance.open_books(world, first)
        finance.grant_budget(world, first)
        finance.pay_a_little(world, first)
        run_due_jobs()
    say("staff, four domains with tests, four labs")
    for number in range(story.DAYS):
        live_a_day(world, number, first + timedelta(days=number), draw)
        say(f"day {number + 1} of {story.DAYS}: {_approved()} answers approved")
    last = first + timedelta(days=story.DAYS - 1, hours=12)
    leave_work_open(world, last)
    with clock.at(last):
        opening.leave_a_case(world, last)
        finance.stir(world, last)
    done = first + timedelta(days=story.DAYS - 1, hours=13)
    with transaction.atomic():
        record(SEEDED, at=done, object_kind="user", object_id=world.staff.chief.pk)
    days.settle_day(at=done)
    return _approved()


def live_a_day(world: World, number: int, day: datetime, draw: Random) -> None:
    """One day from morning to evening, with every claim finished before the next."""
    with clock.at(day):
        _enter(world, number, day)
        if number < ENTERING_DAYS:
            run_due_jobs()
        if number == ENTERING_DAYS:
            _start_work(world, day)
    if number >= ENTERING_DAYS:
        morning = day + timedelta(hours=1)
        days.work_a_day(world, day=morning, quota=_quota(number), draw=draw)
        days.review_a_day(world, at=day + timedelta(hours=9))
        days.send_again(world, at=day + timedelta(hours=10))
    evening = day + timedelta(hours=12)
    days.settle_day(at=evening)
    if number in PAYOUT_DAYS:
        with clock.at(evening):
            days.pay_out(world, at=evening, holding=1 if number == PAYOUT_DAYS[-1] else 0)


def _enter(world: World, number: int, day: datetime) -> None:
    if number >= ENTERING_DAYS:
        return
    known = set(world.people)
    for place in range(number, len(story.EXPERTS), ENTERING_DAYS):
        opening.admit(world, place, day + timedelta(minutes=7 * place))
    new = [expert for expert in world.people if expert not in known]
    set_up_payouts([each for each in new if not finance.employ(each, world, day)], at=day)
    if number == ENTERING_DAYS - 1:
        opening.decline_one(world, day)


def _start_work(world: World, day: datetime) -> None:
    for work in story.WORKS:
        batch = opening.start_project(world, work, day)
        _accept(list(world.people), batch, day)
    run_due_jobs()


def _accept(experts: list[Expert], batch: Batch, at: datetime) -> None:
    """Everybody reads and accepts the terms; only who is qualified is offered the work."""
    terms = batch.project.current_terms
    assert terms is not None  # published with the project
    for expert in experts:
        accept_terms(expert=expert, project=batch.project, shown_hash=terms.content_hash, at=at)


def _quota(number: int) -> int:
    """Answers of one day: what is left, spread over the days that are left."""
    total = sum(work.tasks for work in story.WORKS) * opening.ANSWERS
    sent = Assignment.objects.filter(revision__gt=0).count()
    left = story.DAYS - 2 - number
    return max(1, -(-(total - sent) // max(1, left)))


def leave_work_open(world: World, at: datetime) -> None:
    """A second batch in every project, so that a visitor finds work to do and to review."""
    with clock.at(at):
        for work, first in zip(story.WORKS, world.batches, strict=True):
            by = world.places[work.lab].owner
            price = Money(first.price_minor, first.currency)
            batch = create_batch(project=first.project, name="Batch 2", price=price, by=by, at=at)
            add_tasks(batch=batch, rows=opening.rows_of(world, work, 18, seed=2), by=by, at=at)
            batch.refresh_from_db()
            open_batch(batch=batch, by=by, at=at)
        days.work_a_day(world, day=at, quota=24, draw=Random(SEED + 1))  # noqa: S311 a reproducible demo


def _approved() -> int:
    return Assignment.objects.filter(state__in=["approved", "partially_approved"]).count()
