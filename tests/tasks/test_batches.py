"""Batches: filled whole or not at all, opened with money, paused, closed, settled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from marketplace.formats.problems import InvalidPayload
from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.kit.money import Money
from marketplace.kit.states import IllegalTransition
from payouts.models import Earning
from payouts.selectors.budgets import project_budget
from payouts.services.ledger import InsufficientBalance
from payouts.services.rounds import post_earnings
from tasks.models import Assignment, Batch, Task
from tasks.selectors.money import kept_for
from tasks.selectors.progress import batch_progress, projects_progress
from tasks.services import batches, claiming, closing, projects, reviewing
from tasks.services.batches import (
    NewTask,
    NothingToOpen,
    NotRunning,
    PilotTooLarge,
    PriceTooLow,
)
from tasks.services.claiming import LeaseOver
from tasks.services.filling import InvalidRows
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=20)


def test_fee_and_plan_are_frozen_with_the_batch() -> None:
    batch = make.ready_batch(answers=5, price=make.usd(333))

    assert (batch.price_minor, batch.fee_minor) == (333, 50)
    assert (batch.answers_per_task, batch.review_days, batch.state) == (5, 7, "ready")


@pytest.mark.parametrize("price", [make.usd(0), make.usd(-5)])
def test_work_is_paid(price: Money) -> None:
    project = make.project()

    with pytest.raises(PriceTooLow):
        batches.create_batch(project=project, name="x", price=price, by=project.created_by, at=NOON)


def test_a_batch_pays_in_its_projects_currency_and_needs_a_project_that_runs() -> None:
    project = make.project()
    by = project.created_by

    with pytest.raises(PriceTooLow, match="pays in USD"):
        batches.create_batch(project=project, name="x", price=Money(1, "EUR"), by=by, at=NOON)
    closed = projects.close_project(project=project, by=by, at=NOON)
    with pytest.raises(NotRunning):
        batches.create_batch(project=closed, name="x", price=make.usd(1), by=by, at=NOON)


def test_one_bad_row_adds_none_and_each_is_named() -> None:
    batch = make.ready_batch(tasks=1)
    rows = [
        NewTask(make.pair(7), key="new"),
        NewTask({"prompt": "?", "response_a": "x"}, key="half"),
        NewTask(make.pair(1), key="row-1"),
        NewTask(make.pair(8), key="new"),
    ]

    with pytest.raises(InvalidRows, match="3 of 4 rows") as refused:
        batches.add_tasks(batch=batch, rows=rows, by=batch.created_by, at=NOON)

    assert refused.value.data["errors"] == [
        {"row": 2, "field": "response_b", "problem": "is missing"},
        {"row": 3, "field": "key", "problem": "“row-1” is in this batch already"},
        {"row": 4, "field": "key", "problem": "“new” is in this batch already"},
    ]
    assert Task.objects.count() == 1


def test_gold_comes_with_its_row() -> None:
    batch = make.ready_batch(of=make.project(kind="classification"), tasks=1)
    known = NewTask(make.clause(5), key="gold", gold={"label": "payment"})

    batches.add_tasks(batch=batch, rows=[known], by=batch.created_by, at=NOON)

    assert Task.objects.get(row_key="gold").gold.answer == {"label": "payment", "note": ""}
    wrong = NewTask(make.clause(6), gold={"label": "weather"})
    with pytest.raises(InvalidPayload):
        batches.add_tasks(batch=batch, rows=[wrong], by=batch.created_by, at=NOON)


def test_opening_reserves_price_fee_and_pool_of_every_seat() -> None:
    batch = make.open_batch(tasks=10, answers=3)

    budget = project_budget(batch.project_id, "USD")
    assert budget.reserved == make.usd(10 * 3 * 115)
    assert budget.pool == make.usd(10 * 3 * 115 * 40 // 100)
    assert batch.quote["base_minor"] == 3450
    assert set(Task.objects.values_list("state", "is_open", "seats")) == {("available", True, 3)}


def test_opening_without_the_money_is_refused_with_the_amounts_and_changes_nothing() -> None:
    batch = make.ready_batch(of=make.project(budget=make.usd(4829)), tasks=10, answers=3)

    with pytest.raises(InsufficientBalance) as refused:
        batches.open_batch(batch=batch, by=batch.created_by, at=NOON)

    assert "48.30 USD" in str(refused.value)
    assert "48.29 USD" in str(refused.value)
    batch.refresh_from_db()
    assert (batch.state, batch.reservation_id) == ("ready", None)
    assert not Task.objects.filter(is_open=True).exists()


def test_an_empty_batch_does_not_open() -> None:
    project = make.project()
    batch = batches.create_batch(
        project=project, name="x", price=make.usd(1), by=project.created_by, at=NOON
    )

    with pytest.raises(IllegalTransition) as refused:
        batches.open_batch(batch=batch, by=project.created_by, at=NOON)
    Batch.objects.update(state="ready")
    with pytest.raises(NothingToOpen):
        batches.open_batch(batch=batch, by=project.created_by, at=NOON)

    assert refused.value.data["allowed"] == ["closed", "importing", "ready"]


def test_a_pilot_opens_ten_tasks_at_most() -> None:
    project = make.pilot()
    small, large = (make.ready_batch(of=project, tasks=n) for n in (10, 11))

    batches.open_batch(batch=small, by=project.created_by, at=NOON)
    with pytest.raises(PilotTooLarge, match="at most 10"):
        batches.open_batch(batch=large, by=project.created_by, at=NOON)


def test_the_lease_is_three_times_the_estimate_and_a_quarter_of_an_hour_at_least() -> None:
    long = make.ready_batch(tasks=1)
    long.tasks.update(payload={**make.pair(), "response_a": "word " * 4000})

    opened = batches.open_batch(batch=long, by=long.created_by, at=NOON)

    assert make.open_batch().lease_seconds == 900
    assert opened.lease_seconds > 3000


def test_a_paused_batch_offers_nothing_and_running_work_finishes() -> None:
    batch = make.open_batch()
    running = make.claimed(batch)
    by = batch.created_by

    batches.pause_batch(batch=batch, by=by, at=NOON)

    assert claiming.claim_next(expert=make.joined_expert(batch.project), at=NOON) is None
    assert make.submit(running).revision == 1
    batches.resume_batch(batch=batch, by=by, at=NOON)
    assert make.claimed(batch).state == "active"


def test_a_seat_given_back_to_a_paused_batch_stays_closed_until_it_resumes() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    held = make.claimed(batch)
    batches.pause_batch(batch=batch, by=batch.created_by, at=NOON)

    claiming.return_assignment(assignment=held, at=NOON)

    assert Task.objects.get().is_open is False
    batches.resume_batch(batch=batch, by=batch.created_by, at=NOON)
    assert Task.objects.get().is_open is True


def test_pausing_a_project_stops_its_batches_and_activating_starts_those_again() -> None:
    project = make.project()
    by = project.created_by
    stopped, own = make.open_batch(of=project), make.open_batch(of=project)
    batches.pause_batch(batch=own, by=by, at=NOON)

    projects.pause_project(project=project, by=by, at=NOON)

    assert set(Batch.objects.values_list("paused_by", flat=True)) == {"client", "project"}
    with pytest.raises(NotRunning):
        batches.resume_batch(batch=own, by=by, at=NOON)
    projects.activate_project(project=project, by=by, at=NOON)
    assert Batch.objects.get(pk=stopped.pk).state == "open"
    assert Batch.objects.get(pk=own.pk).state == "paused"


def test_cancelling_pays_half_for_running_work_and_leaves_submitted_work_to_its_verdict() -> None:
    batch = make.open_batch(tasks=3, answers=1)
    running, waiting = make.claimed(batch), make.submitted(batch)

    batches.cancel_batch(batch=batch, by=batch.created_by, at=NOON)

    states = dict(Task.objects.values_list("row_key", "state"))
    assert states == {"row-1": "cancelled", "row-2": "in_review", "row-3": "cancelled"}
    assert Earning.objects.get().pay_minor == 50
    with pytest.raises(LeaseOver, match="cancelled the batch"):
        make.submit(running)
    reviewing.approve(assignment=waiting, by=batch.created_by, at=NOON)
    assert Task.objects.get(row_key="row-2").state == "completed"


def test_closing_gives_back_what_nobody_can_earn_any_more() -> None:
    project = make.project(budget=make.usd(10_000))
    batch = make.open_batch(of=project, tasks=10, answers=1)
    waiting = make.submitted(batch)

    batches.close_batch(batch=batch, reason="budget", by=batch.created_by, at=NOON)
    with clock.at(NOON):
        run_due_jobs(queues=["money"])

    budget = project_budget(project.pk, "USD")
    assert (budget.escrow, budget.reserved, budget.pool) == (
        make.usd(9885),
        make.usd(115),
        make.usd(0),
    )
    reviewing.approve(assignment=waiting, by=batch.created_by, at=NOON)
    post_earnings(at=NOON)
    closing.settle_closed_batches(at=NOON)
    batch.refresh_from_db()
    assert batch.settled_at == NOON
    assert project_budget(project.pk, "USD").escrow == make.usd(9885)


def test_rejected_work_keeps_its_money_until_it_can_no_longer_be_disputed() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    reviewing.reject(
        assignment=make.submitted(batch),
        by=batch.created_by,
        category="low_effort",
        guideline_ref="2",
        message=make.REASON,
        at=NOON,
    )
    batches.close_batch(batch=batch, reason="budget", by=batch.created_by, at=NOON)
    batch.refresh_from_db()

    kept = [kept_for(batch, at=at) for at in (NOON, NOON + timedelta(days=14))]

    assert kept == [make.usd(115), make.usd(0)]


def test_an_open_batch_keeps_its_free_seats_and_its_running_work() -> None:
    batch = make.open_batch(tasks=2, answers=2)
    make.claimed(batch)
    done = make.submitted(batch)
    reviewing.approve(assignment=done, by=batch.created_by, at=NOON)

    kept = kept_for(batch, at=NOON)

    assert kept == make.usd(3 * 115)  # two free seats and one running, the paid one is gone


def test_a_project_counts_all_its_batches() -> None:
    project = make.project()
    first, second = make.open_batch(of=project, tasks=1), make.open_batch(of=project, tasks=2)
    make.submitted(second)
    make.claimed(first)

    progress = projects_progress([project.pk])[project.pk]

    assert (progress.tasks, progress.answers_wanted) == (3, 9)
    assert (progress.in_review, progress.active) == (1, 1)


def test_a_batch_whose_every_task_ended_closes_by_itself() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    waiting = make.submitted(batch)
    assert closing.close_finished_batches(at=NOON) == 0

    reviewing.approve(assignment=waiting, by=batch.created_by, at=NOON)
    assert closing.close_finished_batches(at=NOON) == 1

    batch.refresh_from_db()
    assert (batch.state, batch.close_reason) == ("closed", "completed")


def test_closing_the_project_closes_everything() -> None:
    batch = make.open_batch()
    running = make.claimed(batch)

    projects.close_project(project=batch.project, by=batch.created_by, at=NOON, reason="budget")

    assert Batch.objects.get().close_reason == "budget"
    assert make.submit(running).revision == 1
    assert Assignment.objects.get().state == "awaiting_review"


def test_progress_counts_what_happened(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    batch = make.open_batch(tasks=4, answers=2)
    done = make.submitted(batch)
    make.submitted(batch)
    make.claimed(batch)
    claiming.return_assignment(assignment=make.claimed(batch), at=NOON)
    reviewing.approve(assignment=done, by=batch.created_by, at=NOON)

    with django_assert_num_queries(2):
        progress = batch_progress(batch)

    assert (progress.tasks, progress.answers_wanted, progress.paid_minor) == (4, 8, 100)
    assert (progress.active, progress.in_review, progress.approved, progress.returned) == (
        1, 1, 1, 1,
    )  # fmt: skip
    assert progress.percent == 12
