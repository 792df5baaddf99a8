"""Seats, leases and verdicts under contention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Event

import pytest
from django.db import transaction

from marketplace.people.models import Expert
from payouts.models import Earning
from tasks.models import Assignment, Batch, Submission, Task
from tasks.services import batches, claiming, projects, reviewing
from tasks.services.claiming import LeaseOver
from tests import make
from tests.make import NOON
from tests.races.crowd import together, wait_until_somebody_waits

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def pause(batch: Batch) -> object:
    return batches.pause_batch(batch=batch, by=batch.created_by, at=NOON)


def close(batch: Batch) -> object:
    return batches.close_batch(batch=batch, reason="budget", by=batch.created_by, at=NOON)


def _claim_all(expert: Expert) -> int:
    """Claim and submit until there is nothing; how many seats."""
    seats = 0
    while assignment := claiming.claim_next(expert=expert, at=NOON):
        make.submit(assignment)
        seats += 1
    return seats


def test_32_experts_200_seats_give_200_assignments() -> None:
    batch = make.open_batch(tasks=50, answers=4)
    experts = [make.joined_expert(batch.project) for _ in range(32)]

    seats = together([partial(_claim_all, expert) for expert in experts])

    assert [seat for seat in seats if isinstance(seat, Exception)] == []
    assert sum(seats) == 200
    assert Assignment.objects.count() == 200
    assert set(Task.objects.values_list("taken", "is_open")) == {(4, False)}


def test_the_last_seat_goes_to_one() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    experts = [make.joined_expert(batch.project) for _ in range(8)]

    found = together([partial(claiming.claim_next, expert=expert, at=NOON) for expert in experts])

    assert [isinstance(each, Assignment) for each in found].count(True) == 1
    assert found.count(None) == 7


def test_as_many_experts_as_seats_all_get_one() -> None:
    batch = make.open_batch(tasks=2, answers=8)
    experts = [make.joined_expert(batch.project) for _ in range(16)]

    found = together([partial(claiming.claim_next, expert=expert, at=NOON) for expert in experts])

    assert Counter(type(each).__name__ for each in found) == {"Assignment": 16}


def test_one_expert_in_many_tabs_holds_each_task_once() -> None:
    batch = make.open_batch(tasks=5, answers=3)
    expert = make.joined_expert(batch.project)

    found = together([lambda: claiming.claim_next(expert=expert, at=NOON) for _ in range(8)])

    held = [each.task_id for each in found if isinstance(each, Assignment)]
    assert len(held) == len(set(held)) == 3
    assert found.count(None) == 5


def test_a_submission_at_the_end_of_its_lease_wins_or_loses_alone() -> None:
    batch = make.open_batch(tasks=6, answers=1)
    held = [make.claimed(batch) for _ in range(6)]
    end = NOON + timedelta(seconds=900)

    ended = together(
        [
            *[partial(make.submit, assignment, at=end) for assignment in held],
            *[lambda: claiming.expire_leases(at=end) for _ in range(2)],
        ]
    )

    sent = [each for each in ended[:6] if isinstance(each, Submission)]
    late = [each for each in ended[:6] if isinstance(each, LeaseOver)]
    assert len(sent) + len(late) == 6
    assert ended[6] + ended[7] == len(late)
    states = Counter(Assignment.objects.values_list("state", flat=True))
    assert states == Counter({"awaiting_review": len(sent), "expired": len(late)})
    assert Task.objects.filter(is_open=True).count() == len(late)


def test_submitting_twice_at_once_gives_one_submission() -> None:
    assignment = make.claimed(make.open_batch())

    sent = together([lambda: make.submit(assignment) for _ in range(6)])

    assert len({each.pk for each in sent if isinstance(each, Submission)}) == 1
    assert Submission.objects.count() == 1


def test_approving_against_cancelling_pays_each_answer_once() -> None:
    batch = make.open_batch(tasks=4, answers=2)
    by = batch.created_by
    waiting = [make.submitted(batch) for _ in range(4)]
    running = [make.claimed(batch) for _ in range(3)]

    ended = together(
        [
            *[
                partial(reviewing.approve, assignment=assignment, by=by, at=NOON)
                for assignment in waiting
            ],
            lambda: batches.cancel_batch(batch=batch, by=by, at=NOON),
        ]
    )

    assert [each for each in ended if isinstance(each, Exception)] == []
    states = Counter(Assignment.objects.values_list("state", flat=True))
    assert states == Counter({"approved": 4, "cancelled_paid": len(running)})
    paid = Counter(Earning.objects.values_list("pay_minor", flat=True))
    assert paid == Counter({100: 4, 50: 3})
    assert not Task.objects.filter(state__in=["pending", "available", "in_review"]).exists()


@pytest.mark.parametrize("stop", [pause, close])
def test_a_seat_given_back_while_its_batch_stops_is_not_offered(
    stop: Callable[[Batch], object],
) -> None:
    batch = make.open_batch(tasks=1, answers=1)
    held = make.claimed(batch)
    is_given_back = Event()

    def give_back() -> None:
        with transaction.atomic():
            claiming.return_assignment(assignment=held, at=NOON)
            is_given_back.set()
            wait_until_somebody_waits()

    def stop_then() -> object:
        is_given_back.wait()
        return stop(batch)

    ended = together([give_back, stop_then])

    assert [each for each in ended if isinstance(each, Exception)] == []
    assert Task.objects.get().is_open is False


def test_two_reviewers_at_once_give_one_verdict() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    assignment = make.submitted(batch)
    people = [make.user(f"Reviewer {n}") for n in range(4)]

    ended = together(
        [partial(reviewing.approve, assignment=assignment, by=person, at=NOON) for person in people]
    )

    refused = [each for each in ended if isinstance(each, reviewing.NothingToReview)]
    assert len(refused) == 3
    assert Earning.objects.count() == 1


@pytest.mark.parametrize("verb", [batches.open_batch, batches.resume_batch])
def test_a_batch_does_not_start_while_its_project_is_being_paused(
    verb: Callable[..., Batch],
) -> None:
    batch = make.ready_batch(tasks=1)
    by = batch.created_by
    if verb is batches.resume_batch:
        batches.open_batch(batch=batch, by=by, at=NOON)
        pause(batch)
    is_paused = Event()

    def pause_project() -> None:
        with transaction.atomic():
            projects.pause_project(project=batch.project, by=by, at=NOON)
            is_paused.set()
            wait_until_somebody_waits()

    def start() -> object:
        is_paused.wait()
        return verb(batch=batch, by=by, at=NOON)

    ended = together([pause_project, start])

    assert isinstance(ended[1], batches.NotRunning)
    assert not Batch.objects.filter(state="open").exists()
