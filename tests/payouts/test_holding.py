"""What people may do to a payout, and when only Stripe's answer moves it."""

from __future__ import annotations

import pytest

from marketplace.kit.errors import InvalidInput
from payouts.models import Account, Payout, PayoutAttempt
from payouts.selectors.invariants import check_ledger
from payouts.services import holding
from payouts.services.onboarding import close_payees
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


def held() -> Payout:
    make.owed()
    make.approved_run()
    payout = Payout.objects.get()
    return holding.hold_payout(
        payout=payout, why="We asked you a question.", by=make.user().id, at=NOON
    )


def test_an_account_that_is_replaced_gives_back_what_it_held() -> None:
    payout = held()

    close_payees(expert=payout.expert, rail="stripe", at=NOON)

    payout.refresh_from_db()
    assert (payout.state, payout.why) == ("cancelled", "the payout account was replaced")
    assert Account.objects.get(kind="expert_available").balance_minor == payout.amount_minor
    assert check_ledger(NOON).broken == ()


def test_an_account_that_is_replaced_keeps_what_may_be_on_its_way() -> None:
    make.owed()
    make.fault("time_out_after")
    payout = make.send(make.approved_run())
    Payout.objects.filter(id=payout.id).update(state="held")

    close_payees(expert=payout.expert, rail="stripe", at=NOON)

    payout.refresh_from_db()
    assert payout.state == "held"
    assert Account.objects.get(kind="expert_available").balance_minor == 0
