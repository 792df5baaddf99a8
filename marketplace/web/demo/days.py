"""A day in the demo: experts work, reviewers decide, finance pays. One clock, no shortcuts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from marketplace.formats import registry
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.people.models import Expert
from marketplace.web.demo import story
from marketplace.web.demo.opening import World
from marketplace.web.simulation.answers import SimulatedExpert
from marketplace.web.simulation.money import collecting_run
from payouts.models import Payout, PayoutRun
from payouts.services.holding import hold_payout
from payouts.services.running_payouts import approve_run, close_run
from tasks.models import Assignment
from tasks.policy import kept_answer
from tasks.services.claiming import claim_next, expire_leases, return_assignment
from tasks.services.reviewing import approve, approve_partly, ask_changes, reject
from tasks.services.submitting import Envelope, submit

SHARE_WORKING = 0.72
SHARE_LEFT_TO_SILENCE = 0.06


def work_a_day(world: World, *, day: datetime, quota: int, draw: Random) -> int:
    """Experts claim and answer up to `quota` tasks together; how many answers were sent."""
    sent, minute = 0, 0
    for expert, person in _shift(world, draw):
        for _ in range(draw.randint(2, 6)):
            if sent >= quota:
                return sent
            minute += 1
            sent += _do_one(world, expert, person, day + timedelta(minutes=minute), draw)
    return sent


def _shift(world: World, draw: Random) -> Iterator[tuple[Expert, SimulatedExpert]]:
    people = list(world.people.items())
    working = [pair for pair in people if draw.random() < SHARE_WORKING]
    draw.shuffle(working)
    yield from working


def _do_one(
    world: World, expert: Expert, person: SimulatedExpert, at: datetime, draw: Random
) -> int:
    """Claim one task; answer it, give it back, or let the time run out."""
    assignment = claim_next(expert=expert, at=at)
    if assignment is None:
        return 0
    luck = draw.random()
    if luck < 0.015:
        return_assignment(assignment=assignment, at=at, reason="outside_my_field")
        return 0
    if luck < 0.025:
        assert assignment.lease_until is not None  # it was claimed a moment ago
        expire_leases(at=assignment.lease_until + timedelta(seconds=1))
        return 0
    answer(world, assignment, person, at + timedelta(seconds=draw.randint(70, 420)))
    return 1


def answer(
    world: World, assignment: Assignment, person: SimulatedExpert, at: datetime, revision: int = 1
) -> None:
    """Submit what this person thinks of the task."""
    truth = world.truths[assignment.task.row_key]
    if assignment.project.format == "classification":
        kept = person.classify(truth, assignment.task.payload["labels"])
    else:
        kept = person.prefer(1 if truth == "a" else -1)
    form = registry.get(assignment.project.format)
    shown = kept_answer(form, answer=kept, seed=assignment.seed)
    spent = int((at - assignment.claimed_at).total_seconds())
    envelope = Envelope(revision=revision, active_seconds=spent, confidence=4)
    submit(assignment=assignment, answer=shown, envelope=envelope, at=at)


def review_a_day(world: World, *, at: datetime) -> None:
    """Reviewers decide what waits; a little is left to silence, which approves it days later."""
    waiting = Assignment.objects.filter(state="awaiting_review", revision=1)
    rows = waiting.select_related("project__organization", "expert", "task").order_by("pk")
    for n, assignment in enumerate(rows):
        reviewer = world.places[assignment.project.organization.slug].reviewer
        luck = Random(f"{assignment.task.row_key}:{assignment.expert.display_name}").random()  # noqa: S311 a reproducible demo
        when = at + timedelta(seconds=10 * n)
        if luck < SHARE_LEFT_TO_SILENCE:
            continue
        if luck < 0.075:
            reject(
                assignment=assignment,
                by=reviewer,
                category="failed_instructions",
                guideline_ref="2.1",
                message=story.REJECTION,
                at=when,
            )
        elif luck < 0.085:
            approve_partly(
                assignment=assignment,
                by=reviewer,
                percent=60,
                category="low_effort",
                guideline_ref="2.1",
                message=story.REJECTION,
                at=when,
            )
        elif luck < 0.10:
            ask_changes(assignment=assignment, by=reviewer, message=story.CHANGES, at=when)
        else:
            approve(assignment=assignment, by=reviewer, at=when)


def send_again(world: World, *, at: datetime) -> None:
    """Experts answer what was asked of them; the reviewer accepts the second revision."""
    asked = Assignment.objects.filter(state="changes_requested", changes_due_at__gt=at)
    for assignment in asked.select_related("project", "task", "expert").order_by("pk"):
        answer(world, assignment, world.people[assignment.expert], at, revision=2)
    second = Assignment.objects.filter(state="awaiting_review", revision=2)
    rows = second.select_related("project__organization").order_by("pk")
    for assignment in rows:
        reviewer = world.places[assignment.project.organization.slug].reviewer
        approve(assignment=assignment, by=reviewer, at=at + timedelta(hours=1))


def pay_out(world: World, *, at: datetime, holding: int = 0) -> PayoutRun:
    """One payout run; the first `holding` payouts are kept back for a second look."""
    run = collecting_run(currency="USD", by=world.staff.finance, at=at)
    run_due_jobs()
    run.refresh_from_db()
    close_run(run=run, by=world.staff.finance, at=at)
    for payout in Payout.objects.filter(run=run).order_by("amount_minor", "pk")[:holding]:
        why = "Bank details changed yesterday; finance calls back first."
        hold_payout(payout=payout, why=why, by=world.staff.finance.pk, at=at)
    approve_run(run=run, by=world.staff.second_finance, at=at)
    run_due_jobs()
    run.refresh_from_db()
    return run


def settle_day(*, at: datetime) -> None:
    """Run everything that is due at the end of the day."""
    with clock.at(at):
        run_due_jobs()
