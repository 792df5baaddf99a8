"""PAYOUT_MODE=transfer_and_payout: a process that dies, accounts that change hands, the pace."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings

from payouts.models import Payee, Payout, SandboxObject
from payouts.selectors.invariants import check_ledger
from payouts.services import bank_attempts, bank_paying, sending
from payouts.services.pacing import Watch
from tests.payouts import banks, make
from tests.payouts.child import DIED, die_working
from tests.payouts.dying import Death
from tests.payouts.make import NOON, usd
from tests.payouts.test_races import together

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def we_pay(settings: Settings) -> None:
    settings.PAYOUT_MODE = "transfer_and_payout"


class Died(BaseException):
    """The process ended here."""


def ticks(payout: Payout, *minutes: int) -> None:
    for each in minutes:
        banks.paid(payout, NOON + each * MINUTE)


@pytest.mark.parametrize(
    ("place", "answer"),
    [
        ("bank_paying.ready_attempt", ""),  # before anything is written
        ("bank_attempts._attempt", ""),  # inside the readying
        ("bank_outcomes.move", ""),  # in the record, the payout's bank payout written
        ("bank_paying.outcomes.forget_answer", "time_out_after"),  # no answer, no time to say so
        ("bank_paying.outcomes.postpone", "rate_limit"),
        ("bank_paying.outcomes.refuse", "insufficient_balance"),
        ("bank_paying.look_up", "error_after"),  # a saved 500, on the way to Stripe's list
    ],
)
def test_a_process_that_dies_anywhere_pays_the_bank_once(
    place: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: object, **_kwargs: object) -> None:
        raise Died

    payout = banks.transferred()
    if answer:
        banks.fault(answer)

    with monkeypatch.context() as dying:
        dying.setattr(f"payouts.services.{place}", die)
        with pytest.raises(Died):
            ticks(payout, 0, 5)
    make.drain()
    ticks(payout, 7, 10, 15, 70)
    make.drain()

    payout.refresh_from_db()
    assert (payout.state, banks.tries(payout)[-1], banks.left()) == ("paid", "succeeded", [5000])
    assert len({each.key for each in payout.bank_attempts.all()}) == payout.bank_attempts.count()


def pay_banks_in_a_worker() -> None:
    """Two ticks, in a process of its own."""
    settings.PAYOUT_MODE = "transfer_and_payout"
    for minutes in (0, 5):
        at = NOON + minutes * MINUTE
        bank_paying.pay_banks(at=at, watch=make.still(at))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("place", "call", "answer", "left"),
    [
        ("bank_paying.mark_sending", 1, "", ["created"]),  # inside the claim
        ("bank_paying.deliver", 1, "", ["sending"]),  # between claim and call
        ("bank_paying.outcomes.succeed", 1, "", ["sending"]),  # between call and record
        ("bank_outcomes.take_over", 1, "", ["sending"]),  # in the record, the try written
        ("bank_paying.deliver", 2, "time_out_after", ["sending"]),  # before the repeated call
    ],
)
def test_a_killed_worker_has_the_bank_paid_once(
    place: str, call: int, answer: str, left: list[str]
) -> None:
    payout = banks.transferred()
    if answer:
        banks.fault(answer)

    code = die_working(pay_banks_in_a_worker, Death(f"payouts.services.{place}", call, ()))
    assert (code, banks.tries(payout)) == (DIED, left)
    ticks(payout, 7, 10, 15, 70)
    make.drain()

    payout.refresh_from_db()
    assert (payout.state, banks.tries(payout), banks.left()) == ("paid", ["succeeded"], [5000])


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_pay_each_bank_once() -> None:
    payouts = [banks.transferred() for _ in range(3)]

    together([lambda: bank_paying.pay_banks(at=NOON, watch=make.still())] * 4)

    assert [banks.tries(each) for each in payouts] == [["succeeded"]] * 3
    assert banks.left() == [5000, 5000, 5000]


def test_five_banks_with_every_kind_of_fault_are_each_paid_once() -> None:
    client, pays = make.stocked(usd(100_000)), [1000 + number for number in range(5)]
    for pay in pays:
        make.earned(make.onboarded(), pay, client=client)
    make.send_all(make.approved_run())
    for kind in ("time_out_after", "rate_limit", "error_after", "insufficient_balance"):
        banks.fault(kind)

    ticks(Payout.objects.latest("id"), 0, 5, 10, 15, 70)
    make.drain()

    assert sorted(banks.left()) == pays == sorted(make.transfers())
    assert set(Payout.objects.values_list("state", flat=True)) == {"paid"}
    assert check_ledger(NOON).broken == ()


def test_no_transfer_leaves_while_it_is_not_known_whose_the_bank_is() -> None:
    client = make.stocked(usd(100_000))
    make.earned(make.onboarded(), 4000, client=client)
    Payee.objects.update(manual_at=None)
    run = make.approved_run()
    make.fault_at("error_before", "/v1/balance_settings")

    waits = make.send(run)
    assert (waits.state, make.transfers()) == ("reserved", [])
    later = make.send(run)

    assert (later.state, make.transfers()) == ("transferred", [4000])


def test_accounts_are_ours_from_their_set_up_on() -> None:
    make.onboarded(act="missing_document")

    assert (Payee.objects.get().state, Payee.objects.get().manual_at) == ("onboarding", NOON)


def test_an_account_of_before_is_ours_before_its_next_transfer() -> None:
    new = banks.transferred()
    Payee.objects.update(manual_at=None)
    SandboxObject.objects.filter(type="v2.core.account").update(
        body={**SandboxObject.objects.get(type="v2.core.account").body, "schedule": "daily"}
    )
    client = make.stocked(usd(100_000))
    make.earned(new.expert, 4000, client=client)

    make.send_all(make.approved_run(at=NOON + HOUR))
    old = Payout.objects.exclude(id=new.id).get()
    old.payee.refresh_from_db()

    assert (old.state, old.payee.manual_at, banks.left()) == ("transferred", NOON, [])


def test_an_account_that_stripe_keeps_is_held_and_no_transfer_reaches_it() -> None:
    client = make.stocked(usd(100_000))
    make.earned(make.onboarded(), 4000, client=client)
    Payee.objects.update(manual_at=None)
    run = make.approved_run()
    make.fault_at("restricted_account", "/v1/balance_settings")

    payout = make.send(run)

    assert (payout.state, payout.why, make.transfers()) == ("held", "account", [])


def test_what_arrived_before_the_account_was_ours_is_left_to_stripe() -> None:
    payout = banks.transferred()
    Payee.objects.update(manual_at=NOON + HOUR)

    banks.paid(payout, NOON + 2 * HOUR)

    assert (payout.state, banks.left()) == ("transferred", [])


def test_back_in_the_other_mode_nothing_new_is_sent_and_accounts_go_back(
    settings: Settings,
) -> None:
    banks.fault("time_out_after")
    unknown = banks.paid(banks.transferred())
    readied = banks.transferred()
    bank_attempts.ready_attempt(payout_id=readied.id, at=NOON)
    settings.PAYOUT_MODE = "transfer"

    banks.paid(unknown, NOON + 5 * MINUTE)
    banks.paid(unknown, NOON + 6 * MINUTE)

    assert (banks.tries(unknown), banks.tries(readied)) == (["succeeded"], ["rejected"])
    assert (banks.left(), Payee.objects.exclude(manual_at=None).count()) == ([5000], 0)
    schedules = SandboxObject.objects.filter(type="v2.core.account").values_list(
        "body__schedule", flat=True
    )
    assert set(schedules) == {"daily"}


def test_both_calls_share_the_pace(settings: Settings) -> None:
    payout = banks.transferred()
    settings.PAYOUT_RATE_PER_S = 1
    waits: list[float] = []
    watch = Watch(NOON, clock=lambda: 0.0, wait=waits.append)
    make.earned(payout.expert, 4000, client=make.stocked(usd(100_000)))
    run = make.approved_run()

    sending.send_some(run_id=run.id, at=NOON, watch=watch)
    bank_paying.pay_banks(at=NOON, watch=watch)

    assert [round(each) for each in waits] == [1, 2]
