"""The sandbox behaves as Stripe does, seen through the real SDK."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stripe
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django.fixtures import Settings

from marketplace.kit.ids import uuid7
from payouts.gateways import chosen
from payouts.gateways.port import (
    KeyConflict,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    ReplayedFailure,
    SlowDown,
)
from payouts.gateways.sandbox import API_KEY, SandboxTransport
from payouts.models import Payee, Payout, SandboxReply
from payouts.services import onboarding, sandboxing
from payouts.services.attempts import next_attempt
from payouts.services.onboarding import CountryNotReachable
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


@pytest.fixture
def transfer() -> dict[str, str]:
    """The frozen request of a payout that could be sent now."""
    make.owed(5000)
    make.approved_run()
    attempt = next_attempt(payout=Payout.objects.get())
    return {"request": attempt.request, "key": attempt.key, "api_version": attempt.api_version}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("time_out_after", OutcomeUnknown),
        ("error_before", OutcomeUnknown),
        ("error_after", OutcomeUnknown),
        ("rate_limit", SlowDown),
        ("insufficient_balance", Refused),
        ("restricted_account", Refused),
        ("forbidden", Misconfigured),
    ],
)
def test_every_fault_arrives_as_its_own_error(
    transfer: dict[str, str], fault: str, error: type[Exception]
) -> None:
    make.fault(fault)

    with pytest.raises(error):
        chosen.gateway().send_transfer(**transfer)


def test_a_key_replays_its_first_answer(transfer: dict[str, str]) -> None:
    first = chosen.gateway().send_transfer(**transfer)

    assert chosen.gateway().send_transfer(**transfer) == first
    assert make.transfers() == [5000]


def test_a_key_with_another_body_is_a_conflict(transfer: dict[str, str]) -> None:
    chosen.gateway().send_transfer(**transfer)
    other = {**transfer, "request": transfer["request"].replace("5000", "4000")}

    with pytest.raises(KeyConflict):
        chosen.gateway().send_transfer(**other)


def test_a_saved_500_is_replayed_as_such(transfer: dict[str, str]) -> None:
    make.fault("error_before")
    with pytest.raises(OutcomeUnknown):
        chosen.gateway().send_transfer(**transfer)

    with pytest.raises(ReplayedFailure):
        chosen.gateway().send_transfer(**transfer)


def test_a_key_is_forgotten_after_24_hours(transfer: dict[str, str]) -> None:
    chosen.gateway().send_transfer(**transfer)
    day = int(timedelta(hours=24).total_seconds())
    sandboxing.move_clock(ahead_seconds=day, settle_seconds=0, by=uuid7(), at=NOON)

    chosen.gateway().send_transfer(**transfer)

    assert make.transfers() == [5000, 5000]


def test_a_transfer_above_the_balance_is_refused(transfer: dict[str, str]) -> None:
    big = {**transfer, "request": transfer["request"].replace("5000", "98000")}

    with pytest.raises(Refused) as refused:
        chosen.gateway().send_transfer(**big)

    assert refused.value.code == "balance_insufficient"


def test_charges_settle_before_they_can_be_transferred() -> None:
    sandboxing.move_clock(ahead_seconds=0, settle_seconds=3600, by=uuid7(), at=NOON)
    make.stocked(usd(10_000))
    assert chosen.gateway().available(currency="USD") == usd(0)

    sandboxing.move_clock(ahead_seconds=3600, settle_seconds=3600, by=uuid7(), at=NOON)

    assert chosen.gateway().available(currency="USD") == usd(9680)


def sdk() -> stripe.StripeClient:
    return stripe.StripeClient(API_KEY, http_client=SandboxTransport())


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"amount": 5, "currency": "usd", "destination": "x", "colour": 1}, "parameter_unknown"),
        ({"amount": 5, "currency": "usd"}, "parameter_missing"),
        ({"amount": "lots", "currency": "usd", "destination": "x"}, "parameter_invalid_integer"),
        ({"amount": 5, "currency": "usd", "destination": "acct_no"}, "resource_missing"),
    ],
)
def test_wrong_parameters_are_refused_as_stripe_does(params: dict[str, object], code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk().v1.transfers.create(params, {"idempotency_key": "k"})  # type: ignore[arg-type]  # wrong on purpose

    assert refused.value.code == code
    assert SandboxReply.objects.count() == (code == "resource_missing")


def test_what_the_sandbox_does_not_serve_is_loud() -> None:
    with pytest.raises(stripe.APIError, match="The sandbox has no post /v1/customers"):
        sdk().v1.customers.create({"name": "Lab"})


def test_a_live_key_refuses_another_api_base(settings: Settings) -> None:
    settings.PAYMENTS_MODE = "stripe"
    settings.STRIPE_SECRET_KEY = "sk_live_x"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    chosen._stripe.cache_clear()

    with pytest.raises(ImproperlyConfigured):
        chosen.gateway()


def test_the_api_base_is_honoured(settings: Settings) -> None:
    settings.PAYMENTS_MODE = "stripe"
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # nobody listens there
    chosen._stripe.cache_clear()

    with pytest.raises(OutcomeUnknown, match=r"127\.0\.0\.1.*port=9|Unexpected error"):
        chosen.gateway().available(currency="USD")


@pytest.mark.parametrize(
    ("act", "state", "why"),
    [
        ("complete", "active", ""),
        ("missing_document", "onboarding", "requirements_past_due"),
        ("refuse", "onboarding", "rejected_other"),
    ],
)
def test_onboarding_ends_as_the_page_says(act: str, state: str, why: str) -> None:
    who = make.onboarded(act=act)

    payee = Payee.objects.get(expert=who)
    assert (payee.state, payee.why) == (state, why)


def test_an_active_account_may_be_restricted_later() -> None:
    payee = Payee.objects.get(expert=make.onboarded())

    sandboxing.restrict_account(account_id=str(payee.account_id), by=uuid7(), at=NOON)
    make.drain()

    payee.refresh_from_db()
    assert (payee.state, payee.why) == ("restricted", "requirements_past_due")


def test_the_set_up_is_begun_again_with_the_same_account() -> None:
    who = make.expert()

    urls = {
        onboarding.start_onboarding(expert=who, return_url="https://example.org", at=NOON)
        for _ in range(2)
    }

    assert len(urls) == 2
    assert Payee.objects.filter(expert=who).count() == 1


def test_a_country_that_stripe_does_not_reach_is_told_so() -> None:
    with pytest.raises(CountryNotReachable, match="do not reach NG yet"):
        onboarding.start_onboarding(
            expert=make.expert("NG"), return_url="https://example.org", at=NOON
        )


class TestPages:
    def test_the_payment_page_pays_and_goes_back(self, client: Client) -> None:
        row = make.start_funding(make.organization(), usd(5000))
        client.force_login(make.user())
        path = f"/sandbox/checkout/{row.session_id}"

        page = client.get(path)
        answer = client.post(path, {"act": "pay"})
        again = client.get(path)

        assert "Pay 50.00 USD" in page.content.decode()
        assert (answer.status_code, answer["Location"]) == (
            302,
            f"https://example.org/done?session={row.session_id}",
        )
        assert "This payment page has been used." in again.content.decode()
        make.drain()
        row.refresh_from_db()
        assert row.state == "paid"

    def test_the_set_up_page_completes_and_goes_back(self, client: Client) -> None:
        who = make.expert()
        url = onboarding.start_onboarding(expert=who, return_url="https://example.org/x", at=NOON)
        client.force_login(who.user)
        path = f"/sandbox/onboarding/{url.rsplit('/', 1)[1]}"

        assert "Complete the set-up" in client.get(path).content.decode()
        assert client.post(path, {"act": "complete"})["Location"] == "https://example.org/x"
        make.drain()
        assert Payee.objects.get(expert=who).state == "active"

    def test_an_unknown_act_or_page_is_refused(self, client: Client) -> None:
        row = make.start_funding(make.organization(), usd(5000))
        client.force_login(make.user())

        assert client.post(f"/sandbox/checkout/{row.session_id}", {"act": "x"}).status_code == 422
        assert client.get("/sandbox/checkout/cs_no").status_code == 404

    def test_there_are_no_sandbox_pages_with_real_money(
        self, client: Client, settings: Settings
    ) -> None:
        row = make.start_funding(make.organization(), usd(5000))
        client.force_login(make.user())
        settings.PAYMENTS_MODE = "stripe"

        assert client.get(f"/sandbox/checkout/{row.session_id}").status_code == 404

    def test_a_stranger_signs_in_first(self, client: Client) -> None:
        assert client.get("/sandbox/checkout/cs_1")["Location"].startswith("/accounts/login/")
