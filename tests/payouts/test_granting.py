"""Budgets of the operator's own organisations: an order, a cost centre, a cap, two people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from marketplace.kit.errors import InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from payouts.models import BillingTerms, BudgetGrant, Proposal
from payouts.selectors.budgets import project_budget, wallet
from payouts.selectors.invariants import check_ledger
from payouts.services import granting, proposing
from payouts.services.accounts import account
from payouts.services.granting import AboveCap, NotInHouse
from payouts.services.proposing import SamePerson
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def in_house() -> Organization:
    lab = make.organization("Own lab")
    BillingTerms.objects.create(
        organization=lab, mode="in_house", effective_at=NOON, made_by=uuid7(), approved_by=uuid7()
    )
    return lab


def asked(lab: Organization, minor: int = 5000, **more: object) -> BudgetGrant:
    return granting.request_grant(
        organization=lab,
        amount=usd(minor),
        purchase_order="PO-77",
        cost_centre="R&D 4",
        by=make.user(),
        at=NOON,
        **more,  # type: ignore[arg-type]  # keywords of the verb
    )


def test_a_granted_budget_reaches_the_wallet_and_names_its_order() -> None:
    lab = in_house()
    grant = asked(lab)

    granting.approve_grant(grant=grant, by=make.user(), at=NOON)

    assert wallet(lab, "USD") == usd(5000)
    assert make.balance(account("operator_capital", currency="USD")) == -5000


def test_a_grant_for_a_project_is_its_budget_at_once() -> None:
    lab, project = in_house(), uuid7()
    grant = asked(lab, subject_id=project)

    granting.approve_grant(grant=grant, by=make.user(), at=NOON)

    assert project_budget(project, "USD").escrow == usd(5000)
    assert wallet(lab, "USD") == usd(0)


def test_nobody_grants_what_they_asked_for() -> None:
    lab, person = in_house(), make.user()
    grant = granting.request_grant(
        organization=lab,
        amount=usd(100),
        purchase_order="PO-1",
        cost_centre="4",
        by=person,
        at=NOON,
    )

    with pytest.raises(SamePerson):
        granting.approve_grant(grant=grant, by=person, at=NOON)
    with pytest.raises(SamePerson):
        granting.refuse_grant(grant=grant, answer="", by=person, at=NOON)
    with pytest.raises(IntegrityError, match="grant_checker_is_not_maker"), transaction.atomic():
        BudgetGrant.objects.filter(pk=grant.pk).update(
            state="granted", decided_by=person.pk, decided_at=NOON
        )

    assert wallet(lab, "USD") == usd(0)


def test_only_whoever_asked_withdraws() -> None:
    grant = asked(in_house())

    with pytest.raises(SamePerson):
        granting.withdraw_grant(grant=grant, by=make.user(), at=NOON)


def test_the_lowest_cap_of_a_project_binds_all_its_grants() -> None:
    lab, project = in_house(), uuid7()
    first = asked(lab, 5000, subject_id=project, cap=usd(8000))
    granting.approve_grant(grant=first, by=make.user(), at=NOON)

    with pytest.raises(AboveCap, match=r"would come to 80\.01 USD; its cap is 80\.00 USD"):
        asked(lab, 3001, subject_id=project, cap=usd(90000))

    asked(lab, 3000, subject_id=project)


def test_two_requests_below_the_cap_are_not_both_granted_above_it() -> None:
    lab, project = in_house(), uuid7()
    first = asked(lab, 5000, subject_id=project, cap=usd(8000))
    second = asked(lab, 5000, subject_id=project, cap=usd(8000))
    granting.approve_grant(grant=first, by=make.user(), at=NOON)

    with pytest.raises(AboveCap):
        granting.approve_grant(grant=second, by=make.user(), at=NOON)

    assert project_budget(project, "USD").escrow == usd(5000)


def test_a_client_that_pays_in_is_given_nothing() -> None:
    with pytest.raises(NotInHouse):
        asked(make.organization())


@pytest.mark.parametrize("minor", [0, -5])
def test_a_grant_gives_something(minor: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        asked(in_house(), minor)

    assert refused.value.data["errors"] == [
        {"field": "amount", "problem": "must be more than nothing"}
    ]


def test_the_operators_own_cash_takes_two_people() -> None:
    person = make.user()
    proposal = granting.propose_deposit(
        amount=usd(9000), why="Quarterly budget of the lab", by=person, at=NOON
    )

    with pytest.raises(SamePerson):
        proposing.approve(proposal=proposal, by=person, at=NOON)
    proposing.approve(proposal=proposal, by=make.user(), at=NOON)

    assert make.balance(account("operator_capital", currency="USD")) == 9000
    assert make.balance(account("platform_bank", currency="USD")) == 9000
    assert Proposal.objects.get().state == "approved"


def test_budgets_without_cash_behind_them_are_warned_of_and_break_nothing() -> None:
    grant = asked(in_house(), 5000)
    granting.approve_grant(grant=grant, by=make.user(), at=NOON)

    before = check_ledger(NOON)
    deposit = granting.propose_deposit(
        amount=usd(5000), why="Quarterly budget of the lab", by=make.user(), at=NOON
    )
    proposing.approve(proposal=deposit, by=make.user(), at=NOON)

    text = "USD: grants exceed the operator's own cash by 5000; confirm a deposit"
    assert text in [each.problem for each in before.warnings]
    assert before.broken == ()
    assert text not in [each.problem for each in check_ledger(NOON).warnings]


def test_a_budget_is_not_granted_after_the_terms_have_changed() -> None:
    lab = in_house()
    grant = asked(lab)
    BillingTerms.objects.create(
        organization=lab,
        mode="prepaid",
        effective_at=NOON + timedelta(hours=1),
        made_by=uuid7(),
        approved_by=uuid7(),
    )

    with pytest.raises(NotInHouse):
        granting.approve_grant(grant=grant, by=make.user(), at=NOON + timedelta(hours=2))

    assert wallet(lab, "USD") == usd(0)
