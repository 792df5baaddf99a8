"""An approved assignment becomes an earning."""

from __future__ import annotations

from datetime import datetime

from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from payouts.selectors.policies import hold_for
from payouts.services.earning import credit
from tasks import pricing
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
        cap=sum(full_price(assignment=assignment), Money(0, pay.currency)),
        seconds=assignment.active_seconds,
    )


def full_price(*, assignment: Assignment) -> tuple[Money, Money]:
    """Price and fee as they were at the claim: what the seat holds."""
    currency = assignment.batch.currency
    return Money(assignment.price_minor, currency), Money(assignment.fee_minor, currency)


def due_price(*, assignment: Assignment) -> tuple[Money, Money]:
    """What full approval pays, and its fee: the price, or, by the hour, the measured time."""
    price, fee = full_price(assignment=assignment)
    if assignment.hourly_minor is None:
        return price, fee
    return pricing.timed(
        price,
        rate=Money(assignment.hourly_minor, price.currency),
        seconds=assignment.active_seconds,
        basis_points=assignment.batch.fee_basis_points,
    )
