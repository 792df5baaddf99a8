"""Each check of work against money is quiet on sound books and names a planted defect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from marketplace.projects.models import Engagement
from payouts.selectors.invariants import check_ledger
from tasks.models import Assignment, Batch, Task
from tasks.services import batches, claiming, closing, reviewing
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def busy_batch() -> Batch:
    """A batch in which everything has happened once."""
    batch = make.open_batch(tasks=6, answers=2)
    by = batch.created_by
    approved, rejected, changed, part = (make.submitted(batch) for _ in range(4))
    reviewing.approve(assignment=approved, by=by, at=NOON)
    why = {"category": "other", "guideline_ref": "1", "message": make.REASON}
    reviewing.reject(assignment=rejected, by=by, at=NOON, **why)
    reviewing.ask_changes(assignment=changed, by=by, message="Why?", at=NOON)
    reviewing.approve_partly(assignment=part, by=by, percent=30, at=NOON, **why)
    claiming.return_assignment(assignment=make.claimed(batch), at=NOON)
    make.claimed(batch)
    volunteer = make.volunteer()
    make.join(volunteer, batch.project)
    unpaid = make.submitted(batch, by=volunteer)
    reviewing.approve(assignment=unpaid, by=by, at=NOON)
    return batch


def broken() -> list[str]:
    return [found.invariant for found in check_ledger(NOON).broken]


def test_sound_books_stay_sound_through_every_verb() -> None:
    batch = busy_batch()
    seen = [broken()]

    batches.pause_batch(batch=batch, by=batch.created_by, at=NOON)
    seen.append(broken())
    batches.resume_batch(batch=batch, by=batch.created_by, at=NOON)
    seen.append(broken())
    batches.cancel_batch(batch=batch, by=batch.created_by, at=NOON)
    closing.settle_closed_batches(at=NOON)
    seen.append(broken())

    assert seen == [[], [], [], []]


def _lose_an_earning() -> None:
    Engagement.objects.filter(pay_channel="none").update(pay_channel="stripe")


def _earn_for_nothing() -> None:
    Assignment.objects.filter(state="approved", pay_minor=100).update(
        state="returned", decided_at=None, pay_minor=None
    )


def _raise_the_price() -> None:
    Batch.objects.update(price_minor=100_000)


def _miscount() -> None:
    Task.objects.filter(taken=0).update(taken=1)


def _reopen() -> None:
    Task.objects.filter(taken=1, is_open=True).update(is_open=False)


def _outlive() -> None:
    Assignment.objects.filter(state="active").update(lease_until=NOON - timedelta(hours=1))


@pytest.mark.parametrize(
    ("defect", "found"),
    [
        (_lose_an_earning, {"L17"}),
        (_earn_for_nothing, {"L17", "W1"}),
        (_raise_the_price, {"L9"}),
        (_miscount, {"W1"}),
        (_reopen, {"W2"}),
        (_outlive, {"W3"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_defect_is_named(defect: Callable[[], None], found: set[str]) -> None:
    busy_batch()

    defect()

    assert set(broken()) == found
