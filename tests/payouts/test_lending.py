"""Clients who pay afterwards: limit, draw, invoice, payment, and being late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from payouts.models import BillingTerms, Invoice, Proposal
from payouts.selectors.budgets import project_budget, wallet
from payouts.selectors.invariants import check_ledger
from payouts.selectors.terms import billing_mode, credit_left, overdue, receivable
from payouts.services import budgeting, lending, proposing
from payouts.services.lending import CreditExhausted
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def trusted(limit: int = 10_000, net_days: int = 30) -> Organization:
    client = make.organization()
    BillingTerms.objects.create(
        organization=client,
        mode="post_paid",
        currency="USD",
        limit_minor=limit,
        net_days=net_days,
        effective_at=NOON,
        made_by=uuid7(),
        approved_by=uuid7(),
    )
    return client


def drawn(client: Organization, wanted: int, key: str = "a", days: int = 0) -> Money:
    return lending.draw_credit(
        organization=client, wanted=usd(wanted), key=key, by=None, at=NOON + days * DAY
    )


def paid(client: Organization, minor: int, days: int = 1) -> Money:
    posting = make.pay_in(client, usd(minor))
    return lending.settle_credit(
        organization=client, received=usd(minor), key=posting.key, at=NOON + days * DAY
    )


def test_credit_fills_the_wallet_only_as_far_as_it_is_short() -> None:
    client = trusted()
    make.pay_in(client, usd(1000))

    assert drawn(client, 3500) == usd(2500)

    assert wallet(client, "USD") == usd(3500)
    assert receivable(client, "USD") == usd(2500)
    assert credit_left(client, "USD", at=NOON) == usd(7500)


def test_the_limit_binds_with_the_amounts() -> None:
    client = trusted(limit=2000)

    with pytest.raises(CreditExhausted, match=r"20\.01 USD short and 20\.00 USD of credit is left"):
        drawn(client, 2001)

    assert receivable(client, "USD") == usd(0)


def test_a_client_that_pays_in_first_draws_nothing() -> None:
    client = make.organization()

    assert drawn(client, 500) == usd(0)


def test_what_comes_in_pays_what_is_owed_once_and_the_rest_is_free() -> None:
    client = trusted()
    drawn(client, 2500)
    posting = make.pay_in(client, usd(3000))

    for _ in range(2):
        lending.settle_credit(organization=client, received=usd(3000), key=posting.key, at=NOON)

    # The draw is still in the wallet beside what is left of the payment.
    assert (receivable(client, "USD"), wallet(client, "USD")) == (usd(0), usd(3000))
    assert check_ledger(NOON).broken == ()


def test_an_invoice_asks_for_what_was_drawn_and_not_asked_for_yet() -> None:
    client = trusted()
    drawn(client, 2500)

    made = [lending.invoice_credit(at=NOON + days * DAY) for days in (1, 2)]
    drawn(client, 3100, key="b", days=3)
    lending.invoice_credit(at=NOON + 4 * DAY)

    assert made == [1, 0]
    assert list(Invoice.objects.order_by("due_at").values_list("amount_minor", "due_at")) == [
        (2500, NOON + 31 * DAY),
        (600, NOON + 34 * DAY),
    ]


def test_what_was_paid_before_the_invoice_is_not_asked_for() -> None:
    client = trusted()
    drawn(client, 2500)
    paid(client, 900)

    lending.invoice_credit(at=NOON + 2 * DAY)

    assert Invoice.objects.get().amount_minor == 1600


def test_payments_close_the_oldest_invoice_first() -> None:
    client = trusted()
    drawn(client, 2500)
    lending.invoice_credit(at=NOON + DAY)
    drawn(client, 3100, key="b", days=2)
    lending.invoice_credit(at=NOON + 3 * DAY)

    paid(client, 2499, days=4)
    before = list(Invoice.objects.order_by("due_at").values_list("state", flat=True))
    paid(client, 1, days=5)

    assert before == ["open", "open"]
    assert list(Invoice.objects.order_by("due_at").values_list("state", flat=True)) == [
        "paid",
        "open",
    ]


def test_a_late_client_draws_nothing_more_until_it_pays() -> None:
    client = trusted(net_days=30)
    drawn(client, 2500)
    lending.invoice_credit(at=NOON + DAY)
    late = 32

    assert overdue(client, "USD", at=NOON + late * DAY) == usd(2500)
    with pytest.raises(CreditExhausted, match=r"25\.00 USD of your invoices is overdue"):
        drawn(client, 2600, key="b", days=late)

    paid(client, 2500, days=late)
    assert overdue(client, "USD", at=NOON + late * DAY) == usd(0)


def test_terms_take_two_people_and_the_newest_counts() -> None:
    client, person = make.organization(), make.user()
    proposal = lending.propose_terms(
        organization=client,
        mode="post_paid",
        limit=usd(5000),
        net_days=14,
        why="Three years of paid invoices",
        by=person,
        at=NOON,
    )

    with pytest.raises(proposing.SamePerson):
        proposing.approve(proposal=proposal, by=person, at=NOON)
    assert billing_mode(client, at=NOON) == "prepaid"
    proposing.approve(proposal=proposal, by=make.user(), at=NOON)

    assert credit_left(client, "USD", at=NOON) == usd(5000)
    assert Proposal.objects.get().state == "approved"


@pytest.mark.parametrize(
    ("mode", "limit", "days", "field"),
    [
        ("post_paid", None, 30, "limit"),
        ("post_paid", usd(100), 0, "net_days"),
        ("post_paid", usd(100), 121, "net_days"),
        ("free", None, 0, "mode"),
    ],
)
def test_terms_that_cannot_be_are_refused_at_their_field(
    mode: str, limit: Money | None, days: int, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        lending.propose_terms(
            organization=make.organization(),
            mode=mode,
            limit=limit,
            net_days=days,
            why="Three years of paid invoices",
            by=make.user(),
            at=NOON,
        )

    assert refused.value.data["errors"][0]["field"] == field


def test_invoices_go_out_on_the_first_of_a_month() -> None:
    drawn(trusted(), 2500)

    made = [lending.invoice_monthly(at=NOON.replace(month=12, day=day)) for day in (1, 2)]

    assert made == [1, 0]


def test_a_payment_settles_what_is_owed_when_it_is_booked() -> None:
    client = trusted()
    drawn(client, 2500)

    make.paid_funding(client, usd(2500))

    assert receivable(client, "USD") == usd(0)
    assert wallet(client, "USD") == usd(2500)


def test_a_budget_draws_what_the_wallet_lacks_once_per_key() -> None:
    client, project = trusted(), uuid7()
    make.pay_in(client, usd(1000))

    for _ in range(2):
        budgeting.allocate(
            organization=client, subject_id=project, amount=usd(2500), by=uuid7(), key="a", at=NOON
        )

    assert project_budget(project, "USD").escrow == usd(2500)
    assert (wallet(client, "USD"), receivable(client, "USD")) == (usd(0), usd(1500))
    assert check_ledger(NOON).broken == ()


def test_a_draw_written_after_an_invoice_with_an_earlier_time_is_in_the_next_one() -> None:
    client = trusted()
    drawn(client, 1000, days=2)
    lending.invoice_credit(at=NOON + 2 * DAY)
    drawn(client, 3000, key="late", days=1)

    lending.invoice_credit(at=NOON + 3 * DAY)

    amounts = Invoice.objects.order_by("due_at").values_list("amount_minor", flat=True)
    assert list(amounts) == [1000, 2000]
