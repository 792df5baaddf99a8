"""The way to the bank on a payout's page, where that is ours to do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from pytest_django.fixtures import Settings

from marketplace.kit import clock
from payouts.models import BankAttempt, Payee, Payout, Proposal, SandboxObject
from payouts.selectors.overview import pulse
from payouts.services import bank_paying
from tests.payouts import banks, make
from tests.web.staff import cast

pytestmark = pytest.mark.django_db
SEND = "Send to the bank again"


@pytest.fixture(autouse=True)
def we_pay(settings: Settings) -> None:
    settings.PAYOUT_MODE = "transfer_and_payout"
    settings.PAYOUT_RATE_PER_S = 0


def tick() -> None:
    bank_paying.pay_banks(at=clock.now())


def close_at_stripe(payout: Payout, *, closed: str) -> None:
    rows = SandboxObject.objects.filter(object_id=payout.destination)
    rows.update(body={**rows.get().body, "closed": bool(closed)})


def test_finance_sees_the_tries_and_sends_a_returned_payout_again() -> None:
    payout = banks.transferred()
    close_at_stripe(payout, closed="yes")
    tick()
    finance, auditor = cast.enter(cast.staff("finance")), cast.enter(cast.staff("auditor"))
    page = reverse("staff:payout", args=[payout.pk])

    seen, read = cast.text(finance.get(page)), cast.text(auditor.get(page))
    close_at_stripe(payout, closed="")
    finance.post(reverse("staff:act_on_payout", args=[payout.pk, "bank-again"]))
    tick()
    after = cast.text(finance.get(page))

    assert "payouts_not_allowed" in seen
    assert (SEND in seen, SEND in read, SEND in after) == (True, False, False)
    assert banks.tries(payout) == ["rejected", "succeeded"]
    assert str(banks.last_try(payout).provider_id) in after


def test_an_unknown_one_is_declared_not_made_by_two() -> None:
    payout = banks.transferred()
    banks.fault("error_before")
    tick()
    old = clock.now() - timedelta(hours=25)
    BankAttempt.objects.update(first_sent_at=old)
    finance = cast.enter(cast.staff("finance"))
    act = reverse("staff:act_on_payout", args=[payout.pk, "bank-not-made"])
    page = reverse("staff:payout", args=[payout.pk])
    assert "Confirm that no bank was paid" in cast.text(finance.get(page))
    assert "Bank payouts without an answer" in cast.text(finance.get(reverse("staff:money")))
    assert pulse(at=clock.now()).attempts_unknown == 1

    finance.post(act)
    assert Proposal.objects.count() == 0
    said = cast.text(finance.post(act, {"why": "Not in the dashboard."}, follow=True))

    assert "Waits for a second person" in said
    assert "Confirm that no bank was paid" not in said
    assert Proposal.objects.get().kind == "confirm_no_bank_payout"


def test_what_stripe_has_not_paid_before_the_change_may_be_sent_by_hand() -> None:
    payout = banks.transferred()
    Payee.objects.update(manual_at=clock.now() + timedelta(hours=1))
    tick()
    finance = cast.enter(cast.staff("finance"))
    seen = cast.text(finance.get(reverse("staff:payout", args=[payout.pk])))

    finance.post(reverse("staff:act_on_payout", args=[payout.pk, "bank-again"]))
    tick()

    assert "Not tried yet." in seen
    assert (banks.tries(payout), banks.left()) == (["succeeded"], [5000])


def test_in_the_other_mode_the_page_says_nothing_of_it(settings: Settings) -> None:
    settings.PAYOUT_MODE = "transfer"
    payout = banks.transferred()
    make.drain()

    page = cast.enter(cast.staff("finance")).get(reverse("staff:payout", args=[payout.pk]))

    assert "To the bank" not in cast.text(page)
