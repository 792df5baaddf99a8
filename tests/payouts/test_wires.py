"""Bank transfers: one person enters them, another confirms them, the wallet is credited once."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from marketplace.kit.errors import InvalidInput
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.models import Funding, Posting, Proposal
from payouts.selectors.budgets import wallet
from payouts.selectors.invariants import check_ledger
from payouts.services import proposing, wiring, wiring_back
from payouts.services.accounts import account
from payouts.services.ledger import InsufficientBalance
from payouts.services.proposing import AlreadyProposed, SamePerson
from payouts.services.refunding import NotRefundable
from payouts.services.wiring import NotAWire, WireKnown
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.provider import press

pytestmark = pytest.mark.django_db


def enter(client: Organization, minor: int = 500_000, *, by: User | None = None) -> Funding:
    return wiring.enter_wire(
        organization=client,
        amount=usd(minor),
        reference="  fedwire  20261120-77 ",
        by=by or make.user(),
        at=NOON,
    )


def test_nothing_is_credited_before_a_second_person_has_confirmed() -> None:
    client = make.organization()

    row = enter(client)
    before = wallet(client, "USD")
    row = wiring.confirm_wire(wire=row, by=make.user(), at=NOON)

    assert (before, wallet(client, "USD")) == (usd(0), usd(500_000))
    assert (row.state, row.reference) == ("paid", "FEDWIRE 20261120-77")
    assert make.balance(account("platform_bank", currency="USD")) == 500_000
    assert Posting.objects.get(kind="wire_received").external_ref == "FEDWIRE 20261120-77"
    assert check_ledger(NOON).broken == ()


def test_nobody_confirms_what_they_entered() -> None:
    maker = make.user()
    row = enter(make.organization(), by=maker)

    with pytest.raises(SamePerson):
        wiring.confirm_wire(wire=row, by=maker, at=NOON)
    with pytest.raises(IntegrityError, match="wire_checker_is_not_maker"), transaction.atomic():
        Funding.objects.update(confirmed_by=maker.pk)


def test_a_transfer_is_entered_once() -> None:
    client = make.organization()
    enter(client)

    with pytest.raises(WireKnown):
        enter(client)

    assert Funding.objects.count() == 1


def test_a_mistake_is_withdrawn_and_entered_again() -> None:
    client = make.organization()
    wrong = enter(client, 5)
    wiring.withdraw_wire(wire=wrong, by=make.user(), at=NOON)

    with pytest.raises(NotAWire):
        wiring.confirm_wire(wire=wrong, by=make.user(), at=NOON)
    right = wiring.confirm_wire(wire=enter(client), by=make.user(), at=NOON)

    assert (right.received_minor, wallet(client, "USD")) == (500_000, usd(500_000))


def test_a_confirmed_transfer_stays() -> None:
    row = enter(make.organization())
    wiring.confirm_wire(wire=row, by=make.user(), at=NOON)

    with pytest.raises(NotAWire):
        wiring.confirm_wire(wire=row, by=make.user(), at=NOON)
    with pytest.raises(NotAWire):
        wiring.withdraw_wire(wire=row, by=make.user(), at=NOON)

    assert wallet(row.organization, "USD") == usd(500_000)


@pytest.mark.parametrize("minor", [0, -1, 2**53])
def test_an_amount_that_cannot_be_is_refused(minor: int) -> None:
    with pytest.raises(InvalidInput):
        enter(make.organization(), minor)


def test_a_payment_page_is_not_confirmed_by_hand() -> None:
    row = make.start_funding(make.organization(), usd(5000))

    with pytest.raises(NotAWire):
        wiring.confirm_wire(wire=row, by=make.user(), at=NOON)


def back(client: Organization, minor: int) -> Proposal:
    return wiring_back.propose_wire_back(
        organization=client, amount=usd(minor), why="They asked for it", by=make.user(), at=NOON
    )


def test_money_that_came_by_bank_goes_back_by_bank_when_two_people_say_so() -> None:
    client = make.organization()
    wiring.confirm_wire(wire=enter(client), by=make.user(), at=NOON)

    proposal = back(client, 200_000)
    before = wallet(client, "USD")
    proposing.approve(proposal=proposal, by=make.user(), at=NOON)

    assert (before, wallet(client, "USD")) == (usd(500_000), usd(300_000))
    assert make.balance(account("platform_bank", currency="USD")) == 300_000
    assert check_ledger(NOON).broken == ()


def test_no_more_goes_back_by_bank_than_is_free() -> None:
    client = make.organization()
    wiring.confirm_wire(wire=enter(client), by=make.user(), at=NOON)
    proposal = back(client, 500_001)

    with pytest.raises(InsufficientBalance):
        proposing.approve(proposal=proposal, by=make.user(), at=NOON)

    proposal.refresh_from_db()
    assert (proposal.state, wallet(client, "USD")) == ("proposed", usd(500_000))


def test_money_that_came_by_card_does_not_go_back_by_bank() -> None:
    client = make.organization()
    make.paid_funding(client, usd(10_000))
    wiring.confirm_wire(wire=enter(client, 4000), by=make.user(), at=NOON)
    proposal = back(client, 4001)

    with pytest.raises(NotRefundable) as refused:
        proposing.approve(proposal=proposal, by=make.user(), at=NOON)
    proposing.refuse(proposal=proposal, answer="Too much", by=make.user(), at=NOON)
    proposing.approve(proposal=back(client, 4000), by=make.user(), at=NOON)

    assert refused.value.message.endswith("by bank you can send 40.00 USD.")
    assert wallet(client, "USD") == usd(10_000)


def test_one_transfer_back_is_proposed_once() -> None:
    client = make.organization()
    wiring.confirm_wire(wire=enter(client), by=make.user(), at=NOON)
    back(client, 1000)

    with pytest.raises(AlreadyProposed):
        back(client, 1000)


def test_the_bank_and_the_clients_money_are_locked_in_one_go() -> None:
    client = make.organization()
    wiring.confirm_wire(wire=enter(client), by=make.user(), at=NOON)
    paid = make.paid_funding(client, usd(1000))
    press("open_chargeback", str(paid.charge_id))
    ids = [account("platform_bank", currency="USD").id.hex]
    ids.append(account("wallet", currency="USD", organization=client).id.hex)
    proposal, second = back(client, 1000), make.user()

    with CaptureQueriesContext(connection) as caught:
        proposing.approve(proposal=proposal, by=second, at=NOON)

    found = [each["sql"] for each in caught if "FOR NO KEY UPDATE" in each["sql"]]
    locks = [each for each in found if 'FROM "payouts_account"' in each]
    assert [each in locks[0] for each in ids] == [True, True]
