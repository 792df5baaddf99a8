"""Bonuses: on top of approved work, within the budget, with a reason, once per click."""

from __future__ import annotations

import pytest

from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from payouts.models import Earning
from payouts.selectors.budgets import project_budget
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import rounds
from payouts.services.ledger import InsufficientBalance
from tasks.models import Assignment, Bonus
from tasks.services import reviewing
from tasks.services.rewarding import NotRewardable, pay_bonus
from tasks.services.verdicts import OwnWork
from tests import make
from tests.make import NOON, usd

pytestmark = pytest.mark.django_db
WHY = "The clearest rationale of the whole batch."


def approved() -> Assignment:
    assignment = make.submitted(make.open_batch(tasks=1, answers=1))
    reviewing.approve(assignment=assignment, by=assignment.batch.created_by, at=NOON)
    rounds.post_earnings(at=NOON)
    return assignment


def test_a_bonus_comes_from_the_budget_with_its_fee_once_per_key() -> None:
    assignment, key = approved(), uuid7()
    by, project = assignment.batch.created_by, assignment.project
    before = project_budget(project.pk, "USD").escrow

    for _ in range(2):
        pay_bonus(assignment=assignment, amount=usd(500), reason=WHY, by=by, key=key, at=NOON)

    assert before - project_budget(project.pk, "USD").escrow == usd(575)
    earning = Earning.objects.get(key=f"bonus:{key}")
    assert (earning.pay_minor, earning.fee_minor) == (500, 75)
    assert Bonus.objects.get().reason == WHY
    assert expert_balance(assignment.expert, "USD").pending == usd(600)
    assert check_ledger(NOON).broken == ()


def test_a_bonus_above_the_free_budget_is_refused_and_leaves_nothing() -> None:
    assignment = approved()
    by = assignment.batch.created_by
    free = project_budget(assignment.project_id, "USD").escrow

    with pytest.raises(InsufficientBalance):
        pay_bonus(assignment=assignment, amount=free, reason=WHY, by=by, key=uuid7(), at=NOON)

    assert not Bonus.objects.exists()


def test_a_bonus_is_for_approved_work_of_somebody_else_with_a_reason() -> None:
    batch = make.open_batch(tasks=2, answers=1)
    waiting, by = make.submitted(batch), batch.created_by

    with pytest.raises(NotRewardable):
        pay_bonus(assignment=waiting, amount=usd(100), reason=WHY, by=by, key=uuid7(), at=NOON)
    reviewing.approve(assignment=waiting, by=by, at=NOON)
    with pytest.raises(InvalidInput):
        pay_bonus(assignment=waiting, amount=usd(0), reason="Good", by=by, key=uuid7(), at=NOON)
    with pytest.raises(OwnWork):
        pay_bonus(
            assignment=waiting,
            amount=usd(100),
            reason=WHY,
            by=waiting.expert.user,
            key=uuid7(),
            at=NOON,
        )

    assert not Bonus.objects.exists()
