"""Exchanges of the operator's bank on the pages of finance."""

from __future__ import annotations

import pytest
from django.urls import reverse
from pytest_django.fixtures import Settings

from payouts.models import Posting, Proposal
from payouts.services.accounts import account
from tests.payouts import make as money
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
URL = "staff:exchanges"
FORM = {
    "sold_currency": "USD",
    "sold": "1,000.00",
    "bought_currency": "JPY",
    "bought": "149525",
    "reference": "FX 2026-0077",
    "why": "Experts in Japan are paid in yen.",
}


@pytest.fixture(autouse=True)
def three_currencies(settings: Settings) -> None:
    settings.CURRENCIES = ("USD", "EUR", "JPY")


def test_an_exchange_is_shown_proposed_and_booked_by_another() -> None:
    fay, kim = cast.staff("finance"), cast.staff("finance", name="Kim Checker")
    maker, checker = cast.enter(fay), cast.enter(kim)

    shown = cast.text(maker.get(reverse(URL), FORM))
    maker.post(reverse("staff:exchange"), FORM)
    row = Proposal.objects.get()
    act = reverse("staff:decide_proposal", args=[row.pk, "approve"])
    own = cast.text(maker.post(act, follow=True))
    waiting = cast.text(checker.get(reverse("staff:proposals")))
    checker.post(act)
    sold = Posting.objects.get(kind="fx_sold")
    explained = cast.text(checker.get(reverse("staff:posting", args=[sold.pk])))

    assert "1 USD = 149.525 JPY" in shown
    assert "exactly 5,981 JPY : 40 USD" in shown
    assert "0 JPY → 149,525 JPY" in shown
    assert "Somebody else has to approve what you proposed." in own
    assert "our bank took 1,000.00 USD and gave 149,525 JPY (1 USD = 149.525 JPY)" in waiting
    assert money.balance(account("platform_bank", currency="JPY")) == 149_525
    assert "1,000.00 USD for 149,525 JPY, 1 USD = 149.525 JPY, FX 2026-0077" in explained
    assert "fx_bought, JPY" in explained


def test_an_unusual_rate_is_asked_about_again() -> None:
    fay, kim = cast.staff("finance"), cast.staff("finance", name="Kim Checker")
    maker = cast.enter(fay)
    maker.post(reverse("staff:exchange"), FORM)
    cast.enter(kim).post(
        reverse("staff:decide_proposal", args=[Proposal.objects.get().pk, "approve"])
    )
    odd = FORM | {"bought": "14952", "reference": "FX 2026-0078"}

    shown = cast.text(maker.get(reverse(URL), odd))
    refused = maker.post(reverse("staff:exchange"), odd)
    sure = maker.post(reverse("staff:exchange"), odd | {"sure": "1"})

    assert "This rate is 90.1 % off the last one" in shown
    assert refused.status_code == 422
    assert "is more than 10 % off the last rate, 1 USD = 149.525 JPY." in cast.text(refused)
    assert sure.status_code == 302
    assert Proposal.objects.filter(state="proposed").count() == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bought_currency": "USD", "bought": "5"}, "Choose another currency"),
        ({"sold": "0"}, "Write more than nothing."),
        ({"bought": "149525.50"}, "JPY has no decimals: write 149525."),
        ({"bought_currency": "CHF"}, "CHF is not one of the available choices"),
        ({"why": "so"}, "at least 10 characters"),
    ],
)
def test_a_wrong_exchange_is_refused_at_its_field(change: dict[str, str], said: str) -> None:
    browser = cast.enter(cast.staff("finance"))

    answers = [
        browser.get(reverse(URL), FORM | change),
        browser.post(reverse("staff:exchange"), FORM | change),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all(said in cast.text(answer) for answer in answers)
    assert Proposal.objects.count() == 0


def test_an_instance_with_one_currency_has_nothing_to_exchange(settings: Settings) -> None:
    settings.CURRENCIES = ("USD",)

    page = cast.text(cast.enter(cast.staff("finance")).get(reverse(URL)))

    assert "There is one currency" in page
    assert 'name="sold"' not in page


def test_an_auditor_reads_and_proposes_nothing() -> None:
    browser = cast.enter(cast.staff("auditor"))

    page = browser.get(reverse(URL), FORM)
    refused = browser.post(reverse("staff:exchange"), FORM)

    assert page.status_code == 200
    assert "Propose it" not in cast.text(page)
    assert refused.status_code == 403
