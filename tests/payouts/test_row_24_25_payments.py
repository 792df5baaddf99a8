"""Rows 24 and 25: pages that are left unpaid, paid late, paid twice or paid with another amount."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from payouts.models import Funding, Posting, SandboxObject
from payouts.selectors.budgets import wallet
from payouts.selectors.invariants import check_ledger
from payouts.services import funding, sandboxing
from payouts.services.accounts import account
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def opened(amount: int = 5000) -> tuple[Organization, Funding]:
    client = make.organization()
    return client, make.start_funding(client, usd(amount))


def act(row: Funding, what: str) -> Funding:
    """What the payer or its bank does; the messages arrive."""
    sandboxing.act_on_checkout(session_id=str(row.session_id), act=what)
    make.drain()
    row.refresh_from_db()
    return row


def lose_messages() -> None:
    sandboxing.arm_fault(kind="lose_event", path="", times=9, by=uuid7(), at=NOON)


def change(type_: str, **values: object) -> None:
    row = SandboxObject.objects.get(type=type_)
    row.body = {**row.body, **values}
    row.save(update_fields=["body"])


def test_row_24_a_bank_debit_that_is_on_its_way_is_neither_paid_nor_over() -> None:
    client, row = opened()

    row = act(row, "debit")

    assert (row.state, row.url, wallet(client, "USD")) == ("paying", "", usd(0))


def test_row_24_a_bank_debit_is_credited_when_the_bank_has_paid() -> None:
    client, row = opened()
    act(row, "debit")

    row = act(row, "settle")

    assert (row.state, row.received_minor, wallet(client, "USD")) == ("paid", 5000, usd(5000))
    assert make.balance(account("psp_fees", currency="USD")) == 40
    assert row.charge_id == SandboxObject.objects.get(type="charge").object_id
    assert check_ledger(NOON).broken == ()


def test_row_24_a_bank_debit_that_fails_later_leaves_nothing_to_undo() -> None:
    client, row = opened()
    act(row, "debit")

    row = act(row, "fail")

    assert (row.state, wallet(client, "USD")) == ("failed", usd(0))
    assert Posting.objects.count() == 0


@pytest.mark.parametrize("ways", [["pay"], ["debit", "settle"]])
def test_row_24_a_payment_whose_messages_are_lost_is_credited_by_the_hourly_look(
    ways: list[str],
) -> None:
    client, row = opened()
    lose_messages()
    for way in ways:
        row = act(row, way)

    before = row.state, wallet(client, "USD")
    funding.look_up_fundings(at=NOON + HOUR)
    funding.look_up_fundings(at=NOON + 2 * HOUR)

    row.refresh_from_db()
    assert before == ("paying", usd(0))
    assert (row.state, wallet(client, "USD")) == ("paid", usd(5000))


def test_row_24_the_hourly_look_also_sees_what_was_abandoned_or_never_got_a_page() -> None:
    _, row = opened()
    lose_messages()
    act(row, "abandon")
    lost = Funding.objects.create(
        organization=row.organization,
        currency="USD",
        amount_minor=1,
        asked_by=uuid7(),
        livemode=False,
        created_at=NOON,
    )

    seen = funding.look_up_fundings(at=NOON + 25 * HOUR)

    row.refresh_from_db()
    lost.refresh_from_db()
    assert (seen, row.state, lost.state) == (1, "expired", "failed")


def test_row_24_one_page_that_stripe_cannot_show_does_not_stop_the_others() -> None:
    _, first = opened()
    client, second = opened()
    lose_messages()
    act(second, "pay")
    Funding.objects.filter(id=first.id).update(session_id="cs_gone")

    funding.look_up_fundings(at=NOON + HOUR)

    assert wallet(client, "USD") == usd(5000)


def test_row_25_another_amount_is_credited_as_received_and_flagged() -> None:
    client, row = opened()
    lose_messages()
    act(row, "pay")
    change("payment_intent", amount_received=4000)

    row = funding.settle_checkout(session_id=str(row.session_id), at=NOON)

    assert (row.amount_minor, row.received_minor, row.flag) == (5000, 4000, "other_amount")
    assert wallet(client, "USD") == usd(4000)


def test_row_25_a_second_payment_of_one_page_is_credited_once_and_flagged() -> None:
    client, row = opened()
    row = act(row, "pay")
    intent = SandboxObject.objects.get(type="payment_intent")
    SandboxObject.objects.create(
        object_id="pi_second",
        type="payment_intent",
        account="",
        group="",
        created_at=NOON,
        body={**intent.body, "id": "pi_second", "latest_charge": None},
    )
    change("checkout.session", payment_intent="pi_second")

    for _ in range(3):
        funding.settle_checkout(session_id=str(row.session_id), at=NOON)

    rows = Funding.objects.order_by("id").values_list("payment_intent", "flag", "received_minor")
    assert list(rows) == [(row.payment_intent, "", 5000), ("pi_second", "paid_twice", 5000)]
    assert wallet(client, "USD") == usd(10_000)
    assert check_ledger(NOON).broken == ()


def test_row_25_the_same_amount_twice_within_an_hour_is_credited_twice_and_flagged() -> None:
    client, first = opened()
    second = make.start_funding(client, usd(5000))
    for row in (first, second):
        sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")
        funding.settle_checkout(session_id=str(row.session_id), at=NOON)
    third = make.start_funding(client, usd(5000))
    sandboxing.act_on_checkout(session_id=str(third.session_id), act="pay")

    funding.settle_checkout(session_id=str(third.session_id), at=NOON + HOUR)

    flags = Funding.objects.order_by("id").values_list("flag", flat=True)
    assert (list(flags), wallet(client, "USD")) == (["", "paid_twice", ""], usd(15_000))


def test_row_25_the_fee_is_booked_once_when_it_is_known() -> None:
    _, row = opened()
    lose_messages()
    act(row, "pay")
    line = SandboxObject.objects.get(type="charge").body["balance_transaction"]
    change("charge", balance_transaction=None)

    row = funding.settle_checkout(session_id=str(row.session_id), at=NOON)
    unknown = Posting.objects.filter(kind="fee_booked").count()
    change("charge", balance_transaction=line)
    for _ in range(2):
        funding.settle_charge(charge_id=str(row.charge_id), at=NOON)

    assert (unknown, Posting.objects.filter(kind="fee_booked").count()) == (0, 1)
    assert make.balance(account("psp_fees", currency="USD")) == 175


@pytest.mark.parametrize("minor", [0, -1, 100_000_000])
def test_an_amount_that_no_page_takes_is_refused_before_there_is_one(minor: int) -> None:
    with pytest.raises(InvalidInput):
        opened(minor)

    assert Funding.objects.count() == 0
