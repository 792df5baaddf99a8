"""A refund of another amount than was asked for is booked as Stripe made it, by two people."""

from __future__ import annotations

import pytest

from marketplace.organizations.models import Organization
from payouts.gateways.chosen import gateway
from payouts.models import Break, Posting, Proposal, RefundPart, SandboxObject
from payouts.selectors.budgets import wallet
from payouts.selectors.invariants import check_ledger
from payouts.selectors.proposals import sentence
from payouts.services import breaking, budgeting, ledger, proposing, returning
from payouts.services.accounts import account
from payouts.services.giving_back import record_refund
from payouts.services.proposing import SamePerson
from payouts.services.refund_adopting import NoOtherRefund, propose_refund_adoption
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.provider import reconcile, rewrite
from tests.payouts.test_row_20_refunds import HOUR, approved, fault, moving, paid, states

pytestmark = pytest.mark.django_db


def frozen(asked: int, sent: int) -> RefundPart:
    """A refund without an answer that Stripe made of another amount."""
    refund = approved(paid(10_000), asked)
    fault("time_out_after")
    returning.send_refund(refund_id=refund.id, at=NOON)
    row = SandboxObject.objects.get(type="refund")
    rewrite(row, amount=sent)
    line = SandboxObject.objects.get(type="balance_transaction", body__source=row.object_id)
    rewrite(line, amount=-sent, net=-sent)
    returning.sweep_refunds(at=NOON + 21 * HOUR)
    part = refund.parts.get()
    assert (part.state, part.next_try_at) == ("unknown", None)
    return part


def propose(part: RefundPart) -> Proposal:
    return propose_refund_adoption(
        part=part, why="So it stands in the dashboard.", by=make.user(), at=NOON
    )


def adopt(part: RefundPart) -> None:
    proposing.approve(proposal=propose(part), by=make.user(), at=NOON)
    part.refresh_from_db()


def leave_five_dollars(client: Organization) -> None:
    amount = usd(6500)
    budgeting.allocate(
        organization=client, subject_id=client.id, amount=amount, by=client.id, key="all", at=NOON
    )


def test_less_was_given_back_and_the_rest_is_in_the_wallet() -> None:
    part = frozen(3000, 2000)
    client = part.refund.organization

    adopt(part)

    assert states(part.refund) == ("paid", ["succeeded"])
    assert (moving(client), wallet(client, "USD")) == (0, usd(8000))
    assert reconcile(NOON + 26 * HOUR) == {}
    assert check_ledger(NOON).broken == ()


def test_more_was_given_back_and_comes_out_of_the_wallet() -> None:
    part = frozen(3000, 4000)
    client = part.refund.organization

    adopt(part)

    assert (moving(client), wallet(client, "USD")) == (0, usd(6000))
    assert (part.amount_minor, part.refund.amount_minor) == (4000, 4000)
    assert reconcile(NOON + 26 * HOUR) == {}
    assert check_ledger(NOON).broken == ()


def test_what_the_wallet_does_not_have_any_more_is_our_cost() -> None:
    part = frozen(3000, 4000)
    client = part.refund.organization
    leave_five_dollars(client)

    adopt(part)

    ours = make.balance(account("platform_expense", currency="USD"))
    assert (wallet(client, "USD"), ours) == (usd(0), 500)
    assert check_ledger(NOON).broken == ()


def test_adopting_a_refund_takes_two_people() -> None:
    row = propose(frozen(3000, 2000))

    assert sentence(row) == (
        "Book that Stripe gave back 20.00 USD instead of 30.00 USD to Lab "
        f"({row.terms['provider']})."
    )
    with pytest.raises(SamePerson):
        proposing.approve(proposal=row, by=row.proposed_by, at=NOON)


def test_a_refund_as_it_was_asked_for_is_not_adopted_by_hand() -> None:
    refund = approved(paid(10_000), 3000)
    fault("time_out_after")
    returning.send_refund(refund_id=refund.id, at=NOON)

    with pytest.raises(NoOtherRefund):
        propose(refund.parts.get())


def test_what_was_our_cost_comes_back_to_us_when_the_refund_fails_later() -> None:
    part = frozen(3000, 4000)
    client = part.refund.organization
    leave_five_dollars(client)
    adopt(part)
    row = SandboxObject.objects.get(type="refund")
    rewrite(row, status="failed")

    found = gateway().read_refund(refund_id=row.object_id)
    record_refund(part_id=part.id, found=found, at=NOON + 30 * HOUR)

    ours = account("platform_expense", currency="USD")
    assert (wallet(client, "USD"), make.balance(ours)) == (usd(3500), 0)


def test_a_movement_that_two_people_have_booked_is_not_booked_again() -> None:
    part = frozen(3000, 2000)
    reconcile(NOON + 26 * HOUR)
    lost = usd(2000)
    solution = breaking.propose_resolution(
        row=Break.objects.get(kind="missing_in_ledger"),
        note="A refund that nobody here knows.",
        legs=[
            ledger.Leg.debit(account("platform_expense", currency="USD"), lost),
            ledger.Leg.credit(make.clearing(), lost),
        ],
        by=make.user(),
        at=NOON,
    )
    proposing.approve(proposal=solution, by=make.user(), at=NOON)

    with pytest.raises(NoOtherRefund, match="already"):
        adopt(part)


def test_the_difference_that_found_it_is_explained_by_the_adoption() -> None:
    part = frozen(3000, 2000)
    reconcile(NOON + 26 * HOUR)

    adopt(part)

    difference = Break.objects.get(kind="missing_in_ledger")
    assert difference.state == "resolved"
    assert difference.posting == Posting.objects.get(kind="refund_paid")
