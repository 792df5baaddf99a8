"""Payments, refunds and chargebacks of clients as finance sees them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from marketplace.organizations.models import Membership
from marketplace.people.models import User
from payouts.models import Funding, Proposal, Refund, RefundPart
from payouts.selectors.budgets import wallet
from tests import make
from tests.browser.payments import ask, entered, press
from tests.make import NOON, usd
from tests.payouts import make as money
from tests.web.staff import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def fay() -> User:
    return cast.staff("finance", name="Fay Finance")


@pytest.fixture
def kim() -> User:
    return cast.staff("finance", name="Kim Checker")


def test_a_bank_transfer_is_credited_by_two_people(fay: User, kim: User) -> None:
    client = make.organization()
    form = {
        "wire-organization": client.pk,
        "wire-amount": "5,000",
        "wire-reference": "MT103 77120",
    }

    cast.enter(fay).post(reverse("staff:add_wire"), form)
    url = reverse("staff:act_on_wire", args=[Funding.objects.get().pk, "confirm"])
    own = cast.enter(fay).post(url, follow=True)
    cast.enter(kim).post(url)

    assert "Somebody else has to confirm the transfer you entered." in cast.text(own)
    assert wallet(client, "USD") == usd(500_000)


def test_a_transfer_that_was_entered_before_is_refused_on_the_form(fay: User) -> None:
    client = make.organization()
    known = entered(client, fay)
    form = {
        "wire-organization": client.pk,
        "wire-amount": "1",
        "wire-reference": known.reference.lower(),
    }

    answer = cast.enter(fay).post(reverse("staff:add_wire"), form)

    assert answer.status_code == 422
    assert "was entered before" in cast.text(answer)
    assert Funding.objects.count() == 1


def test_nobody_of_finance_acts_on_their_own_organisation(fay: User, kim: User) -> None:
    client = make.organization()
    Membership.objects.create(organization=client, user=kim, role="viewer", joined_at=NOON)
    wire = entered(client, fay)
    money.paid_funding(client, usd(10_000))
    refund = ask(client, 3_000)
    browser = cast.enter(kim)

    answers = [
        browser.post(reverse("staff:act_on_wire", args=[wire.pk, "confirm"])),
        browser.post(reverse("staff:decide_refund", args=[refund.pk, "approve"])),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    refund.refresh_from_db()
    assert refund.state == "requested"


def test_a_refund_is_sent_when_finance_has_approved(fay: User) -> None:
    client = make.organization()
    money.paid_funding(client, usd(10_000))
    refund = ask(client, 3_000)

    cast.enter(fay).post(reverse("staff:decide_refund", args=[refund.pk, "approve"]))
    money.drain()

    refund.refresh_from_db()
    assert (refund.state, refund.approved_by) == ("paid", fay.pk)


def test_a_refused_refund_tells_the_client_why(fay: User) -> None:
    client = make.organization()
    money.paid_funding(client, usd(10_000))
    refund = ask(client, 3_000)

    cast.enter(fay).post(
        reverse("staff:decide_refund", args=[refund.pk, "refuse"]), {"answer": "Call us first"}
    )

    assert Refund.objects.get().state == "refused"
    assert RefundPart.objects.get().error_message == "Call us first"


def test_it_is_too_early_to_say_that_a_refund_never_left(fay: User) -> None:
    client = make.organization()
    money.paid_funding(client, usd(10_000))
    part = ask(client, 3_000).parts.get()

    answer = cast.enter(fay).post(
        reverse("staff:declare_not_sent", args=[part.pk]),
        {"why": "Stripe shows none"},
        follow=True,
    )

    assert "Look again after 24 hours." in cast.text(answer)
    assert Proposal.objects.count() == 0


def test_chargebacks_show_what_is_held_and_auditors_only_look(fay: User) -> None:
    client = make.organization()
    row = money.paid_funding(client, usd(10_000))
    press("open_chargeback", str(row.charge_id))
    grace = cast.enter(cast.staff("auditor", name="Grace"))

    page = cast.text(grace.get(reverse("staff:chargebacks")))

    assert "Held apart" in page
    assert page.count("100.00 USD") == 3
    assert grace.post(reverse("staff:add_wire")).status_code == 403
    assert cast.enter(cast.staff("support")).get(reverse("staff:refunds")).status_code == 403


@pytest.mark.parametrize("name", ["payments", "refunds", "chargebacks"])
def test_three_rows_cost_what_one_costs(name: str, fay: User) -> None:
    browser = cast.enter(fay)
    add()
    browser.get(reverse(f"staff:{name}"))

    one = cast.queries(browser, reverse(f"staff:{name}"))
    add()
    add()

    assert cast.queries(browser, reverse(f"staff:{name}")) == one


def add() -> None:
    client = make.organization()
    contested = money.paid_funding(client, usd(10_000))
    money.paid_funding(client, usd(20_000))
    ask(client, 3_000)
    press("open_chargeback", str(contested.charge_id))
