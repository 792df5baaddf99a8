"""A client asks for budgets of its own house and says that its people are paid."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace.kit.ids import uuid7
from payouts.models import BillingTerms, BudgetGrant, Invoice, PayrollExport
from payouts.selectors.budgets import wallet
from payouts.services import lending
from tests import make
from tests.browser import in_house
from tests.make import NOON, usd
from tests.web.client.visit import at, member, owner_of, signed_in, words

pytestmark = pytest.mark.django_db


def test_a_budget_is_asked_for_and_withdrawn() -> None:
    client = make.organization()
    owner = client.memberships.get().user
    in_house.furnish(client=client, by=owner)
    browser = owner_of(client)

    browser.post(
        at(client, "budgets"),
        {"amount": "120.50", "purchase_order": "PO-9", "cost_centre": "7"},
    )
    grant = BudgetGrant.objects.get(purchase_order="PO-9")
    browser.post(at(client, "withdraw_grant", grant_id=grant.pk))

    grant.refresh_from_db()
    assert (grant.amount_minor, grant.state) == (12_050, "withdrawn")


def test_a_client_that_pays_in_is_told_how_budgets_come() -> None:
    client = make.organization()

    page = words(owner_of(client).get(at(client, "budgets")))

    assert "No budgets without a payment" in page


def test_the_employer_settles_a_payroll_and_has_its_money_back() -> None:
    client = make.organization()
    export = in_house.furnish(client=client, by=client.memberships.get().user)
    before = wallet(client, "USD")

    owner_of(client).post(at(client, "acknowledge_payroll", export_id=export.pk))

    export.refresh_from_db()
    assert export.state == "acknowledged"
    assert (wallet(client, "USD") - before).minor == 123_456


def test_drafts_and_other_employers_files_are_not_shown() -> None:
    client, other = make.organization(), make.organization()
    in_house.furnish(client=client, by=client.memberships.get().user)
    draft = PayrollExport.objects.get(state="drafted")
    exported = PayrollExport.objects.get(state="exported")

    for row, of in ((draft, client), (exported, other)):
        url = at(of, "payroll_file", export_id=row.pk)
        assert owner_of(of).get(url).status_code == 404


def test_a_reviewer_sees_no_payroll() -> None:
    client = make.organization()

    browser = signed_in(member(client, "reviewer"))

    assert browser.get(at(client, "payroll")).status_code == 403


def test_in_house_billing_leads_to_budgets_and_offers_no_card() -> None:
    client = make.organization()
    in_house.furnish(client=client, by=client.memberships.get().user)

    page = words(owner_of(client).get(at(client, "billing")))

    assert "To the payment page" not in page
    assert "Ask for a budget" in page
    assert "Nothing paid in yet" not in page


def test_a_client_on_credit_reads_what_it_owes_and_until_when() -> None:
    client = make.organization()
    BillingTerms.objects.create(
        organization=client,
        mode="post_paid",
        currency="USD",
        limit_minor=500_000,
        net_days=30,
        effective_at=NOON - timedelta(days=3000),
        made_by=uuid7(),
        approved_by=uuid7(),
    )
    lending.draw_credit(organization=client, wanted=usd(30_000), key="a", by=None, at=NOON)
    lending.invoice_credit(at=NOON)
    number = Invoice.objects.get().document.number
    browser = owner_of(client)

    billing, budgets = (words(browser.get(at(client, name))) for name in ("billing", "budgets"))

    assert 'Owed</dt><dd class="v">300.00 USD' in billing
    assert "of 5,000.00 USD" in billing
    assert number in billing
    assert "No budgets without a payment" not in budgets
    assert number in budgets
