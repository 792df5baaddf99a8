"""A client gives up a payment page: closed at Stripe, and what was paid meanwhile is not lost."""

from __future__ import annotations

import pytest
from django.urls import reverse
from pytest_django.fixtures import Settings

from marketplace.events.models import Event
from payouts.models import Funding
from payouts.selectors.budgets import wallet
from payouts.services import sandboxing
from payouts.services.funding import PaymentsUnavailable
from payouts.services.giving_up import PageNotOpen, give_up_checkout
from tests import make as place
from tests.browser.client_world import member
from tests.browser.pages import signed_in
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def begun() -> Funding:
    return make.start_funding(make.organization(), usd(5000))


def given_up(row: Funding) -> Funding:
    return give_up_checkout(funding=row, by=row.asked_by, at=NOON)


def test_a_page_that_is_given_up_takes_no_payment_any_more() -> None:
    row = begun()

    after = given_up(row)
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")
    make.drain()

    after.refresh_from_db()
    assert (after.state, wallet(after.organization, "USD")) == ("expired", usd(0))
    assert Event.objects.get(kind="funding.given_up").object_id == row.pk


def test_what_was_paid_before_it_was_given_up_is_credited_and_stays_paid() -> None:
    row = begun()
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")

    after = given_up(row)
    make.drain()

    assert (after.state, wallet(after.organization, "USD")) == ("paid", usd(5000))
    assert not Event.objects.filter(kind="funding.given_up").exists()


def test_without_an_answer_the_payment_stays_open_and_the_look_up_finds_its_end() -> None:
    row = begun()
    make.fault_at("error_after", "/v1/checkout/sessions")

    with pytest.raises(PaymentsUnavailable):
        given_up(row)
    row.refresh_from_db()
    before = row.state
    make.drain()

    row.refresh_from_db()
    assert (before, row.state) == ("paying", "expired")


def test_an_ended_payment_has_no_page_to_give_up() -> None:
    row = given_up(begun())

    with pytest.raises(PageNotOpen):
        given_up(row)


@pytest.mark.django_db(transaction=True)  # as the site runs: no transaction around the request
def test_only_who_pays_gives_up_after_a_second_look(settings: Settings) -> None:
    settings.DEMO = True  # waives the second factor
    row = make.start_funding(place.organization(), usd(5000))
    owner = row.organization.memberships.get(role="owner").user
    client = signed_in(owner)
    url = reverse("client:give_up", args=[row.organization.slug, row.pk])

    page = client.get(url).content.decode()
    refused = signed_in(member(row.organization, "viewer")).post(url)
    done = client.post(url, follow=True).content.decode()

    row.refresh_from_db()
    assert "Give up the payment of 50.00 USD?" in page
    assert refused.status_code == 403
    assert row.state == "expired"
    assert "The payment page is closed. Nothing was taken." in done
    assert "you gave it up; nothing was taken" in done
