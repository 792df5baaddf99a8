"""Finance at budgets, credit terms and payroll: two people, the right words, the right file."""

from __future__ import annotations

import pytest
from django.urls import reverse

from payouts.models import BillingTerms, BudgetGrant, PayrollExport, Proposal
from tests import make
from tests.browser import in_house
from tests.web.staff import cast

pytestmark = pytest.mark.django_db


def test_a_request_is_granted_in_the_dialog_by_somebody_else() -> None:
    client = make.organization()
    in_house.furnish(client=client, by=client.memberships.get().user)
    waiting = BudgetGrant.objects.get(state="requested")
    browser = cast.enter(cast.staff("finance"))

    response = browser.post(reverse("staff:decide_grant", args=(waiting.pk, "approve")))

    waiting.refresh_from_db()
    assert (response.status_code, waiting.state) == (302, "granted")


def test_terms_are_proposed_and_wait_for_a_second_person() -> None:
    client = make.organization()
    browser = cast.enter(cast.staff("finance"))

    browser.post(
        reverse("staff:change_terms"),
        {
            "terms-organization": client.pk,
            "terms-mode": "post_paid",
            "terms-limit": "5,000.00",
            "terms-net_days": "30",
            "terms-why": "Three years of paid invoices",
        },
    )

    assert Proposal.objects.get().terms == {
        "mode": "post_paid",
        "currency": "USD",
        "limit_minor": 500_000,
        "net_days": 30,
    }
    assert not BillingTerms.objects.exists()


def test_terms_that_cannot_be_are_said_at_the_field() -> None:
    client = make.organization()
    browser = cast.enter(cast.staff("finance"))

    response = browser.post(
        reverse("staff:change_terms"),
        {"terms-organization": client.pk, "terms-mode": "post_paid", "terms-why": "Because of it"},
    )

    assert response.status_code == 422
    assert "must be more than nothing" in response.content.decode()


def test_a_draft_is_approved_by_somebody_else_and_its_file_never_changes() -> None:
    client = make.organization()
    in_house.furnish(client=client, by=client.memberships.get().user)
    draft = PayrollExport.objects.get(state="drafted")
    browser = cast.enter(cast.staff("finance"))

    browser.post(reverse("staff:act_on_payroll", args=(draft.pk, "approve")))

    draft.refresh_from_db()
    file = browser.get(reverse("staff:payroll_file", args=(draft.pk,)))
    assert (draft.state, draft.number) == ("exported", 2)
    assert file.content.decode() == draft.csv


def test_an_auditor_looks_and_decides_nothing() -> None:
    client = make.organization()
    in_house.furnish(client=client, by=client.memberships.get().user)
    waiting = BudgetGrant.objects.get(state="requested")
    browser = cast.enter(cast.staff("auditor"))

    page = browser.get(reverse("staff:grants")).content.decode()
    answer = browser.post(reverse("staff:decide_grant", args=(waiting.pk, "approve")))

    assert "Decide" not in page
    assert answer.status_code == 403


def test_nobody_of_finance_decides_for_an_organisation_of_their_own() -> None:
    client = make.organization()
    in_house.furnish(client=client, by=client.memberships.get().user)
    waiting = BudgetGrant.objects.get(state="requested")
    draft = PayrollExport.objects.get(state="drafted")
    person = cast.staff("finance")
    make.enrol(person, client, "viewer")
    browser = cast.enter(person)

    granted = browser.post(reverse("staff:decide_grant", args=(waiting.pk, "approve")))
    approved = browser.post(reverse("staff:act_on_payroll", args=(draft.pk, "approve")))

    assert (granted.status_code, approved.status_code) == (403, 403)
