"""PAYOUT_MODE=transfer_and_payout: each transfer is followed by one bank payout of ours."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from marketplace.events.models import Event
from marketplace.kit import clock
from marketplace.kit.environment import payout_mode
from payouts.gateways.chosen import gateway
from payouts.gateways.port import Misconfigured, Refused
from payouts.gateways.sandbox import moving, store
from payouts.models import BankAttempt, Break, Payout, SandboxObject
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    bank_attempts,
    bank_outcomes,
    bank_paying,
    bank_retrying,
    proposing,
)
from payouts.services.holding import NotHere
from payouts.services.proposing import SamePerson
from payouts.services.sweeping import KEYS_HOLD, StillUncertain
from tests.payouts import banks, make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def we_pay(settings: Settings) -> None:
    settings.PAYOUT_MODE = "transfer_and_payout"


def test_a_mode_that_is_none_stops_the_start() -> None:
    assert payout_mode("transfer") == "transfer"
    with pytest.raises(ImproperlyConfigured, match="transfer_and_payout"):
        payout_mode("payout")


def test_the_bank_gets_what_was_transferred_and_the_books_do_not_move() -> None:
    payout = banks.transferred()
    booked = make.clearing().version
    assert (payout.state, banks.left()) == ("transferred", [])

    banks.paid(payout)
    assert (payout.state, banks.tries(payout)) == ("bank_pending", ["succeeded"])
    make.drain()

    payout.refresh_from_db()
    attempt = banks.last_try(payout)
    assert (payout.state, payout.bank_payout_id) == ("paid", attempt.provider_id)
    assert (banks.left(), attempt.amount_minor, make.clearing().version) == ([5000], 5000, booked)
    assert json.loads(attempt.request)["metadata"]["payout"] == str(payout.id)
    assert check_ledger(clock.now()).broken == ()


def test_another_tick_pays_no_bank_again() -> None:
    payout = banks.transferred()

    for minutes in range(3):
        banks.paid(payout, NOON + minutes * MINUTE)
    make.drain()
    banks.paid(payout, NOON + 24 * HOUR)
    again = bank_attempts.ready_attempt(payout_id=payout.id, at=NOON)

    assert (banks.left(), again) == ([5000], payout.bank_attempts.get())


def test_a_payout_that_a_bank_has_is_given_no_try() -> None:
    payout = banks.transferred()
    Payout.objects.update(state="paid", paid_at=NOON)

    assert bank_attempts.ready_attempt(payout_id=payout.id, at=NOON) is None
    assert payout.bank_attempts.count() == 0


def test_a_bank_in_another_currency_gets_what_arrived() -> None:
    payout = banks.transferred(5500, "DE")

    banks.paid(payout)

    attempt = banks.last_try(payout)
    assert (attempt.amount_minor, attempt.currency, banks.left()) == (5000, "EUR", [5000])
    assert (payout.arrived_minor, payout.arrived_currency) == (5000, "EUR")


def test_a_bank_gets_whole_units_of_its_currency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(moving._RATES, "huf", 7)
    payout = banks.transferred(5055, "HU")

    banks.paid(payout)

    assert (payout.arrived_minor, banks.left()) == (72_214, [72_200])


def test_the_database_pays_no_bank_more_than_arrived_and_changes_no_request() -> None:
    payout = banks.transferred()
    attempt = bank_attempts.ready_attempt(payout_id=payout.id, at=NOON)
    assert attempt is not None
    BankAttempt.objects.filter(id=attempt.id).update(state="rejected", ended_at=NOON)

    with pytest.raises(IntegrityError, match="no more than what arrived"), transaction.atomic():
        BankAttempt.objects.create(
            payout=payout,
            number=2,
            key="two",
            livemode=False,
            currency="USD",
            amount_minor=5001,
        )
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        BankAttempt.objects.filter(id=attempt.id).update(request="{}")


def test_the_database_keeps_one_try_open_or_successful() -> None:
    payout = banks.paid(banks.transferred())

    with pytest.raises(IntegrityError, match="one_open_or_successful"), transaction.atomic():
        BankAttempt.objects.create(
            payout=payout,
            number=2,
            key="two",
            livemode=False,
            currency="USD",
            amount_minor=5000,
        )


def test_a_time_out_after_the_effect_is_unknown_and_paid_once() -> None:
    banks.fault("time_out_after")
    payout = banks.paid(banks.transferred())
    first = banks.last_try(payout)
    assert (payout.state, first.state) == ("transferred", "unknown")

    banks.paid(payout, NOON + 5 * MINUTE)

    again = banks.last_try(payout)
    assert (payout.state, again.id, again.sends) == ("bank_pending", first.id, 2)
    assert (again.key, again.request, banks.left()) == (first.key, first.request, [5000])


def test_a_bank_may_say_it_first() -> None:
    banks.fault("time_out_after")
    payout = banks.paid(banks.transferred())

    make.drain()

    payout.refresh_from_db()
    assert (payout.state, banks.tries(payout), banks.left()) == ("paid", ["succeeded"], [5000])


def test_after_20_hours_nothing_is_sent_again_and_what_was_made_is_found() -> None:
    lost = banks.transferred()
    bank_attempts.ready_attempt(payout_id=lost.id, at=NOON)
    bank_paying.claim(payout_id=lost.id, at=NOON)
    banks.paid(lost, NOON + KEYS_HOLD)
    assert (banks.tries(lost), banks.last_try(lost).sends, banks.left()) == (["unknown"], 1, [])

    banks.fault("time_out_after")
    made = banks.paid(banks.transferred())
    banks.paid(made, NOON + KEYS_HOLD)

    assert (banks.tries(made), banks.last_try(made).sends) == (["succeeded"], 1)
    assert banks.left() == [5000]


def test_a_saved_500_is_looked_up_at_once() -> None:
    banks.fault("error_after")
    payout = banks.paid(banks.transferred())

    banks.paid(payout, NOON + 5 * MINUTE)

    assert (payout.state, banks.left()) == ("bank_pending", [5000])


def test_two_people_and_a_day_declare_an_unknown_bank_payout_not_made() -> None:
    banks.fault("error_before")
    payout = banks.paid(banks.transferred())
    attempt, people = banks.last_try(payout), (make.user(), make.user())
    why, later = "looked at the dashboard", NOON + 24 * HOUR
    with pytest.raises(StillUncertain):
        bank_retrying.propose_not_paid(attempt=attempt, why=why, by=people[0], at=NOON + 23 * HOUR)
    with pytest.raises(SamePerson):
        bank_retrying.propose_not_paid(attempt=attempt, why=why, by=payout.expert.user, at=later)

    row = bank_retrying.propose_not_paid(attempt=attempt, why=why, by=people[0], at=later)
    with pytest.raises(SamePerson):
        proposing.approve(proposal=row, by=people[0], at=later)
    proposing.approve(proposal=row, by=people[1], at=later)
    for _ in range(2):
        bank_retrying.confirm_not_paid(proposal_id=row.id, at=later)
    banks.paid(payout, later)

    assert (banks.tries(payout), banks.left()) == (["rejected", "succeeded"], [5000])
    assert banks.last_try(payout).key == f"payout:{payout.id}:bank:2"


def test_two_people_cannot_declare_away_what_stripe_has_made() -> None:
    banks.fault("time_out_after")
    payout = banks.paid(banks.transferred())
    attempt, later = banks.last_try(payout), NOON + 24 * HOUR
    row = bank_retrying.propose_not_paid(
        attempt=attempt, why="looked at the dashboard", by=make.user(), at=later
    )
    proposing.approve(proposal=row, by=make.user(), at=later)

    found = bank_retrying.confirm_not_paid(proposal_id=row.id, at=later)

    assert (found.state, banks.left()) == ("succeeded", [5000])


@pytest.mark.parametrize("is_sent", [False, True])
def test_what_turns_up_after_all_takes_the_next_tries_place_or_is_a_break(is_sent: bool) -> None:
    banks.fault("time_out_after")
    payout = banks.paid(banks.transferred())
    attempt = banks.last_try(payout)
    bank_outcomes.refuse(
        attempt_id=attempt.id, refusal=Refused("said so", code=bank_outcomes.NOT_SENT), at=NOON
    )
    bank_attempts.ready_attempt(payout_id=payout.id, at=NOON)
    if is_sent:
        bank_paying.claim(payout_id=payout.id, at=NOON)

    bank_paying.look_up(attempt=attempt, at=NOON)

    states = ["rejected", "sending"] if is_sent else ["succeeded", "rejected"]
    kinds = list(Break.objects.values_list("kind", flat=True))
    assert (banks.tries(payout), banks.left()) == (states, [5000])
    assert kinds == (["duplicate_provider_object"] if is_sent else [])


def test_a_busy_stripe_is_asked_again_with_the_same_key() -> None:
    banks.fault("rate_limit")
    payout = banks.paid(banks.transferred())
    assert (banks.tries(payout), banks.last_try(payout).error_code) == (["sending"], "rate_limit")

    banks.paid(payout, NOON + MINUTE)

    assert (banks.tries(payout), banks.left()) == (["succeeded"], [5000])


def test_a_key_conflict_freezes_the_try() -> None:
    payout = banks.transferred()
    attempt = bank_attempts.ready_attempt(payout_id=payout.id, at=NOON)
    assert attempt is not None
    gateway().send_bank_payout(
        account_id=payout.destination,
        request='{"amount": 1, "currency": "usd"}',
        key=attempt.key,
        api_version=attempt.api_version,
    )

    for hours in (0, 1, 30):
        banks.paid(payout, NOON + hours * HOUR)

    attempt.refresh_from_db()
    assert (attempt.state, attempt.is_frozen, attempt.sends) == ("unknown", True, 1)
    assert (banks.left(), Event.objects.filter(kind="payout.frozen").count()) == ([1], 1)


def test_too_little_in_the_experts_balance_is_asked_again_with_a_new_key() -> None:
    banks.fault("insufficient_balance")
    payout = banks.paid(banks.transferred())
    assert (payout.state, banks.tries(payout)) == ("transferred", ["rejected"])

    banks.paid(payout, NOON + 5 * timedelta(seconds=1))
    assert banks.tries(payout) == ["rejected"]
    banks.paid(payout, NOON + MINUTE)

    assert (payout.state, banks.tries(payout)) == ("bank_pending", ["rejected", "succeeded"])
    assert banks.left() == [5000]


def test_what_stays_too_little_becomes_a_persons_question() -> None:
    banks.fault("insufficient_balance", 100)
    payout = banks.transferred()

    for hours in range(20):
        banks.paid(payout, NOON + 2 * hours * HOUR)

    assert (payout.state, payout.why) == ("bank_failed", "balance_insufficient")
    assert banks.tries(payout) == ["rejected"] * bank_outcomes.MOST_TOO_LITTLE


def test_wrong_credentials_stop_everything_and_leave_no_trace() -> None:
    banks.fault("forbidden")
    payout, other = banks.transferred(), banks.transferred()

    with pytest.raises(Misconfigured):
        banks.paid(payout)

    states = set(BankAttempt.objects.values_list("state", "sends"))
    assert (states, banks.left()) == ({("created", 0)}, [])
    banks.paid(payout, NOON + MINUTE)
    assert (banks.tries(payout), banks.tries(other)) == (["succeeded"], ["succeeded"])


def test_one_that_fails_keeps_no_other_from_its_turn() -> None:
    first, second = banks.transferred(), banks.transferred()
    make.fault_at("error_before", f"get /v1/transfers/{first.transfer_id}")

    with pytest.raises(Exception, match="Something went wrong"):
        banks.paid(first)

    assert (banks.tries(first), banks.tries(second)) == ([], ["succeeded"])


def test_payments_on_pause_pay_no_bank(settings: Settings) -> None:
    payout = banks.transferred()
    settings.PAYMENTS_PAUSED = True

    banks.paid(payout)

    assert (payout.state, payout.bank_attempts.count()) == ("transferred", 0)


def test_a_refusal_of_the_account_is_told_the_expert_and_a_person_sends_again() -> None:
    payout = banks.transferred()
    account = SandboxObject.objects.get(object_id=payout.destination)
    account.body["closed"] = True
    account.save(update_fields=["body"])
    banks.paid(payout)
    assert (payout.state, payout.why) == ("bank_failed", "payouts_not_allowed")
    assert Event.objects.filter(kind="payout.bank_failed", expert=payout.expert_id).count() == 1
    banks.paid(payout, NOON + 30 * HOUR)
    assert banks.tries(payout) == ["rejected"]

    account.body["closed"] = False
    account.save(update_fields=["body"])
    bank_retrying.send_again(payout=payout, by=make.user(), at=NOON)
    with pytest.raises(NotHere):
        bank_retrying.send_again(payout=payout, by=make.user(), at=NOON)
    banks.paid(payout, NOON + HOUR)

    assert (banks.tries(payout), banks.left()) == (["rejected", "succeeded"], [5000])


def test_what_came_back_to_us_is_not_sent_to_a_bank() -> None:
    payout, part = banks.transferred(), banks.transferred()
    banks.press("reverse_transfer", str(payout.transfer_id))
    moving.reverse(store.lock(str(part.transfer_id), "transfer"), 2000, {})

    banks.paid(payout)
    make.drain()

    payout.refresh_from_db()
    assert (payout.state, banks.tries(payout)) == ("reversed", [])
    assert (banks.last_try(part).amount_minor, banks.left()) == (3000, [3000])
