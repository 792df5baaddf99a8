"""What a client reads of a payment that a bank contests, and of one that a bank has taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from marketplace.projects.models import Project
from payouts.models import Chargeback, Refund
from payouts.services import budgeting
from tests import make
from tests.browser.payments import press
from tests.make import NOON, usd
from tests.payouts import make as money
from tests.web.client.visit import at, owner_of, words

pytestmark = pytest.mark.django_db


def contested(minor: int = 10_000) -> Organization:
    client = make.organization()
    row = money.paid_funding(client, usd(minor))
    press("open_chargeback", str(row.charge_id))
    return client


def lost() -> Organization:
    """100.00 paid and taken back while 60.00 of it was the project's."""
    client = make.organization()
    row = money.paid_funding(client, usd(10_000))
    project = make.project(client=client)
    Project.objects.filter(pk=project.pk).update(title="Tax law")
    budgeting.allocate(
        organization=client,
        subject_id=project.pk,
        amount=usd(6_000),
        by=uuid7(),
        key="give",
        at=NOON,
    )
    press("open_chargeback", str(row.charge_id))
    press("lose_chargeback", Chargeback.objects.get(organization=client).dispute_id)
    return client


@pytest.mark.parametrize("name", ["overview", "billing", "refunds"])
def test_a_lost_payment_says_what_was_taken_from_where(name: str) -> None:
    client = lost()

    page = words(owner_of(client).get(at(client, name)))

    assert "A bank took back 100.00 USD" in page
    assert "40.00 USD from the wallet" in page
    assert "60.00 USD from the budget of Tax law" in page


def test_a_loss_is_news_for_a_month_and_stays_in_the_list() -> None:
    client = lost()
    Chargeback.objects.update(closed_at=F("closed_at") - timedelta(days=3000))

    page = words(owner_of(client).get(at(client, "billing")))

    assert "A bank took back" not in page
    assert "60.00 USD from the budget of Tax law" in page


def test_a_payment_reads_as_disputed_and_then_as_charged_back() -> None:
    client, other = contested(), lost()

    first, second = (words(owner_of(each).get(at(each, "payments"))) for each in (client, other))

    assert "disputed" in first
    assert "charged back" in second


def test_the_overview_says_at_once_what_has_to_stay() -> None:
    client = contested()

    page = words(owner_of(client).get(at(client, "overview")))

    assert "100.00 USD has to stay where it is" in page
    assert "A bank is taking back a payment of yours, so it stays until the bank" in page
    assert page.count("100.00 USD") == 2


def test_what_may_not_go_back_is_refused_before_the_second_look() -> None:
    client = contested()
    form = {"ask-amount": "30", "ask-key": uuid7()}

    answer = owner_of(client).post(at(client, "ask_refund"), form)

    assert (answer.status_code, Refund.objects.count()) == (422, 0)
    assert "100.00 USD has to stay where it is. A bank is taking back" in words(answer)


def test_a_bank_that_asks_is_told_apart_from_one_that_takes_back() -> None:
    client = contested()
    press("warn_of_chargeback", str(money.paid_funding(client, usd(4_200)).charge_id))

    page = words(owner_of(client).get(at(client, "billing")))

    assert "142.00 USD has to stay where it is" in page
    assert "100.00 USD: A bank is taking back a payment of yours, so it stays until the" in page
    assert "42.00 USD: A bank asks about a payment of yours, so it stays until the" in page


def test_a_lost_payment_tells_the_reason_in_words_and_nothing_has_to_stay() -> None:
    client = lost()

    page = words(owner_of(client).get(at(client, "billing")))

    assert "holder says it was not them" in page
    assert "fraudulent" not in page
    assert "has to stay" not in page


def test_a_won_payment_is_no_alarm_any_more() -> None:
    client = contested()
    press("win_chargeback", Chargeback.objects.get(organization=client).dispute_id)

    page = words(owner_of(client).get(at(client, "billing")))

    assert "has to stay" not in page
    assert "A bank took back" not in page
    assert "holder says it was not them" in page
