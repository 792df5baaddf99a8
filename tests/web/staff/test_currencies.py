"""Forms of finance take amounts in the currency that is chosen."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from marketplace.kit.money import Money
from payouts.models import BillingTerms, BudgetGrant, Funding, Policy, Proposal
from payouts.selectors.budgets import wallets
from tests import make
from tests.browser import exchanging
from tests.make import NOON, usd
from tests.web.client.visit import at, owner_of, words
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
WHY = "The bank's booking of today."


@pytest.fixture(autouse=True)
def four_currencies(settings: Settings) -> None:
    settings.CURRENCIES = ("USD", "EUR", "JPY", "KWD")
    settings.DEMO = True


def fay() -> Client:
    return cast.enter(cast.staff("finance"))


def terms(**more: object) -> BillingTerms:
    made = make.user().pk
    return BillingTerms.objects.create(
        organization=make.organization(),
        effective_at=NOON,
        made_by=made,
        approved_by=make.user().pk,
        **more,
    )


def test_a_wire_and_its_way_back_are_in_the_currency_of_the_statement() -> None:
    client = make.organization()
    wire = {
        "wire-organization": client.pk,
        "wire-currency": "JPY",
        "wire-amount": "5,000",
        "wire-reference": "MT103 77120",
    }

    refused = fay().post(reverse("staff:add_wire"), wire | {"wire-amount": "5000.50"})
    fay().post(reverse("staff:add_wire"), wire)
    row = Funding.objects.get()
    cast.enter(cast.staff("finance")).post(reverse("staff:act_on_wire", args=[row.pk, "confirm"]))
    back = {
        "back-organization": client.pk,
        "back-currency": "JPY",
        "back-amount": "4000",
        "back-why": WHY,
    }
    fay().post(reverse("staff:wire_back"), back)

    assert "JPY has no decimals: write 5000." in cast.text(refused)
    assert wallets(client)["JPY"] == Money(5_000, "JPY")
    assert Proposal.objects.get().terms["currency"] == "JPY"


def test_limits_deposits_and_rules_are_in_the_chosen_currency() -> None:
    client = make.organization()
    limit = {
        "terms-organization": client.pk,
        "terms-mode": "post_paid",
        "terms-currency": "KWD",
        "terms-limit": "1,500.250",
        "terms-net_days": "30",
        "terms-why": WHY,
    }
    deposit = {"deposit-currency": "EUR", "deposit-amount": "900.50", "deposit-why": WHY}
    rule = {"kind": "payout_minimum", "currency": "JPY", "value": "1000", "why": WHY}

    fay().post(reverse("staff:change_terms"), limit)
    fay().post(reverse("staff:deposit"), deposit)
    fay().post(reverse("staff:change_policy"), rule)

    found = {each.kind: each.terms for each in Proposal.objects.all()}
    asked = found["billing_terms"]
    assert (asked["limit_minor"], asked["currency"]) == (1_500_250, "KWD")
    assert found["deposit_capital"] == {"minor": 90_050, "currency": "EUR"}
    rule_set = Policy.objects.get()
    assert (rule_set.value, rule_set.currency) == (1_000, "JPY")


def test_an_exchange_of_fees_is_no_budget_without_cash() -> None:
    kim = cast.staff("finance", name="Kim Checker")
    exchanging.furnish(maker=cast.staff("finance"), checker=kim)

    page = cast.text(cast.enter(kim).get(reverse("staff:grants")))

    assert "Granted budgets are not backed by cash" not in page
    assert "184,598,763 JPY" in page


def test_an_own_organisation_asks_for_a_budget_in_yen() -> None:
    lab = terms(mode="in_house").organization
    form = {
        "currency": "JPY",
        "amount": "250000",
        "cap": "400,000",
        "purchase_order": "PO-1",
        "cost_centre": "R&D",
    }

    owner_of(lab).post(at(lab, "budgets"), form)

    grant = BudgetGrant.objects.get()
    assert (grant.amount_minor, grant.cap_minor, grant.currency) == (250_000, 400_000, "JPY")


def test_credit_stands_on_the_page_of_its_own_currency_only() -> None:
    lab = terms(mode="post_paid", currency="EUR", limit_minor=100_000, net_days=30).organization
    make.fund(lab, usd(500))
    browser = owner_of(lab)

    dollars = words(browser.get(at(lab, "billing"), {"currency": "USD"}))
    euro = words(browser.get(at(lab, "billing"), {"currency": "EUR"}))

    assert "1,000.00 EUR, the limit" not in dollars
    assert "1,000.00 EUR, the limit" in euro
