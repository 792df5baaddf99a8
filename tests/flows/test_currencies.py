"""One project in another currency, from the client's card to the expert's statement, by pages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from marketplace.jobs.services.running import run_due_jobs
from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from marketplace.projects.models import Project
from payouts.models import Document, Funding, Payout, PayoutRun
from payouts.selectors.budgets import wallets
from payouts.selectors.invariants import check_ledger
from payouts.services.onboarding import start_onboarding
from payouts.services.reconciling import reconcile
from payouts.services.rounds import post_earnings, release_holds
from payouts.services.sandboxing import act_on_onboarding, press
from payouts.services.stating import make_statements
from tasks.models import Batch
from tasks.services.batches import NewTask, add_tasks
from tests import make
from tests.make import NOON
from tests.payouts import make as money
from tests.web.client.visit import at, owner_of, signed_in, words
from tests.web.staff import cast

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOON + timedelta(days=4)
DECEMBER = NOON + timedelta(days=15)


@pytest.fixture(autouse=True)
def instance(settings: Settings) -> None:
    settings.CURRENCIES = ("USD", "EUR", "JPY", "KWD")
    settings.PAYOUT_RATE_PER_S, settings.PAYOUT_MINIMUM = 0, {"USD": 1000}
    settings.JOBS_TICKS, settings.JOBS_SCHEDULE, settings.DEMO = {}, {}, True


def paid_in(client: Organization, browser: Client, currency: str, amount: str) -> None:
    form = {"currency": currency, "pay-amount": amount}
    page = browser.post(at(client, "pay"), form)
    browser.post(page["Location"], {"act": "pay"})
    run_due_jobs()


def opened(client: Organization, browser: Client, currency: str, amounts: dict[str, str]) -> Batch:
    """A project made, funded and opened by pages."""
    browser.post(
        at(client, "new_project"),
        {"title": f"In {currency}", "format": "preference", "currency": currency},
    )
    project = Project.objects.get(title=f"In {currency}")

    def save(step: str, **values: Any) -> None:  # Any: form values
        browser.post(at(client, step, project_id=project.pk), values)

    save("guidelines", body="1. Judge what is said.")
    save("terms", body="For training.", purposes=["training"], licence="CC-BY-4.0")
    save("new_batch", name="Pilot", price=amounts["price"], answers_per_task=1, pool_percent=0)
    paid_in(client, browser, currency, amounts["fund"])
    browser.post(
        at(client, "move_budget"),
        {
            "currency": currency,
            "budget-project": project.pk,
            "budget-move": "give",
            "budget-amount": amounts["budget"],
            "budget-key": uuid7(),
        },
    )
    batch = Batch.objects.get(project=project)
    rows = [NewTask(make.pair(n), key=f"row-{n}") for n in (1, 2)]
    add_tasks(batch=batch, rows=rows, by=project.created_by, at=NOON)
    browser.post(at(client, "move_project", project_id=project.pk, to="pilot"))
    browser.post(at(client, "move_batch", batch_id=batch.pk, to="open"))
    batch.refresh_from_db()
    return batch


def payable(where: Batch) -> Expert:
    who = make.joined_expert(where.project)
    link = start_onboarding(expert=who, return_url="https://example.org/", at=NOON)
    act_on_onboarding(link_id=link.rsplit("/", 1)[1], act="complete")
    run_due_jobs()
    return who


def paid(currency: str) -> Payout:
    """A run by two people of finance."""
    maker = cast.enter(cast.staff("finance"))
    checker = cast.enter(cast.staff("finance", name="Kim Checker"))
    maker.post(reverse("staff:open_run"), {"currency": currency, "rail": "stripe"})
    run_due_jobs()
    run = PayoutRun.objects.get(currency=currency)
    maker.post(reverse("staff:act_on_run", args=[run.pk, "close"]))
    checker.post(reverse("staff:act_on_run", args=[run.pk, "approve"]))
    run_due_jobs()
    return Payout.objects.get(run=run)


CASES = {
    "EUR": (
        {"fund": "1,000", "budget": "900.50", "price": "12.37"},
        ("99.50 EUR", "12.37 EUR", "24.74 EUR"),
        2474,
    ),
    "JPY": (
        {"fund": "300,000", "budget": "250000", "price": "1200"},
        ("50,000 JPY", "1,200 JPY", "2,400 JPY"),
        2400,
    ),
    "KWD": (
        {"fund": "100", "budget": "50.005", "price": "2.505"},
        ("49.995 KWD", "2.505 KWD", "5.010 KWD"),
        5010,
    ),
}


@pytest.mark.parametrize("currency", CASES)
def test_a_project_is_funded_worked_on_and_paid_in_its_currency(currency: str) -> None:
    typed, (left, price, pay), minor = CASES[currency]
    with clock.at(NOON):
        client = make.organization()
        browser = owner_of(client)
        paid_in(client, browser, "USD", "500")
        batch = opened(client, browser, currency, typed)
        ada = payable(batch)
        work = [make.submitted(batch, by=ada) for _ in range(2)]
        for each in work:
            browser.post(at(client, "decide", assignment_id=each.pk, verdict="approve"))
        post_earnings(at=NOON)
        project = words(browser.get(at(client, "project", project_id=batch.project_id)))
        bill = words(browser.get(at(client, "billing"), {"currency": currency}))
    with clock.at(LATER):
        release_holds(at=LATER)
        payout = paid(currency)
        own = words(signed_in(ada.user).get(reverse("earnings")))
        home = words(signed_in(ada.user).get(reverse("home")))
        books = cast.text(cast.enter(cast.staff("auditor")).get(reverse("staff:money")))
    with clock.at(DECEMBER):
        make_statements(month=date(2026, 11, 1), at=DECEMBER)

    assert batch.state == "open"
    assert f"{left} in the wallet" in project
    assert f'value="{currency}"' in bill
    assert left in bill
    assert "500.00 USD" in bill
    assert (payout.state in {"transferred", "bank_pending", "paid"}, payout.amount_minor) == (
        True,
        minor,
    )
    assert money.transfers() == [minor]
    assert f'<th scope="row">{currency}</th>' in books
    assert f"Weekly earnings in {currency}" in own
    assert f"{pay} paid so far" in home or f"{pay} on its way" in home
    assert price in own
    assert pay in own
    assert [str(each) for each in wallets(client).values() if each] == ["500.00 USD", left]
    statements = Document.objects.filter(kind="statement", currency=currency)
    assert {each.expert_id or each.organization_id for each in statements} == {ada.pk, client.pk}
    assert check_ledger(DECEMBER).broken == ()


def test_wallets_stand_apart_and_each_page_shows_one() -> None:
    with clock.at(NOON):
        client = make.organization()
        make.fund(client, Money(1_234_567, "EUR"))
        make.fund(client, Money(98_765, "JPY"))
        browser = owner_of(client)
        start = words(browser.get(at(client, "overview")))
        shown = words(browser.get(at(client, "billing")))
        yen = words(browser.get(at(client, "billing"), {"currency": "JPY"}))
        nothing = words(browser.get(at(client, "refunds"), {"currency": "KWD"}))

    assert "12,345.67 EUR, 98,765 JPY in the wallet" in start
    assert 'placeholder="0.00"' in shown
    assert "50,000 JPY" in yen
    assert 'href="?currency=JPY" aria-current="true">98,765 JPY' in yen
    assert "Amount, KWD" in nothing


def test_the_start_page_says_what_has_to_stay_in_any_currency() -> None:
    with clock.at(NOON):
        client = make.organization()
        browser = owner_of(client)
        for currency, amount in (("EUR", "50"), ("JPY", "9000")):
            paid_in(client, browser, currency, amount)
        charge = str(Funding.objects.get(currency="JPY").charge_id)
        press(button="open_chargeback", object_id=charge, by=uuid7(), at=NOON)
        run_due_jobs()
        reconcile(at=NOON)
        start = words(browser.get(at(client, "overview")))

    assert "9,000 JPY has to stay where it is" in start


@pytest.mark.parametrize(
    ("currency", "amount", "said"),
    [
        ("JPY", "1200.50", "JPY has no decimals: write 1200."),
        ("JPY", "99", "The amount has to be at least 100 JPY."),
        ("KWD", "2.505", "Stripe moves KWD in steps of 0.010 KWD: write 2.500 KWD."),
        ("EUR", "2,50", "Write an amount of EUR such as 2.50, with a point."),
    ],
)
def test_an_amount_that_cannot_be_paid_is_refused_in_words(
    currency: str, amount: str, said: str
) -> None:
    client = make.organization()

    form = {"currency": currency, "pay-amount": amount}
    response = owner_of(client).post(at(client, "pay"), form)

    assert response.status_code == 422
    assert said in words(response)


def test_a_project_is_only_in_a_currency_of_the_instance() -> None:
    client = make.organization()
    form = {"title": "Francs", "format": "preference", "currency": "CHF"}

    response = owner_of(client).post(at(client, "new_project"), form)

    assert response.status_code == 422
    assert "CHF is not one of the available choices." in words(response)
    assert Project.objects.count() == 0
