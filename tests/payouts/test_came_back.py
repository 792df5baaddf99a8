"""Money that was sent and came back is counted once, and what an employer pays is counted."""

from __future__ import annotations

import pytest

from payouts.gateways.sandbox import moving, store
from payouts.models import Earning, Payout, SandboxObject
from payouts.selectors.came_back import unpaid_of
from payouts.selectors.earnings import expert_balance
from payouts.services import payrolling, sandboxing
from payouts.services.reversals import book_reversals
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.test_payroll import DECEMBER, drafted, employee, worked

pytestmark = pytest.mark.django_db


def sent(pay: int = 5000) -> Payout:
    make.owed(pay)
    payout = make.send(make.approved_run())
    make.drain()
    return payout


def refused_by_bank(payout: Payout) -> None:
    bank = SandboxObject.objects.get(type="payout")
    sandboxing.press(button="fail_bank", object_id=bank.object_id, by=make.user().pk, at=NOON)
    make.drain()
    assert Payout.objects.get(pk=payout.pk).state == "bank_failed"


def taken_back(payout: Payout, minor: int) -> None:
    transfer = store.lock(str(payout.transfer_id), "transfer")
    moving.reverse(transfer, minor, {})
    for _ in range(2):
        book_reversals(transfer_id=transfer.object_id, at=NOON)


@pytest.mark.parametrize("minor", [1200, 5000])
def test_what_came_back_is_available_and_no_longer_paid(minor: int) -> None:
    payout = sent()

    taken_back(payout, minor)

    found = expert_balance(payout.expert, "USD")
    assert (found.paid, found.available) == (usd(5000 - minor), usd(minor))
    earning = Earning.objects.exclude(key__startswith="reversal:").get()
    assert unpaid_of(payout.expert).owed_anew == {earning.pk: minor}


def test_what_the_bank_refused_is_not_paid() -> None:
    payout = sent()

    refused_by_bank(payout)

    found = expert_balance(payout.expert, "USD")
    assert (found.paid, found.returned, found.on_its_way) == (usd(0), usd(5000), usd(0))
    assert unpaid_of(payout.expert).returned == {Earning.objects.get().pk: 5000}


def test_a_part_taken_back_of_what_the_bank_refused_is_counted_once() -> None:
    payout = sent()
    refused_by_bank(payout)

    taken_back(payout, 1200)

    found = expert_balance(payout.expert, "USD")
    assert (found.paid, found.returned, found.available) == (usd(0), usd(3800), usd(1200))


def test_more_than_was_asked_that_the_bank_refused_is_not_paid() -> None:
    payout = sent()
    refused_by_bank(payout)
    Payout.objects.filter(pk=payout.pk).update(sent_minor=7000)  # two people had adopted it so

    found = expert_balance(payout.expert, "USD")

    assert (found.paid, found.returned) == (usd(0), usd(7000))


def test_what_the_employer_owes_and_has_paid_is_counted() -> None:
    lab = make.organization()
    who = employee(lab)
    worked(who, 3000)
    export = payrolling.approve_payroll(export=drafted(lab), by=make.user(), at=DECEMBER)
    before = expert_balance(who, "USD")

    payrolling.acknowledge_payroll(export=export, by=make.user(), at=DECEMBER)

    after = expert_balance(who, "USD")
    assert (before.with_employer, before.by_employer) == (usd(3000), usd(0))
    assert (after.with_employer, after.by_employer, after.paid) == (usd(0), usd(3000), usd(0))
