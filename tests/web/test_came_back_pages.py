"""What an expert reads of money that came back, and of what an employer pays."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.kit import clock
from marketplace.people.models import Expert
from marketplace.web.expert.charts import weekly_earnings
from payouts.models import Earning
from payouts.selectors.came_back import unpaid_of
from payouts.services import payrolling
from tests.browser.pages import signed_in
from tests.make import NOON
from tests.payouts import make as money
from tests.payouts.test_came_back import refused_by_bank, sent, taken_back
from tests.payouts.test_payroll import DECEMBER, drafted, employee, worked
from tests.web.test_earnings_page import taken, words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def enter(who: Expert) -> Client:
    return signed_in(who.user)


def read(client: Client, path: str) -> str:
    return words(client.get(path).content.decode())


def test_a_refusal_by_the_bank_says_what_to_do_next() -> None:
    payout = sent()
    refused_by_bank(payout)
    client = enter(payout.expert)

    earnings = read(client, "/earnings/")

    assert "Your bank returned 50.00 USD" in earnings
    assert "Paid 0.00 USD" in earnings
    assert "Your bank returned 50.00 USD" in read(client, "/")
    assert "Payout returned by your bank" in read(client, "/")
    page = client.get(reverse("payout", args=[payout.pk])).content.decode()
    assert reverse("payout_setup") in page
    assert "account_closed" not in page


def test_what_was_taken_back_is_named_with_its_date() -> None:
    payout = sent()
    taken_back(payout, 5000)
    client = enter(payout.expert)

    page = read(client, reverse("payout", args=[payout.pk]))

    assert "50.00 USD taken back" in page
    assert "The operator took the transfer back." in page
    assert "20 Nov" in page
    earnings = read(client, "/earnings/")
    assert "A payout that was taken back" in earnings
    assert "Came back 20 Nov 2026" in earnings
    assert "Payout taken back · 50.00 USD" in read(client, "/")


def test_the_chart_and_the_table_count_what_came_back_once() -> None:
    payout = sent()
    taken_back(payout, 1200)

    chart = weekly_earnings(payout.expert, "USD", unpaid=unpaid_of(payout.expert), at=NOON)
    table = enter(payout.expert).get("/earnings/all.csv").content.decode().splitlines()

    assert chart is not None
    assert chart["bars"][-1]["words"] == "38.00 USD paid, 12.00 USD not yet"
    cells = [dict(zip(table[0].split(","), row.split(","), strict=True)) for row in table[1:]]
    counted = sum(int(row["amount_minor"]) - int(row["came_back_minor"]) for row in cells)
    assert counted == 5000


def test_an_employee_is_told_who_pays_and_is_asked_for_no_account() -> None:
    lab = money.organization()
    who = employee(lab)
    worked(who, 3000)
    export = payrolling.approve_payroll(export=drafted(lab), by=money.user(), at=DECEMBER)
    payrolling.acknowledge_payroll(export=export, by=money.user(), at=DECEMBER)
    client = enter(who)

    page = read(client, "/earnings/")

    assert "Paid by your employer 30.00 USD" in page
    assert "Set up payouts" not in page
    one = read(client, reverse("earning", args=[Earning.objects.get().pk]))
    assert "Paid by your employer, Lab, for November 2026." in one
    assert "In no payout yet" not in one
    assert "30.00 USD so far" in read(client, reverse("statements"))
    assert "Connect a payout account" not in read(client, "/")


def test_a_clawback_is_on_the_start_page() -> None:
    earning, who = taken()

    page = enter(who).get("/").content.decode()

    assert "Pay taken back" in page
    assert reverse("earning", args=[earning.pk]) in page
