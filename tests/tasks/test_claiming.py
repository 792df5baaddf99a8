"""Claim, keep, extend, return, expire."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from marketplace.events.models import Event
from marketplace.people.services.joining import take_break
from payouts.models import Posting
from tasks.models import Assignment, Draft, RouteCursor, Task
from tasks.policy import MOST_ACTIVE
from tasks.services import batches, claiming, drafting, projects, reclaiming
from tasks.services.claiming import LeaseOver, NoMoreExtensions
from tasks.services.reclaiming import NotOffered, SeatTaken, TooManyActive
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def test_a_claim_holds_a_seat_under_the_price_and_texts_of_now() -> None:
    batch = make.open_batch(tasks=1, answers=2)
    project = batch.project

    assignment = make.claimed(batch)

    assert assignment.state == "active"
    assert assignment.lease_until == NOON + timedelta(seconds=900)
    assert (assignment.price_minor, assignment.fee_minor) == (100, 15)
    assert assignment.guideline_id == project.current_guideline_id
    assert assignment.engagement.terms_id == project.current_terms_id
    task = Task.objects.get()
    assert (task.taken, task.is_open, task.state) == (1, True, "available")


def test_a_claim_writes_one_event_and_no_ledger_row() -> None:
    batch = make.open_batch()
    expert = make.joined_expert(batch.project)
    postings = Posting.objects.count()

    assignment = make.claimed(batch, by=expert)

    (event,) = Event.objects.filter(object_id=assignment.pk)
    assert event.kind == "assignment.claimed"
    assert event.actor == expert.user_id
    assert event.expert == expert.pk
    assert event.organization == batch.project.organization_id
    assert event.data == {"task": str(assignment.task_id), "batch": str(batch.pk)}
    assert Posting.objects.count() == postings


def test_the_last_seat_closes_the_task() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    make.claimed(batch)

    late = claiming.claim_next(expert=make.joined_expert(batch.project), at=NOON)

    assert late is None
    assert Task.objects.get().is_open is False


def test_an_expert_never_gets_the_same_task_twice() -> None:
    batch = make.open_batch(tasks=2, answers=3)
    expert = make.joined_expert(batch.project)

    first = make.claimed(batch, by=expert)
    second = make.claimed(batch, by=expert)
    third = claiming.claim_next(expert=expert, at=NOON)

    assert first.task_id != second.task_id
    assert third is None


def test_higher_priority_goes_first_then_the_older_task() -> None:
    batch = make.ready_batch(tasks=2, answers=1)
    urgent = batches.NewTask(make.pair(9), key="urgent", priority=5)
    batches.add_tasks(batch=batch, rows=[urgent], by=batch.created_by, at=NOON)
    batches.open_batch(batch=batch, by=batch.created_by, at=NOON)
    expert = make.joined_expert(batch.project)

    keys = [make.claimed(batch, by=expert).task.row_key for _ in range(3)]

    assert keys == ["urgent", "row-1", "row-2"]


def test_a_batch_opened_later_with_higher_priority_is_not_missed_by_a_cursor() -> None:
    project = make.project()
    expert = make.joined_expert(project)
    make.claimed(make.open_batch(of=project, tasks=3, answers=1), by=expert)
    second = make.ready_batch(of=project, tasks=1, answers=1)
    second.tasks.update(priority=9)
    batches.open_batch(batch=second, by=second.created_by, at=NOON)

    found = claiming.claim_next(expert=expert, at=NOON)

    assert found is not None
    assert found.batch_id == second.pk


def test_a_seat_given_back_behind_the_cursor_is_found() -> None:
    batch = make.open_batch(tasks=2, answers=1)
    returning, staying = (make.joined_expert(batch.project) for _ in range(2))
    held = make.claimed(batch, by=returning)
    make.claimed(batch, by=staying)
    assert claiming.claim_next(expert=staying, at=NOON) is None

    claiming.return_assignment(assignment=held, at=NOON)
    found = claiming.claim_next(expert=staying, at=NOON)

    assert found is not None
    assert found.task_id == held.task_id


def test_the_cursor_stands_at_the_last_own_task() -> None:
    batch = make.open_batch(tasks=3, answers=2)
    expert = make.joined_expert(batch.project)

    make.claimed(batch, by=expert)
    last = make.claimed(batch, by=expert)

    assert RouteCursor.objects.get(expert=expert).task_id == last.task_id


def test_who_has_not_joined_or_paused_gets_nothing() -> None:
    batch = make.open_batch()
    stranger, paused = make.expert(), make.joined_expert(batch.project)
    paused.paused_at = NOON

    found = [claiming.claim_next(expert=who, at=NOON) for who in (stranger, paused)]

    assert found == [None, None]


def test_the_project_can_be_chosen() -> None:
    first, second = make.open_batch(), make.open_batch()
    expert = make.joined_expert(first.project)
    make.join(expert, second.project)

    found = claiming.claim_next(expert=expert, project=second.project, at=NOON)

    assert found is not None
    assert found.project_id == second.project_id


def test_extending_begins_the_lease_anew_twenty_times() -> None:
    assignment = make.claimed(make.open_batch())
    later = NOON + timedelta(minutes=10)

    for _ in range(20):
        assignment = claiming.extend_lease(assignment=assignment, at=later)

    assert assignment.lease_until == later + timedelta(seconds=900)
    with pytest.raises(NoMoreExtensions):
        claiming.extend_lease(assignment=assignment, at=later)


def test_a_beat_counts_no_more_than_the_time_since_the_last_one() -> None:
    assignment = make.claimed(make.open_batch())

    assignment = claiming.beat(
        assignment=assignment, active_seconds=500, at=NOON + timedelta(seconds=30)
    )
    assignment = claiming.beat(
        assignment=assignment, active_seconds=20, at=NOON + timedelta(seconds=60)
    )

    assert assignment.active_seconds == 50


def test_a_beat_extends_only_an_active_expert_with_under_ten_minutes_left() -> None:
    assignment = make.claimed(make.open_batch())
    early, late = NOON + timedelta(minutes=4), NOON + timedelta(minutes=6)
    until = []

    for active, at in ((10, early), (0, late), (10, late)):
        assignment = claiming.beat(assignment=assignment, active_seconds=active, at=at)
        until.append(assignment.lease_until)

    first = NOON + timedelta(minutes=15)
    assert until == [first, first, late + timedelta(minutes=15)]


def test_returning_frees_the_seat_and_ends_the_hold() -> None:
    assignment = make.claimed(make.open_batch(tasks=1, answers=1))

    returned = claiming.return_assignment(assignment=assignment, at=NOON, reason="too_long")

    assert returned.state == "returned"
    assert Task.objects.get().is_open is True
    with pytest.raises(LeaseOver, match="You returned this task"):
        claiming.extend_lease(assignment=assignment, at=NOON)


def test_a_lease_that_ran_out_gives_the_seat_back_and_keeps_the_draft() -> None:
    assignment = make.claimed(make.open_batch(tasks=1, answers=1))
    drafting.save_draft(assignment=assignment, answer={"rationale": "half a"}, based_on=0, at=NOON)
    end = NOON + timedelta(seconds=900)

    before = claiming.expire_leases(at=end - timedelta(seconds=1))
    after = claiming.expire_leases(at=end)

    assert (before, after) == (0, 1)
    assert Assignment.objects.get().state == "expired"
    assert Task.objects.get().is_open is True
    assert Draft.objects.get().answer == {"rationale": "half a"}


def test_an_expired_task_can_be_taken_up_again_while_its_seat_is_free() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    assignment = make.claimed(batch)
    later = NOON + timedelta(hours=1)
    claiming.expire_leases(at=later)

    again = reclaiming.claim_again(assignment=assignment, at=later)

    assert (again.state, again.lease_until) == ("active", later + timedelta(seconds=900))
    claiming.expire_leases(at=later + timedelta(hours=1))
    make.claimed(batch)
    with pytest.raises(SeatTaken):
        reclaiming.claim_again(assignment=assignment, at=later)


def test_an_expert_holds_three_tasks_at_once_and_a_submission_frees_a_hand() -> None:
    batch = make.open_batch(tasks=5, answers=1)
    expert = make.joined_expert(batch.project)
    held = [make.claimed(batch, by=expert) for _ in range(MOST_ACTIVE)]

    full = claiming.claim_next(expert=expert, at=NOON)
    make.submit(held[0])
    freed = claiming.claim_next(expert=expert, at=NOON)

    assert (len(held), full) == (3, None)
    assert freed is not None


def test_who_holds_three_tasks_takes_no_fourth_up_again() -> None:
    batch = make.open_batch(tasks=4, answers=1)
    expert = make.joined_expert(batch.project)
    expired = make.claimed(batch, by=expert)
    later = NOON + timedelta(hours=1)
    claiming.expire_leases(at=later)
    for _ in range(3):
        make.claimed(batch, by=expert, at=later)

    with pytest.raises(TooManyActive, match="You work on 3 tasks already"):
        reclaiming.claim_again(assignment=expired, at=later)

    assert Assignment.objects.get(pk=expired.pk).state == "expired"


def test_taking_up_again_needs_the_qualification_the_terms_and_no_break() -> None:
    skill = make.skill()
    batch = make.open_batch(of=make.project(needs=skill), answers=1)
    later = NOON + timedelta(hours=1)
    suspended, unasked, resting = (make.expert() for _ in range(3))
    held = []
    for who in (suspended, unasked, resting):
        make.qualify(who, skill)
        make.join(who, batch.project)
        held.append(make.claimed(batch, by=who))
    claiming.expire_leases(at=later)
    make.publish_terms(batch.project)
    for who in (suspended, resting):
        make.join(who, batch.project)
    make.suspend(suspended, skill)
    take_break(expert=resting, at=later)

    for assignment in held:
        with pytest.raises(NotOffered, match="not open to you now"):
            reclaiming.claim_again(assignment=assignment, at=later)

    assert set(Assignment.objects.values_list("state", flat=True)) == {"expired"}


def test_taking_up_again_is_under_the_terms_and_guidelines_of_now() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    project, by = batch.project, batch.created_by
    assignment = make.claimed(batch)
    later = NOON + timedelta(hours=1)
    claiming.expire_leases(at=later)
    guideline = projects.publish_guideline(project=project, body="Judge twice.", by=by, at=NOON)
    terms = make.publish_terms(project)
    make.join(assignment.expert, project)

    reclaiming.claim_again(assignment=assignment, at=later)

    assignment.refresh_from_db()
    assert (assignment.guideline, assignment.engagement.terms) == (guideline, terms)


def test_a_filled_batch_cuts_no_running_lease() -> None:
    batch = make.open_batch(tasks=1, answers=2)
    slow = make.claimed(batch)
    make.submitted(batch)

    kept = claiming.extend_lease(assignment=slow, at=NOON)

    assert kept.state == "active"


def test_a_claim_costs_the_same_queries_with_one_and_with_thirty_tasks(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    small, large = make.open_batch(tasks=1), make.open_batch(tasks=30)
    experts = [make.joined_expert(batch.project) for batch in (small, large)]

    for expert in experts:
        with django_assert_num_queries(4):  # savepoint, claim, read, release
            claiming.claim_next(expert=expert, at=NOON)
