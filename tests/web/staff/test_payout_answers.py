"""What only people know of a payout: asked on its page, decided by a second person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from marketplace.kit import clock
from marketplace.people.models import User
from payouts.models import Payout, Proposal
from payouts.selectors.invariants import check_ledger
from payouts.services import confirming, reconciling
from tests.make import NOON
from tests.payouts import make as money
from tests.payouts.rails import exported, reference
from tests.payouts.test_adopting import frozen
from tests.web.staff import cast
from tests.web.test_earnings_page import words

pytestmark = pytest.mark.django_db
HEAD = "reference,status,amount,currency,bank_reference,reason\n"


@pytest.fixture
def fay() -> User:
    return cast.staff("finance", name="Fay Finance")


@pytest.fixture
def kim() -> User:
    return cast.staff("finance", name="Kim Checker")


def _page(payout: Payout) -> str:
    return reverse("staff:payout", args=[payout.pk])


def _ask(who: User, payout: Payout, act: str, **fields: str) -> str:
    url = reverse("staff:act_on_payout", args=[payout.pk, act])
    return cast.text(cast.enter(who).post(url, fields, follow=True))


def _approve(who: User) -> Payout:
    row = Proposal.objects.get(state="proposed")
    url = reverse("staff:decide_proposal", args=[row.pk, "approve"])
    said = cast.text(cast.enter(who).post(url, follow=True))
    assert "Approved and done." in said
    return Payout.objects.get()


def test_a_frozen_transfer_is_adopted_on_the_pages(fay: User, kim: User) -> None:
    payout = frozen(4000)
    assert "Adopt as seen" in cast.text(cast.enter(fay).get(_page(payout)))

    _ask(fay, payout, "adopt", why="It stands so in Stripe's dashboard.")
    waiting = cast.text(cast.enter(kim).get(reverse("staff:proposals")))
    after = _approve(kim)

    assert "Book that Stripe sent 40.00 USD instead of 50.00 USD" in waiting
    assert after.state == "transferred"
    page = cast.text(cast.enter(fay).get(_page(payout)))
    assert "40.00 USD left, as two people have booked it." in page
    assert "Adopt as seen" not in page
    expert = words(
        cast.enter(payout.expert.user).get(reverse("payout", args=[payout.pk])).content.decode()
    )
    assert "10.00 USD not sent" in expert


def test_a_payment_that_came_back_is_booked_and_the_expert_is_told(fay: User, kim: User) -> None:
    batch, _ = exported()
    line = f"{HEAD}{reference()},paid,50.00,USD,BANK-1,"
    confirming.import_confirmation(batch=batch, content=line.encode(), by=kim, at=NOON)
    payout = Payout.objects.get()

    wrong = _ask(fay, payout, "came-back", received="5x", bank_reference="B", why="Account closed")
    _ask(
        *(fay, payout, "came-back"),
        received="48.00",
        bank_reference="BACK-7",
        why="The account is closed.",
    )
    after = _approve(kim)

    assert "What came back:" in wrong
    assert after.state == "reversed"
    assert check_ledger(NOON).broken == ()
    browser = cast.enter(payout.expert.user)
    home = words(browser.get("/").content.decode())
    assert "Your bank sent a payment back. Give your bank account again." in home
    assert "Payout returned by your bank" in home
    page = words(browser.get(reverse("payout", args=[payout.pk])).content.decode())
    assert "50.00 USD returned by your bank" in page
    assert "The account is closed. The money is in your balance." in page
    earnings = words(browser.get("/earnings/").content.decode())
    assert "Your bank account does not work" in earnings
    assert "A payout that your bank sent back" in earnings


def test_a_payment_without_an_answer_is_declared_paid_or_not(
    fay: User, kim: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported()
    payout = Payout.objects.get()
    early = cast.text(cast.enter(fay).get(_page(payout)))
    reconciling.reconcile(at=NOON)
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=6))

    late = cast.text(cast.enter(fay).get(_page(payout)))
    overview = cast.text(cast.enter(fay).get(reverse("staff:money")))
    _ask(fay, payout, "bank-paid", bank_reference="BANK-9", why="On the statement of the 23rd.")
    after = _approve(kim)

    assert ("The bank did not pay it" in early, "The bank paid it" in early) == (False, True)
    assert "The bank did not pay it" in late
    assert "1 payment without a word of the bank" in overview
    assert (after.state, after.transfer_id) == ("paid", "BANK-9")


def test_nobody_answers_for_their_own_money(fay: User) -> None:
    exported()
    payout = Payout.objects.get()
    payout.expert.user = fay
    payout.expert.save(update_fields=["user"])

    said = _ask(fay, payout, "bank-paid", bank_reference="BANK-9", why="On the statement.")

    assert "own" in said
    assert not Proposal.objects.exists()


def test_a_payout_of_stripe_has_no_answers_of_a_bank(fay: User) -> None:
    money.owed(5000)
    payout = money.send(money.approved_run())

    page = cast.text(cast.enter(fay).get(_page(payout)))
    said = _ask(fay, payout, "bank-paid", bank_reference="BANK-9", why="On the statement.")

    assert ("It came back" in page, "Adopt as seen" in page) == (False, False)
    assert "No try of this payout waits for that." in said
