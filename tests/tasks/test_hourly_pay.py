"""Work by the hour: measured time at a locked rate, never above what the seat holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from payouts.models import Earning
from payouts.selectors.invariants import check_ledger
from payouts.services import rounds
from tasks.models import Assignment, Batch
from tasks.services import batches, claiming, closing, reviewing
from tasks.services.batches import NewTask, PriceTooLow
from tests import make
from tests.make import NOON, REASON, usd

pytestmark = pytest.mark.django_db


def hourly_batch(*, rate: int = 3600, cap: int = 200, tasks: int = 1) -> Batch:
    project = make.project()
    batch = batches.create_batch(
        project=project,
        name="By the hour",
        price=usd(cap),
        hourly=usd(rate),
        answers_per_task=1,
        by=project.created_by,
        at=NOON,
    )
    rows = [NewTask(make.pair(n)) for n in range(tasks)]
    batches.add_tasks(batch=batch, rows=rows, by=project.created_by, at=NOON)
    return batches.open_batch(batch=batch, by=project.created_by, at=NOON)


def worked(batch: Batch, *, beats: int) -> Assignment:
    """Submitted after so many minutes of measured work, each told by a beat."""
    assignment = make.claimed(batch)
    for minute in range(1, beats + 1):
        at = NOON + timedelta(minutes=minute)
        claiming.beat(assignment=assignment, active_seconds=60, at=at)
    make.submit(assignment, at=NOON + timedelta(minutes=beats))
    assignment.refresh_from_db()
    return assignment


def approved(assignment: Assignment) -> Earning:
    reviewing.approve(assignment=assignment, by=assignment.batch.created_by, at=NOON)
    return Earning.objects.get(key=f"assignment:{assignment.pk}")


def test_measured_seconds_are_paid_at_the_rate_and_the_fee_follows() -> None:
    earning = approved(worked(hourly_batch(rate=3600), beats=2))

    assert (earning.pay_minor, earning.fee_minor, earning.seconds) == (120, 18, 120)
    assert earning.cap_minor == 230


def test_pay_is_rounded_half_up_per_answer() -> None:
    earning = approved(worked(hourly_batch(rate=1030), beats=1))

    assert earning.pay_minor == 17  # 60 s of 10.30 an hour are 17.17 cents


def test_no_more_is_paid_than_the_seat_holds() -> None:
    assignment = worked(hourly_batch(rate=3600, cap=200), beats=10)

    earning = approved(assignment)

    assert (assignment.active_seconds, earning.pay_minor, earning.fee_minor) == (600, 200, 30)


def test_the_cap_of_every_seat_is_reserved() -> None:
    batch = hourly_batch(cap=200, tasks=3)

    assert batch.reservation is not None
    assert batch.reservation.base_minor == 3 * 230
    rounds.post_earnings(at=NOON)
    assert check_ledger(NOON).broken == ()


def test_time_that_nobody_measured_does_not_count() -> None:
    assignment = make.claimed(hourly_batch())
    make.submit(assignment, at=NOON + timedelta(seconds=40))  # says 60 s
    assignment.refresh_from_db()

    assert assignment.active_seconds == 40


def test_a_browser_that_claims_an_hour_is_believed_for_one_beat() -> None:
    assignment = make.claimed(hourly_batch(cap=50_000))
    later = NOON + timedelta(minutes=10)
    make.submit(assignment, at=later)
    assignment.refresh_from_db()

    assert assignment.active_seconds == 60
    assert approved(assignment).pay_minor == 60


def test_the_rate_of_a_claim_never_changes() -> None:
    assignment = worked(hourly_batch(rate=3600), beats=1)

    Batch.objects.update(hourly_minor=1)

    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Assignment.objects.update(hourly_minor=1)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Assignment.objects.update(price_minor=1)
    assert approved(assignment).pay_minor == 60


def test_a_part_is_a_part_of_the_measured_time() -> None:
    assignment = worked(hourly_batch(rate=3600), beats=2)

    reviewing.approve_partly(
        assignment=assignment,
        by=assignment.batch.created_by,
        percent=33,
        category="low_effort",
        guideline_ref="2",
        message=REASON,
        at=NOON,
    )

    earning = Earning.objects.get()
    assert (earning.pay_minor, earning.fee_minor) == (40, 6)  # 39.6 and 6.0 cents, half up


def test_a_cancelled_batch_pays_the_measured_time_in_full() -> None:
    batch = hourly_batch(rate=3600)
    assignment = make.claimed(batch)
    claiming.beat(assignment=assignment, active_seconds=60, at=NOON + timedelta(minutes=1))

    closing.cancel_batch(batch=batch, by=batch.created_by, at=NOON + timedelta(minutes=1))

    assert Earning.objects.get().pay_minor == 60


def test_a_fixed_batch_pays_its_price_whatever_the_time_and_keeps_the_seconds() -> None:
    batch = make.open_batch(tasks=1, answers=1)
    assignment = make.submitted(batch, at=NOON + timedelta(minutes=3))

    earning = approved(assignment)

    assert (earning.pay_minor, earning.cap_minor, earning.seconds) == (
        100,
        115,
        assignment.active_seconds,
    )


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(PriceTooLow):
        hourly_batch(rate=0)
