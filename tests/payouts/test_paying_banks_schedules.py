"""PAYOUT_MODE=transfer_and_payout: accounts are taken and go back, each without the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from payouts.gateways.sandbox import answers, transport
from payouts.models import Payee, Payout, PayoutRun, SandboxObject
from payouts.services import bank_paying
from payouts.services.pacing import Watch
from tests.payouts import banks, make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
MINUTE, SCHEDULE = timedelta(minutes=1), "/v1/balance_settings"


@pytest.fixture(autouse=True)
def we_pay(settings: Settings) -> None:
    settings.PAYOUT_MODE = "transfer_and_payout"


def run_of_accounts_of_before(people: int) -> PayoutRun:
    """An approved run for accounts whose banks Stripe still pays."""
    client = make.stocked(usd(100_000))
    for _ in range(people):
        make.earned(make.onboarded(), 5000, client=client)
    Payee.objects.update(manual_at=None, manual_asked_at=None)
    for row in SandboxObject.objects.filter(type="v2.core.account"):
        row.body["schedule"] = "daily"
        row.save(update_fields=["body"])
    return make.approved_run()


def schedules() -> list[str]:
    rows = SandboxObject.objects.filter(type="v2.core.account").order_by("position")
    return [row.body["schedule"] for row in rows]


def tick(minutes: int, watch: Watch | None = None) -> None:
    at = NOON + minutes * MINUTE
    bank_paying.pay_banks(at=at, watch=watch or make.still(at))


def test_a_gone_account_is_held_and_keeps_the_run_going(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = answers.Refusal(403, "account_invalid", "The key has no access to this account.")
    monkeypatch.setitem(transport._NOT_KEPT, "forbidden", gone)
    run = run_of_accounts_of_before(2)
    make.fault_at("forbidden", SCHEDULE)

    make.send_all(run)

    run.refresh_from_db()
    states = sorted(Payout.objects.values_list("state", flat=True))
    assert (run.pause_reason, states, make.transfers()) == ("", ["held", "transferred"], [5000])


def test_an_account_that_does_not_answer_is_asked_last_next_time() -> None:
    run = run_of_accounts_of_before(3)
    make.fault_at("error_before", SCHEDULE)

    make.send_all(run)
    assert make.transfers() == []
    make.send_all(run)

    asked = list(Payee.objects.order_by("manual_at", "id").values_list("manual_at", flat=True))
    assert (asked, make.transfers()) == ([NOON] * 3, [5000] * 3)


def test_an_account_that_was_taken_without_our_knowing_goes_back(settings: Settings) -> None:
    run = run_of_accounts_of_before(1)
    make.fault_at("time_out_after", SCHEDULE)
    assert (make.send(run).state, schedules()) == ("reserved", ["manual"])
    settings.PAYOUT_MODE = "transfer"

    tick(1)

    assert schedules() == ["daily"]
    assert not Payee.objects.exclude(manual_asked_at=None).exists()


def test_one_that_does_not_answer_keeps_no_other_from_going_back(settings: Settings) -> None:
    for _ in range(3):
        banks.transferred()
    settings.PAYOUT_MODE = "transfer"
    make.fault_at("error_before", SCHEDULE)

    tick(1)
    assert schedules() == ["manual"] * 3
    make.fault_at("error_before", SCHEDULE)
    tick(2)
    first = Payee.objects.order_by("id")[0]
    assert first.manual_asked_at == NOON + MINUTE
    tick(3)

    assert schedules() == ["daily"] * 3


def test_accounts_go_back_at_the_set_pace(settings: Settings) -> None:
    for _ in range(2):
        banks.transferred()
    settings.PAYOUT_MODE, settings.PAYOUT_RATE_PER_S = "transfer", 1
    waits: list[float] = []

    tick(1, Watch(NOON + MINUTE, clock=lambda: 0.0, wait=waits.append))

    assert ([round(each) for each in waits], schedules()) == ([1], ["daily"] * 2)
