"""Cash-outs and files by many people at once: real threads on real connections."""

from __future__ import annotations

from functools import partial

import pytest
from pytest_django.fixtures import Settings

from marketplace.people.models import Expert
from payouts.models import PayoutAttempt, PayoutRun
from payouts.selectors.cash_outs import budget_use
from payouts.selectors.invariants import check_ledger
from payouts.services import bank_files, cashing_out
from payouts.services.cashing_out import CashOutRefused
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.rails import approved_file, approved_file_run, by_file, in_hold, proven
from tests.payouts.test_races import together

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def test_cash_outs_at_once_never_exceed_the_budget(settings: Settings) -> None:
    settings.CASH_OUT_BUDGET = {"USD": 10_000}
    experts = [proven() for _ in range(6)]
    for who in experts:
        in_hold(who, 3000)

    def ask(who: Expert) -> int:
        try:
            return cashing_out.cash_out(expert=who, currency="USD", at=NOON).amount_minor
        except CashOutRefused:
            return 0

    paid = together([partial(ask, who) for who in experts])

    assert sorted(paid) == [0, 0, 0, 3000, 3000, 3000]
    assert budget_use(currency="USD", at=NOON).used == usd(9000)
    assert PayoutRun.objects.filter(kind="cash_out").count() == 1
    assert check_ledger(NOON).broken == ()


def test_one_expert_asking_many_times_is_paid_once() -> None:
    who = proven()
    make.available(who, 2000)

    def ask() -> int:
        try:
            return cashing_out.cash_out(expert=who, currency="USD", at=NOON).amount_minor
        except CashOutRefused:
            return 0

    paid = together([ask] * 6)

    assert sorted(paid) == [0, 0, 0, 0, 0, 2000]


def test_two_exports_of_one_file_are_the_same_bytes() -> None:
    make.available(by_file(), 5000)
    approved_file_run()
    batch, by = approved_file(), make.user()

    found = together([partial(bank_files.export_batch, batch=batch, by=by, at=NOON)] * 4)

    assert len(set(found)) == 1
    assert [row.sends for row in PayoutAttempt.objects.all()] == [1]
