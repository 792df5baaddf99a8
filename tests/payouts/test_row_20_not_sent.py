"""Row 20: two people say that a refund never left; Stripe is asked once more."""

from __future__ import annotations

from datetime import datetime

import pytest

from marketplace.people.models import User
from payouts.gateways.stripe import StripeGateway
from payouts.models import Break, Proposal, RefundPart, SandboxObject
from payouts.selectors.budgets import wallet
from payouts.selectors.invariants import check_ledger
from payouts.services import giving_back, proposing, returning
from payouts.services.giving_back import StillUncertain
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.provider import reconcile
from tests.payouts.test_row_20_refunds import (
    HOUR,
    approved,
    fault,
    given_back,
    moving,
    paid,
    states,
)

pytestmark = pytest.mark.django_db


def test_what_never_left_is_free_again_when_two_people_say_so() -> None:
    client, maker = paid(10_000), make.user()
    refund = approved(client, 3000)
    fault("error_before")
    returning.send_refund(refund_id=refund.id, at=NOON)
    returning.sweep_refunds(at=NOON + 21 * HOUR)
    part = RefundPart.objects.get()

    with pytest.raises(StillUncertain):
        declare(part, maker, NOON + 23 * HOUR)
    proposal = declare(part, maker, NOON + 25 * HOUR)
    confirmed(proposal)

    assert (states(refund), given_back()) == (("failed", ["failed"]), [])
    assert (moving(client), wallet(client, "USD")) == (0, usd(10_000))
    assert check_ledger(NOON).broken == ()


def declare(part: RefundPart, by: User, at: datetime) -> Proposal:
    return giving_back.propose_not_sent(part=part, why="Stripe shows none", by=by, at=at)


def confirmed(proposal: Proposal) -> None:
    """Approved by a second person, and its job has asked Stripe, twice."""
    proposing.approve(proposal=proposal, by=make.user(), at=NOON + 25 * HOUR)
    for _ in range(2):
        returning.confirm_not_sent(proposal_id=proposal.id, at=NOON + 25 * HOUR)


def test_a_refund_that_stripe_shows_is_taken_over_whatever_two_people_say() -> None:
    client = paid(10_000)
    refund = approved(client, 3000)
    fault("time_out_after")
    returning.send_refund(refund_id=refund.id, at=NOON)

    confirmed(declare(refund.parts.get(), make.user(), NOON + 25 * HOUR))

    assert (states(refund), given_back()) == (("paid", ["succeeded"]), [3000])
    assert (moving(client), wallet(client, "USD")) == (0, usd(7000))
    assert check_ledger(NOON).broken == ()


def test_a_refund_that_turns_up_after_it_was_declared_not_sent_opens_a_break(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = paid(10_000)
    refund = approved(client, 3000)
    fault("time_out_after")
    returning.send_refund(refund_id=refund.id, at=NOON)
    with monkeypatch.context() as patch:
        patch.setattr(StripeGateway, "find_refunds", lambda *_, **__: [])
        confirmed(declare(refund.parts.get(), make.user(), NOON + 25 * HOUR))

    late = SandboxObject.objects.get(type="refund").object_id
    for _ in range(2):
        returning.sync_refund(refund_id=late, at=NOON + 26 * HOUR)

    assert reconcile(NOON + 26 * HOUR) == {"missing_in_ledger": (0, -3000)}
    movement = SandboxObject.objects.get(type="balance_transaction", body__source=late)
    assert Break.objects.get().ref == movement.object_id
    assert (states(refund), wallet(client, "USD")) == (("failed", ["failed"]), usd(10_000))
