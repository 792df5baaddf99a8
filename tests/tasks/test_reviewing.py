"""Verdicts: by a person with reasons, or by silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from marketplace.events.models import Event
from marketplace.people.models import DecisionRecord
from payouts.models import Earning
from payouts.selectors.budgets import project_budget
from payouts.selectors.earnings import expert_balance
from tasks.models import Assignment, Batch, Review, Task
from tasks.services import batches, closing, reviewing
from tasks.services.reviewing import NothingToReview, OwnWork, ReasonMissing, ScoreOutOfRange
from tests import make
from tests.make import NOON, REASON
from vetting.models import QualityEvent

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)
WHY = {"category": "low_effort", "guideline_ref": "2. Judge what is said", "message": REASON}


def reject(assignment: Assignment, **why: Any) -> Review:  # Any: keywords of the verb
    by = assignment.batch.created_by
    return reviewing.reject(assignment=assignment, by=by, at=NOON, **{**WHY, **why})


def test_approving_earns_the_price_once() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    assignment = make.submitted(batch)

    review = reviewing.approve(assignment=assignment, by=batch.created_by, at=NOON)

    assert review.verdict == "approve"
    earning = Earning.objects.get()
    assert earning.key == f"assignment:{assignment.pk}"
    assert (earning.pay_minor, earning.fee_minor) == (100, 15)
    assert earning.available_at == NOON + timedelta(hours=72)
    assert expert_balance(assignment.expert, "USD").pending == make.usd(100)
    assignment.refresh_from_db()
    assert (assignment.state, assignment.pay_minor) == ("approved", 100)
    task = Task.objects.get()
    assert (task.state, task.retired_because) == ("completed", "enough_answers")


def test_a_score_is_evidence_about_the_skill_and_never_about_the_pay() -> None:
    skill = make.skill()
    batch = make.open_batch(of=make.project(needs=skill), tasks=1, answers=1)
    ada = make.expert()
    make.qualify(ada, skill)
    make.join(ada, batch.project)
    assignment = make.submitted(batch, by=ada)

    reviewing.approve(assignment=assignment, by=batch.created_by, score=2, at=NOON)

    event = QualityEvent.objects.get(source="review")
    assert (event.expert, event.skill, event.credit) == (ada, skill, 0.25)
    assert Earning.objects.get().pay_minor == 100


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_goes_from_1_to_5(score: int) -> None:
    batch = make.open_batch(tasks=1, answers=1)
    assignment = make.submitted(batch)

    with pytest.raises(ScoreOutOfRange, match="1 to 5"):
        reviewing.approve(assignment=assignment, by=batch.created_by, score=score, at=NOON)

    assert not Review.objects.exists()


def test_a_verdict_is_given_once() -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch)
    reviewing.approve(assignment=assignment, by=batch.created_by, at=NOON)

    with pytest.raises(NothingToReview, match="approved") as refused:
        reject(assignment)

    assert refused.value.data["allowed"] == []


def test_nobody_judges_their_own_work_in_whatever_role() -> None:
    client = make.organization()
    project = make.project(client=client)
    batch = make.open_batch(of=project)
    ada = make.joined_expert(project)
    assignment = make.submitted(batch, by=ada)

    with pytest.raises(OwnWork):
        reviewing.approve(assignment=assignment, by=ada.user, at=NOON)


def test_the_database_refuses_a_review_by_its_author() -> None:
    assignment = make.submitted(make.open_batch())
    author = assignment.expert.user

    with pytest.raises(IntegrityError, match="reviewer_is_not_the_author"), transaction.atomic():
        Review.objects.create(
            submission=assignment.submissions.get(),
            reviewer=author,
            author=author,
            verdict="approve",
            reviewed_at=NOON,
        )


def test_a_part_is_paid_with_a_reason_and_can_be_disputed() -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch)

    reviewing.approve_partly(assignment=assignment, by=batch.created_by, percent=40, at=NOON, **WHY)

    earning = Earning.objects.get()
    assert (earning.pay_minor, earning.fee_minor) == (40, 6)
    assignment.refresh_from_db()
    assert assignment.state == "partially_approved"
    assert assignment.dispute_until == NOON + timedelta(days=14)
    assert DecisionRecord.objects.get().adverse


@pytest.mark.parametrize("percent", [0, 100, -5])
def test_a_part_is_more_than_nothing_and_less_than_all(percent: int) -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch)

    with pytest.raises(ReasonMissing, match="1 to 99"):
        reviewing.approve_partly(
            assignment=assignment, by=batch.created_by, percent=percent, at=NOON, **WHY
        )


def test_a_rejection_pays_nothing_and_says_who_why_and_until_when_to_dispute() -> None:
    assignment = make.submitted(make.open_batch())

    review = reject(assignment)

    assert review.decision is not None
    assert review.decision.reason_code == "low_effort"
    assert review.decision.guideline_ref == "2. Judge what is said"
    assert review.decision.appeal_until == NOON + timedelta(days=14)
    assert not Earning.objects.exists()
    assignment.refresh_from_db()
    assert (assignment.state, assignment.dispute_until) == ("rejected", NOON + timedelta(days=14))


@pytest.mark.parametrize(
    ("field", "value"),
    [("category", "ugly"), ("guideline_ref", " "), ("message", "Too short, and padded" + " " * 90)],
)
def test_a_rejection_without_a_full_reason_is_refused(field: str, value: str) -> None:
    assignment = make.submitted(make.open_batch())

    with pytest.raises(ReasonMissing) as refused:
        reject(assignment, **{field: value})

    assert [error["field"] for error in refused.value.data["errors"]] == [field]
    assert not DecisionRecord.objects.exists()


def test_the_database_refuses_a_rejection_with_a_short_message() -> None:
    assignment = make.submitted(make.open_batch())
    decision = reject(assignment).decision

    with (
        pytest.raises(IntegrityError, match="rejection_has_category_guideline_and_reason"),
        transaction.atomic(),
    ):
        Review.objects.create(
            submission=assignment.submissions.get(),
            reviewer=make.user(),
            author=assignment.expert.user,
            verdict="reject",
            category="low_effort",
            guideline_ref="2",
            message="No.",
            decision=decision,
            reviewed_at=NOON,
        )


def test_a_rejection_counts_against_the_skill_and_an_approval_counts_nothing() -> None:
    skill = make.skill()
    batch = make.open_batch(of=make.project(needs=skill))
    ada, bob = make.expert(), make.expert("Bob Expert")
    for who in (ada, bob):
        make.qualify(who, skill)
        make.join(who, batch.project)
    good, bad = make.submitted(batch, by=ada), make.submitted(batch, by=bob)

    reviewing.approve(assignment=good, by=batch.created_by, at=NOON)
    reject(bad)

    (event,) = QualityEvent.objects.all()
    assert (event.expert_id, event.source, event.credit) == (bob.pk, "verdict", 0.0)


def test_a_rejected_seat_opens_for_somebody_else_where_the_pool_covers_it() -> None:
    batch = make.open_batch(tasks=3, answers=1)  # 345 reserved and a pool of 138
    first = make.submitted(batch)

    reject(first)
    again = [make.claimed(batch) for _ in range(3)]

    assert first.task_id in {assignment.task_id for assignment in again}
    budget = project_budget(batch.project_id, "USD")
    assert (budget.reserved, budget.pool) == (make.usd(460), make.usd(23))


def test_a_rejected_seat_stays_closed_where_the_pool_is_too_small() -> None:
    batch = make.open_batch(tasks=1, answers=1)  # 115 reserved and a pool of 46
    first = make.submitted(batch)

    reject(first)

    task = Task.objects.get()
    assert (task.is_open, task.taken, task.state) == (False, 1, "cancelled")


def test_changes_are_asked_for_and_the_next_revision_is_judged() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    assignment = make.submitted(batch)
    by = batch.created_by
    reviewing.ask_changes(assignment=assignment, by=by, message="Say why.", at=NOON)

    make.submit(assignment, overall=3, revision=2)
    reviewing.approve(assignment=assignment, by=by, at=NOON)

    assert list(Review.objects.order_by("pk").values_list("verdict", "submission__revision")) == [
        ("ask_changes", 1),
        ("approve", 2),
    ]
    assert Earning.objects.count() == 1


def test_asking_for_changes_needs_words() -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch)

    with pytest.raises(ReasonMissing):
        reviewing.ask_changes(assignment=assignment, by=batch.created_by, message=" ", at=NOON)


def test_overdue_changes_go_back_to_the_reviewer() -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch)
    reviewing.ask_changes(assignment=assignment, by=batch.created_by, message="Why?", at=NOON)
    due = NOON + timedelta(days=3)

    moved = [reviewing.approve_overdue(at=at) for at in (due - timedelta(seconds=1), due)]

    assert moved == [0, 1]
    assignment.refresh_from_db()
    assert (assignment.state, assignment.review_until) == ("awaiting_review", due + WEEK)


def test_silence_approves_after_the_review_window() -> None:
    batch = make.open_batch()
    assignment = make.submitted(batch)

    moved = [
        reviewing.approve_overdue(at=at)
        for at in (NOON + WEEK - timedelta(seconds=1), NOON + WEEK, NOON + WEEK)
    ]

    assert moved == [0, 1, 0]
    assignment.refresh_from_db()
    assert (assignment.state, assignment.decided_by_rule) == ("approved", True)
    assert not Review.objects.exists()
    event = Event.objects.get(kind="assignment.approved")
    assert (event.actor, event.data["by_silence"]) == (None, True)
    assert Earning.objects.count() == 1


def test_an_employee_earns_through_payroll_and_a_volunteer_nothing() -> None:
    batch = make.open_batch(tasks=2, answers=1)
    employee, volunteer = make.employee(batch.project.organization), make.volunteer()
    for who in (employee, volunteer):
        make.join(who, batch.project)
        done = make.submitted(batch, by=who)
        reviewing.approve(assignment=done, by=batch.created_by, at=NOON)

    earnings = Earning.objects.values_list("expert_id", "pay_channel", "pay_minor")

    assert list(earnings) == [(employee.pk, "payroll", 100)]


def test_the_price_of_an_assignment_never_changes() -> None:
    batch = make.open_batch(tasks=2, answers=1)
    assignment = make.submitted(batch)
    Batch.objects.filter(pk=batch.pk).update(price_minor=1)

    reviewing.approve(assignment=assignment, by=batch.created_by, at=NOON)

    assert Earning.objects.get().pay_minor == 100


@pytest.mark.parametrize(("answers", "end"), [(1, "cancelled"), (2, "completed")])
def test_a_task_whose_rejected_answer_the_pool_cannot_replace_ends(answers: int, end: str) -> None:
    batch = make.ready_batch(tasks=1, answers=answers)
    Batch.objects.update(pool_percent=0)
    batches.open_batch(batch=batch, by=batch.created_by, at=NOON)
    sent = [make.submitted(batch) for _ in range(answers)]
    for assignment in sent[1:]:
        reviewing.approve(assignment=assignment, by=batch.created_by, at=NOON)

    reject(sent[0])

    task = Task.objects.get()
    assert (task.state, task.retired_because) == (end, "cancelled")
    assert closing.close_finished_batches(at=NOON) == 1
