"""Where an expert is paid, being paid today, and how far each payout is."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from marketplace.people.models import Expert
from payouts.models import BankDetails, LeftOut, Payee, Payout
from payouts.services import holding
from tests import make
from tests.browser.pages import signed_in
from tests.make import NOON
from tests.payouts import make as money
from tests.payouts.rails import by_file, exported, in_hold, proven
from tests.web.staff.cast import queries, text

pytestmark = pytest.mark.django_db
IBAN = {"holder": "Ada Expert", "account": "DE89 3704 0044 0532 0130 00", "bank_code": ""}


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr("marketplace.kit.clock.now", lambda: NOON)
    settings.JOBS_TICKS, settings.JOBS_SCHEDULE = {"payouts.post_earnings": 2}, {}
    settings.PAYOUT_RATE_PER_S, settings.PAYOUT_MINIMUM = 0, {"USD": 1000}
    settings.CASH_OUT_BUDGET = {"USD": 10_000}


def enter(who: Expert) -> Client:
    return signed_in(who.user)


def test_a_proven_expert_cashes_out_on_the_earnings_page() -> None:
    who = proven()
    money.available(who, 2000)
    in_hold(who, 3000)
    client = enter(who)

    page = text(client.get(reverse("earnings")))
    answer = client.post(reverse("pay_today"), {"currency": "USD"}, follow=True)

    assert "Cash out 50.00 USD" in page
    assert "30.00 USD of it is still in its hold" in page
    assert "50.00 USD is on its way to you." in text(answer)
    assert Payout.objects.get(run__kind="cash_out").amount_minor == 5000


def test_a_refusal_says_why_on_the_card_and_after_the_click() -> None:
    who = money.onboarded()
    money.available(who, 2000)
    client = enter(who)

    page = text(client.get(reverse("earnings")))
    answer = client.post(reverse("pay_today"), {"currency": "USD"}, follow=True)

    why = "Possible once 5 of your earnings have been paid by weekly runs."
    assert why in page
    assert 'data-open="cash-out' not in page
    assert why in text(answer)
    assert not Payout.objects.exists()


def test_the_card_says_how_long_each_way_takes() -> None:
    page = text(enter(money.onboarded()).get(reverse("earnings")))

    assert "usually 6 days with a cash-out and 13 with the weekly run; at worst 15 and 26" in page


def test_what_the_last_run_left_out_is_said_with_its_reason() -> None:
    who = money.onboarded()
    money.available(who, 400)
    money.approved_run()
    assert LeftOut.objects.get().expert == who

    page = text(enter(who).get(reverse("earnings")))

    assert "Not in the last run: 4.00 USD, because it was below the smallest payout." in page


def test_an_expert_whom_stripe_does_not_reach_enters_a_bank_account() -> None:
    who = money.expert("KE")
    client = enter(who)

    before = text(client.get(reverse("payout_setup")))
    client.post(reverse("enter_bank"), IBAN)
    after = text(client.get(reverse("payout_setup")))

    assert "Stripe does not pay where you live" in before
    assert (Payee.objects.get().state, BankDetails.objects.get().account_ending) == (
        "active",
        "3000",
    )
    assert "… 3000" in after
    assert "0532" not in after


def test_a_wrong_account_is_said_where_it_was_typed() -> None:
    answer = enter(money.expert("KE")).post(
        reverse("enter_bank"), {**IBAN, "account": "DE88370400440532013000"}
    )

    assert answer.status_code == 422
    assert "is no IBAN: a character is wrong" in text(answer)
    assert not Payee.objects.exists()


def test_where_stripe_pays_nobody_is_offered_the_bank(settings: Settings) -> None:
    who = money.onboarded()
    settings.PAYMENTS_MODE = "stripe"
    client = enter(who)

    page = text(client.get(reverse("payout_setup")))
    answer = client.post(reverse("enter_bank"), IBAN)

    assert "Bank transfer" not in page
    assert "set up your account there" in text(answer)
    assert not BankDetails.objects.exists()


def test_a_new_account_asks_who_one_is_after_a_while() -> None:
    who, client = make.expert(), Client()
    Expert.objects.filter(pk=who.pk).update(country="KE")
    client.force_login(who.user)

    answer = client.post(reverse("enter_bank"), IBAN)

    assert "/reauthenticate/" in answer.headers["Location"]
    assert not BankDetails.objects.exists()


def test_sent_and_in_your_bank_are_two_steps() -> None:
    who = money.owed(5000)
    payout = money.send(money.approved_run())
    url = reverse("payout", args=[payout.pk])
    client = enter(who)

    sent = text(client.get(url))
    money.drain()
    arrived = text(client.get(url))

    assert "Usually within two days." in sent
    assert "Usually within two days." not in arrived
    assert "In your bank" in arrived


def test_a_payout_by_file_waits_for_the_bank() -> None:
    exported()
    payout = Payout.objects.get()

    page = text(enter(payout.expert).get(reverse("payout", args=[payout.pk])))

    assert "at the bank" in page
    assert "unknown" not in page
    assert "The bank has it; it usually takes a few days to answer." in page


def test_a_held_payout_says_why() -> None:
    who = money.owed(5000)
    money.approved_run()
    payout = Payout.objects.get()
    holding.hold_payout(payout=payout, why="We asked you something.", by=money.user().pk, at=NOON)

    page = text(enter(who).get(reverse("payout", args=[payout.pk])))

    assert "We asked you something." in page


def test_nobody_sees_or_cashes_out_for_another() -> None:
    who = proven()
    money.available(who, 2000)
    eve = enter(by_file())

    eve.post(reverse("pay_today"), {"currency": "USD"})

    assert not Payout.objects.filter(run__kind="cash_out").exists()
    assert eve.get(reverse("payout", args=[Payout.objects.latest("pk").pk])).status_code == 404


def test_the_setup_page_takes_few_queries() -> None:
    who = by_file()

    assert queries(enter(who), reverse("payout_setup")) <= 12
