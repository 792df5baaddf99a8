"""An approved assignment becomes an earning."""

from __future__ import annotations

from datetime import datetime

from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from payouts.selectors.policies import hold_for
from payouts.services.earning import credit
from tasks.models import Assignment
from tasks.models.assignments import TRANSITIONS


def pay_assignment(
    *, assignment: Assignment, state: str, pay: Money, fee: Money, at: datetime
) -> None:
    """Write the paid end of a locked assignment, and its earning unless a volunteer did it."""
    require_transition(TRANSITIONS, assignment, state)
    assignment.state, assignment.decided_at, assignment.pay_minor = state, at, pay.minor
    assignment.lease_until = assignment.review_until = None
    assignment.save(
        update_fields=[
            "state",
            "lease_until",
            "review_until",
            "decided_at",
            "decided_by_rule",
            "dispute_until",
            "pay_minor",
        ]
    )
    channel, reservation = assignment.engagement.pay_channel, assignment.batch.reservation
    if channel == "none" or not pay:
        return
    assert reservation is not None  # constraint open_batch_has_money_and_a_route
    credit(
        key=f"assignment:{assignment.pk}",
        expert=assignment.expert,
        pay=pay,
        fee=fee,
        reservation=reservation,
        pay_channel=channel,
        hold=hold_for(organization=assignment.project.organization, currency=pay.currency, at=at),
        at=at,
    )


def full_price(*, assignment: Assignment) -> tuple[Money, Money]:
    """Price and fee as they were at the claim."""
    currency = assignment.batch.currency
    return Money(assignment.price_minor, currency), Money(assignment.fee_minor, currency)
