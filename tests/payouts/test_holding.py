"""What people may do to a payout, and when only Stripe's answer moves it."""

from __future__ import annotations

import pytest

from marketplace.kit.errors import InvalidInput
from payouts.models import Account, Payout, PayoutAttempt
from payouts.services import holding
from tests.payouts import make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_nothing_is_held_released_or_given_back_while_a_transfer_may_exist(state: str) -> None:
    make.owed()
    make.fault("time_out_after")
    payout = make.send(make.approved_run())
    PayoutAttempt.objects.filter(payout=payout).update(state=state)
    finance = make.user()

    with pytest.raises(holding.NotHere):
        holding.hold_payout(payout=payout, why="a question first", by=finance.id, at=NOON)
    Payout.objects.filter(id=payout.id).update(state="held")
    with pytest.raises(holding.CallInFlight):
        holding.resume_payout(payout=payout, at=NOON)
    with pytest.raises(holding.CallInFlight):
        holding.cancel_payout(payout=payout, why="wrong", at=NOON)

    assert make.transfers() == [payout.amount_minor]
    assert Account.objects.get(kind="expert_available").balance_minor == 0


def test_a_hold_says_why() -> None:
    make.owed()
    make.approved_run()

    with pytest.raises(InvalidInput, match="why"):
        holding.hold_payout(payout=Payout.objects.get(), why="account", by=make.user().id, at=NOON)
