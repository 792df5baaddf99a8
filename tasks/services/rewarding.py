"""A bonus: a client says thank you for an answer, out of the project's budget."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money, fee_on
from marketplace.people.models import User
from payouts.models import Earning
from payouts.selectors.policies import hold_for
from payouts.services.accounts import account
from payouts.services.earning import credit_now
from payouts.services.freezing import FREE, require_cover
from tasks.models import Assignment, Bonus
from tasks.models.assignments import ANSWERED
from tasks.services.seats import lock_assignment, record_of
from tasks.services.verdicts import OwnWork

SHORTEST_REASON = 10


class NotRewardable(DomainError):
    """A bonus is for approved work of somebody who is paid."""

    code = "not_rewardable"
    status = 409


@transaction.atomic
def pay_bonus(
    *, assignment: Assignment, amount: Money, reason: str, by: User, key: UUID, at: datetime
) -> Bonus:
    """Pay more for an approved answer, once per key; the expert reads the reason.

    The batch's fee comes on top; both are taken from what is free of the project's budget. Raises
    InsufficientBalance with the amounts, FundsFrozen, NotRewardable, OwnWork, InvalidInput.
    """
    assignment = lock_assignment(assignment=assignment)
    known = Bonus.objects.filter(pk=key, assignment=assignment).order_by("pk").first()
    if known is not None:
        return known
    _require(assignment, amount, reason, by)
    bonus = Bonus(
        id=key,
        assignment=assignment,
        amount_minor=amount.minor,
        reason=reason.strip()[:500],
        paid_by=by,
        paid_at=at,
    )
    bonus.save(force_insert=True)
    _credit(assignment, bonus, amount, at)
    record_of(
        "bonus.paid",
        assignment=assignment,
        at=at,
        actor=by.pk,
        minor=amount.minor,
        currency=amount.currency,
    )
    return bonus


def _require(assignment: Assignment, amount: Money, reason: str, by: User) -> None:
    if assignment.expert.user_id == by.pk:
        raise OwnWork("Nobody rewards their own work.")
    if assignment.state not in ANSWERED:
        raise NotRewardable("A bonus is for approved work.")
    if assignment.engagement.pay_channel == "none":
        raise NotRewardable("A volunteer takes no pay.")
    problems = []
    if amount.minor <= 0 or amount.currency != assignment.batch.currency:
        currency = assignment.batch.currency
        problems.append({"field": "amount", "problem": f"is more than nothing, in {currency}"})
    if len(reason.strip()) < SHORTEST_REASON:
        problems.append({"field": "reason", "problem": f"needs {SHORTEST_REASON} characters"})
    if problems:
        raise InvalidInput("The bonus could not be paid.", errors=problems)


def _credit(assignment: Assignment, bonus: Bonus, amount: Money, at: datetime) -> Earning:
    project, currency = assignment.project, amount.currency
    fee = fee_on(amount, basis_points=assignment.batch.fee_basis_points)
    key = f"bonus:{bonus.pk}"
    require_cover(
        organization=project.organization, amount=amount + fee, of=FREE, key=f"earning:{key}", at=at
    )
    return credit_now(
        key=key,
        expert=assignment.expert,
        pay=amount,
        fee=fee,
        source=account(
            "escrow",
            currency=currency,
            organization=project.organization,
            subject_id=project.pk,
        ),
        pay_channel=assignment.engagement.pay_channel,
        hold=hold_for(organization=project.organization, currency=currency, at=at),
        at=at,
    )
