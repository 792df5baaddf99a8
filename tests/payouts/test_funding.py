"""Money in: the hosted page, the webhook, and one credit whatever is repeated."""

from __future__ import annotations

from itertools import permutations

import pytest
from django.db import transaction

from marketplace.kit.errors import InvalidInput
from payouts.models import Funding, Posting, SandboxObject, StripeEvent
from payouts.selectors.budgets import wallet
from payouts.services import funding, inbox, sandboxing
from payouts.services.accounts import account
from payouts.services.funding import FundingUnknown, PaymentsUnavailable
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def test_a_paid_page_credits_the_wallet_with_the_gross_and_books_stripes_fee() -> None:
    client = make.organization()

    row = make.paid_funding(client, usd(100_000))

    assert (row.state, row.received_minor) == ("paid", 100_000)
    assert wallet(client, "USD") == usd(100_000)
    assert make.balance(account("psp_fees", currency="USD")) == 2930
    assert make.balance(make.clearing()) == 97_070


def test_nothing_is_credited_before_stripe_says_paid() -> None:
    client = make.organization()

    row = make.start_funding(client, usd(5000))
    row = funding.settle_checkout(session_id=str(row.session_id), at=NOON)

    assert (row.state, wallet(client, "USD")) == ("paying", usd(0))
    assert row.url == f"http://127.0.0.1:8000/sandbox/checkout/{row.session_id}"


@pytest.mark.parametrize(("act", "state"), [("fail", "failed"), ("abandon", "expired")])
def test_a_page_that_is_not_paid_ends_without_money(act: str, state: str) -> None:
    client = make.organization()
    row = make.start_funding(client, usd(5000))

    sandboxing.act_on_checkout(session_id=str(row.session_id), act=act)
    make.drain()

    row.refresh_from_db()
    assert (row.state, wallet(client, "USD")) == (state, usd(0))


def test_the_same_message_and_a_second_look_credit_once() -> None:
    client = make.organization()
    row = make.paid_funding(client, usd(5000))
    event = SandboxObject.objects.get(type="event", body__type="checkout.session.completed")

    for _ in range(3):
        sandboxing.deliver_event(event_id=event.object_id, at=NOON)
        make.drain()
        funding.settle_checkout(session_id=str(row.session_id), at=NOON)

    assert wallet(client, "USD") == usd(5000)
    assert Posting.objects.filter(kind="funding_paid").count() == 1
    assert StripeEvent.objects.count() == 1


@pytest.mark.parametrize("order", list(permutations(["pay", "fail", "abandon"])))
def test_only_the_first_end_of_a_page_counts(order: tuple[str, ...]) -> None:
    client = make.organization()
    row = make.start_funding(client, usd(5000))

    for act in order:
        sandboxing.act_on_checkout(session_id=str(row.session_id), act=act)
    make.drain()

    row.refresh_from_db()
    expected = {"pay": "paid", "fail": "failed", "abandon": "expired"}[order[0]]
    assert row.state == expected


def test_the_way_back_from_the_page_names_its_session() -> None:
    row = make.start_funding(make.organization(), usd(5000))

    goes_on = sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")

    assert goes_on == f"https://example.org/done?session={row.session_id}"


def test_an_amount_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        make.start_funding(make.organization(), usd(0))


def test_a_page_that_is_not_ours_is_said_to_be_unknown() -> None:
    row = make.start_funding(make.organization(), usd(5000))
    Funding.objects.filter(id=row.id).update(session_id="cs_other")

    with pytest.raises(FundingUnknown):
        funding.settle_checkout(session_id=str(row.session_id), at=NOON)


def test_a_message_that_comes_too_early_waits_and_is_parked_in_the_end() -> None:
    row = make.start_funding(make.organization(), usd(5000))
    session = str(row.session_id)
    Funding.objects.filter(id=row.id).update(session_id="cs_not_yet")
    sandboxing.act_on_checkout(session_id=session, act="pay")
    make.drain()
    event = StripeEvent.objects.get()

    with pytest.raises(inbox.NotKnownYet):
        inbox.answer_event(event_id=event.id, at=event.received_at)
    parked = inbox.answer_event(event_id=event.id, at=event.received_at + inbox.PATIENCE)

    assert (parked.state, parked.reason) == ("parked", "This payment is not ours, or not yet.")


def test_an_early_message_is_handled_once_its_row_is_there() -> None:
    client = make.organization()
    row = make.start_funding(client, usd(5000))
    session = str(row.session_id)
    Funding.objects.filter(id=row.id).update(session_id="cs_not_yet")
    sandboxing.act_on_checkout(session_id=session, act="pay")
    make.drain()
    Funding.objects.filter(id=row.id).update(session_id=session)

    event = inbox.answer_event(event_id=StripeEvent.objects.get().id, at=NOON)

    assert (event.state, wallet(client, "USD")) == ("handled", usd(5000))


def test_a_provider_that_does_not_answer_charges_nothing() -> None:
    sandboxing.arm_fault(
        kind="error_before", path="/v1/checkout", times=1, by=make.user().id, at=NOON
    )

    with pytest.raises(PaymentsUnavailable):
        make.start_funding(make.organization(), usd(5000))

    assert Funding.objects.get().state == "created"


@pytest.mark.django_db(transaction=True)
def test_stripe_is_never_called_inside_a_transaction() -> None:
    client = make.organization()

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        make.start_funding(client, usd(5000))
