"""Asking for money back, what a bank contests, and how long money lasts, over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from payouts.models import Earning, Funding, Refund
from payouts.selectors.budgets import project_budget, wallet
from payouts.selectors.forecasts import Runway, runways
from tests import make
from tests.browser.payments import press
from tests.make import NOON, usd
from tests.payouts import make as money
from tests.web.client.visit import at, member, owner_of, signed_in, words

pytestmark = pytest.mark.django_db


def paid(minor: int = 10_000) -> Organization:
    client = make.organization()
    money.paid_funding(client, usd(minor))
    return client


def form(amount: str = "30") -> dict[str, object]:
    return {"ask-amount": amount, "ask-why": "Too much", "ask-key": uuid7()}


def test_money_is_asked_back_after_one_more_look_and_once() -> None:
    client, asked = paid(), form()
    browser = owner_of(client)

    sure = browser.post(at(client, "ask_refund"), asked)
    before = Refund.objects.count()
    for _ in range(2):
        answer = browser.post(at(client, "ask_refund"), {**asked, "sure": "1"}, follow=True)

    assert "Ask for 30.00 USD back?" in words(sure)
    assert (before, Refund.objects.count()) == (0, 1)
    assert wallet(client, "USD") == usd(7_000)
    assert "30.00 USD is set aside to go back to you." in words(answer)


def test_too_much_is_refused_on_the_form_in_the_verbs_words() -> None:
    client = paid()

    answer = owner_of(client).post(at(client, "ask_refund"), {**form("100.01"), "sure": "1"})

    assert answer.status_code == 422
    assert "This needs 100.01 USD, but there is 100.00 USD in the wallet." in words(answer)


@pytest.mark.parametrize("amount", ["", "-5", "0", "1.005", "12,5", "NaN", "1e3"])
def test_what_is_no_amount_is_said_to_be_none(amount: str) -> None:
    client = paid()

    answer = owner_of(client).post(at(client, "ask_refund"), {**form(amount), "sure": "1"})

    assert (answer.status_code, Refund.objects.count()) == (422, 0)


def test_a_request_is_taken_back() -> None:
    client, browser = paid(), None
    browser = owner_of(client)
    browser.post(at(client, "ask_refund"), {**form(), "sure": "1"})

    browser.post(at(client, "withdraw_refund", refund_id=Refund.objects.get().pk))

    assert (Refund.objects.get().state, wallet(client, "USD")) == ("refused", usd(10_000))


def test_nobody_takes_back_what_another_client_asked_for() -> None:
    client, other = paid(), paid()
    owner_of(client).post(at(client, "ask_refund"), {**form(), "sure": "1"})

    found = owner_of(other).post(at(other, "withdraw_refund", refund_id=Refund.objects.get().pk))

    assert (found.status_code, Refund.objects.get().state) == (404, "requested")


@pytest.mark.parametrize("role", ["manager", "reviewer", "viewer"])
def test_members_without_the_money_see_refunds_and_ask_for_none(role: str) -> None:
    client = paid()
    browser = signed_in(member(client, role))

    page = browser.get(at(client, "refunds"))

    assert "Ask for money back" not in words(page)
    assert browser.post(at(client, "ask_refund"), form()).status_code == 403


def test_a_contested_payment_is_on_billing_and_refunds_at_once() -> None:
    client = paid()
    press("open_chargeback", str(Funding.objects.get().charge_id))
    browser = owner_of(client)

    billing, refunds = (words(browser.get(at(client, name))) for name in ("billing", "refunds"))

    assert "100.00 USD has to stay where it is" in billing
    assert "until the bank has decided" in billing
    assert "Payments that a bank takes back" in refunds


def test_one_of_the_usual_amounts_is_paid_in() -> None:
    client = make.organization()

    owner_of(client).post(at(client, "pay"), {"pay-preset": "200000"})

    assert Funding.objects.get().amount_minor == 200_000


def test_no_amount_at_all_is_asked_for() -> None:
    client = make.organization()

    answer = owner_of(client).post(at(client, "pay"), {})

    assert (answer.status_code, Funding.objects.count()) == (422, 0)
    assert "Choose an amount or write one." in words(answer)


def test_payments_refresh_by_themselves_only_while_one_is_under_way() -> None:
    client = make.organization()
    browser = owner_of(client)
    row = money.start_funding(client, usd(5_000))

    moving = words(browser.get(at(client, "payments")))
    Funding.objects.filter(pk=row.pk).update(created_at=NOON - timedelta(hours=1))
    still = words(browser.get(at(client, "payments")))

    assert "hx-trigger" in moving
    assert "hx-trigger" not in still


def test_money_lasts_as_long_as_two_weeks_of_work_tell() -> None:
    batch = money.reservation(usd(10_000))
    who = money.expert()
    for days in (1, 4, 9):
        money.credited(batch, who, 1_000, at=NOON - timedelta(days=days))
    budget = project_budget(batch.subject_id, "USD")

    found = runways({batch.subject_id: budget}, at=NOON)[batch.subject_id]

    assert (budget.reserved, found) == (usd(7_000), Runway(23, usd(300)))
    assert found.words == "about 23 days"


def test_two_days_of_work_are_not_enough_to_tell() -> None:
    batch = money.reservation(usd(10_000))
    who = money.expert()
    for days in (1, 4, 20):
        money.credited(batch, who, 1_000, at=NOON - timedelta(days=days))
    budget = project_budget(batch.subject_id, "USD")

    found = runways({batch.subject_id: budget, uuid7(): budget}, at=NOON)

    assert [each.words for each in found.values()] == ["not enough data"] * 2
    assert Earning.objects.count() == 3
