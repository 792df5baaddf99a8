"""Paying in, moving budget, and what the page says about it."""

from __future__ import annotations

import pytest

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit.ids import uuid7
from payouts.models import Funding
from payouts.selectors.budgets import project_budget, wallet
from payouts.services import sandboxing
from tests import make
from tests.make import usd
from tests.payouts import make as money
from tests.web.client.visit import at, member, owner_of, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_paying_in_goes_over_the_payment_page_into_the_wallet() -> None:
    client = make.organization()
    browser = owner_of(client)

    away = browser.post(at(client, "pay"), {"pay-amount": "1,250.50"})
    back = browser.post(away["Location"], {"act": "pay"})
    run_due_jobs()
    page = words(browser.get(back["Location"], follow=True))

    assert Funding.objects.get().state == "paid"
    assert wallet(client, "USD") == usd(125_050)
    assert "1,250.50 USD" in page


def test_budget_moves_once_however_often_the_button_is_pressed() -> None:
    project = make.project(budget=usd(1))
    client, browser = project.organization, owner_of(project.organization)
    make.fund(client, usd(10_000))
    form = {
        "budget-project": project.pk,
        "budget-move": "give",
        "budget-amount": "40",
        "budget-key": uuid7(),
    }

    browser.post(at(client, "move_budget"), form)
    browser.post(at(client, "move_budget"), form)
    browser.post(
        at(client, "move_budget"),
        {**form, "budget-move": "take", "budget-amount": "15", "budget-key": uuid7()},
    )

    assert project_budget(project.pk, "USD").escrow == usd(2_501)
    assert wallet(client, "USD") == usd(7_500)


def test_more_than_the_wallet_holds_is_refused_with_the_amounts() -> None:
    project = make.project()
    client = project.organization
    form = {
        "budget-project": project.pk,
        "budget-move": "give",
        "budget-amount": "40",
        "budget-key": uuid7(),
    }

    response = owner_of(client).post(at(client, "move_budget"), form)

    assert response.status_code == 422
    assert "This needs 40.00 USD, but there is 0.00 USD" in words(response)


def test_budget_of_another_clients_project_is_refused() -> None:
    project, other = make.project(), make.funded_organization(usd(10_000))
    form = {
        "budget-project": project.pk,
        "budget-move": "take",
        "budget-amount": "40",
        "budget-key": uuid7(),
    }

    response = owner_of(other).post(at(other, "move_budget"), form)

    assert response.status_code == 422
    assert wallet(other, "USD") == usd(10_000)


@pytest.mark.parametrize("role", ["manager", "reviewer", "viewer"])
def test_members_without_the_money_see_it_and_cannot_move_it(role: str) -> None:
    client = make.funded_organization(usd(10_000))
    browser = signed_in(member(client, role))

    page = words(browser.get(at(client, "billing")))

    assert "100.00 USD" in page
    assert "Pay in</h2>" not in page
    assert browser.post(at(client, "pay"), {"pay-amount": "1"}).status_code == 403
    assert browser.post(at(client, "move_budget")).status_code == 403


def test_each_project_shows_its_own_money() -> None:
    client = make.organization()
    rich, poor = (make.project(client=client, budget=usd(minor)) for minor in (90_000, 700))
    make.open_batch(of=rich, tasks=1, answers=1, price=usd(1_000))

    page = owner_of(client).get(at(client, "billing"))

    shown = {row["project"].pk: row["budget"] for row in page.context["projects"]}
    assert shown[rich.pk] == project_budget(rich.pk, "USD")
    assert (shown[rich.pk].reserved, shown[rich.pk].escrow) == (usd(1_150), usd(88_390))
    assert (shown[poor.pk].allocated, shown[poor.pk].reserved) == (usd(700), usd(0))


def test_totals_count_the_projects_that_are_no_longer_listed() -> None:
    client = make.organization()
    for _ in range(26):
        make.give_budget(make.draft_project(client=client), usd(100))

    page = owner_of(client).get(at(client, "billing"))

    assert len(page.context["projects"]) == 25
    assert page.context["totals"]["escrow"] == usd(2_600)
    assert "The newest projects" in words(page)


def test_less_than_one_whole_is_not_paid_in() -> None:
    client = make.organization()
    browser = owner_of(client)

    refused = browser.post(at(client, "pay"), {"pay-amount": "0.99"})
    browser.post(at(client, "pay"), {"pay-amount": "1.00"})

    assert (refused.status_code, Funding.objects.get().amount_minor) == (422, 100)
    assert "The amount has to be at least 1.00 USD." in words(refused)


def test_a_payment_that_came_to_nothing_says_why() -> None:
    client = make.organization()
    failed, expired = (money.start_funding(client, usd(minor)) for minor in (5_000, 6_000))
    for row, act in ((failed, "fail"), (expired, "abandon")):
        sandboxing.act_on_checkout(session_id=str(row.session_id), act=act)
    money.drain()

    page = words(owner_of(client).get(at(client, "payments")))

    assert "the bank refused it: the account held too little; nothing was taken" in page
    assert "the page was not used in time" in page
