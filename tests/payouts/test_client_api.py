"""Payments and refunds over the API: people move money, keys read, nothing happens twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from marketplace.kit import clock
from marketplace.organizations.models import Membership, Organization
from marketplace.organizations.services.keys import create_api_key
from payouts.models import Funding, Refund
from tests import make
from tests.make import usd
from tests.payouts import make as money

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_second_factor(settings: Settings) -> None:
    settings.DEMO = True


class Person:
    """The owner of a client at the API, by session."""

    def __init__(self, client: Organization) -> None:
        self.slug = client.slug
        self.browser = Client()
        self.browser.force_login(client.memberships.get(role="owner").user)

    def post(self, path: str, minor: object, *, key: str = "k-1", currency: str = "USD") -> Any:
        body = {"organization": self.slug, "amount": {"minor": minor, "currency": currency}}
        headers = {"Idempotency-Key": key} if key else {}
        return self.browser.post(f"/api/v1/{path}/", body, "application/json", headers=headers)


def program(client: Organization, *scopes: str) -> Client:
    _, secret = create_api_key(
        organization=client,
        name="books",
        scopes=list(scopes),
        expires_at=clock.now() + timedelta(days=30),
        by=client.memberships.get(role="owner").user,
        at=clock.now(),
    )
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_the_same_key_gets_the_same_page_and_another_amount_is_refused() -> None:
    person = Person(make.organization())

    first, again = person.post("fundings", 5000), person.post("fundings", 5000)
    other = person.post("fundings", 5001)
    fresh = person.post("fundings", 5000, key="k-2")

    assert (first.status_code, again.json()) == (201, first.json())
    assert first.json()["url"].startswith("http://127.0.0.1:8000/sandbox/checkout/")
    assert (other.status_code, other.json()["code"]) == (422, "funding_key_reused")
    assert fresh.json()["id"] != first.json()["id"]
    assert Funding.objects.count() == 2


def test_a_refund_is_asked_for_once_per_key() -> None:
    client = make.organization()
    money.paid_funding(client, usd(10_000))
    person = Person(client)

    first, again = person.post("refunds", 3000), person.post("refunds", 3000)
    other = person.post("refunds", 3001)

    assert (first.status_code, again.json()) == (201, first.json())
    assert (other.status_code, Refund.objects.count()) == (422, 1)
    assert first.json()["state"] == "requested"


@pytest.mark.parametrize("path", ["fundings", "refunds"])
def test_money_needs_a_key_of_idempotency(path: str) -> None:
    answer = Person(make.organization()).post(path, 5000, key="")

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("path", ["fundings", "refunds"])
@pytest.mark.parametrize("minor", [0, -1, 1.5, "ten", True, 2**53, 2**70, None])
def test_what_is_no_amount_is_said_to_be_none(path: str, minor: object) -> None:
    answer = Person(make.organization()).post(path, minor)

    assert answer.status_code == 422
    assert Funding.objects.count() == Refund.objects.count() == 0


@pytest.mark.parametrize("currency", ["usd", "US", "", "€", "USDX"])
def test_what_is_no_currency_is_said_to_be_none(currency: str) -> None:
    answer = Person(make.organization()).post("fundings", 5000, currency=currency)

    assert answer.status_code == 422


def test_a_refund_in_a_currency_that_was_never_paid_is_refused_with_amounts() -> None:
    client = make.organization()
    money.paid_funding(client, usd(10_000))

    answer = Person(client).post("refunds", 100, currency="EUR")

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_balance")
    assert answer.json()["present"] == {"minor": 0, "currency": "EUR"}


def test_keys_read_payments_with_their_scope_and_move_nothing() -> None:
    client = make.organization()
    money.paid_funding(client, usd(10_000))
    make_other = make.organization()
    money.paid_funding(make_other, usd(7_700))
    reader, other = program(client, "funding:read"), program(client, "exports:read")
    body = {"organization": client.slug, "amount": {"minor": 1, "currency": "USD"}}
    key = {"Idempotency-Key": "k"}

    rows = reader.get("/api/v1/fundings/").json()["results"]
    codes = [
        other.get("/api/v1/fundings/").status_code,
        reader.get("/api/v1/refunds/").status_code,
        reader.post("/api/v1/fundings/", body, "application/json", headers=key).status_code,
        reader.post("/api/v1/refunds/", body, "application/json", headers=key).status_code,
    ]

    assert [row["received"] for row in rows] == [{"minor": 10_000, "currency": "USD"}]
    assert codes == [403, 403, 403, 403]


def test_only_those_who_pay_may_and_strangers_see_nothing() -> None:
    client, stranger = make.organization(), Person(make.organization())
    viewer = Person(client)
    Membership.objects.filter(organization=client).update(role="viewer")
    stranger.slug = client.slug

    answers = [each.post("fundings", 5000).status_code for each in (viewer, stranger)]

    assert answers == [403, 404]
    assert Funding.objects.count() == 0
