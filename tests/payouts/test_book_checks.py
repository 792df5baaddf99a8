"""What the checker says of our books beside the provider's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from marketplace.kit import clock
from payouts.models import BalanceTransaction
from payouts.selectors.invariants import check_ledger
from payouts.services import auditing, ledger, reconciling
from payouts.services.accounts import account
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def books() -> Iterator[None]:
    """One expert paid, everything reconciled."""
    with clock.at(NOON):
        make.owed(5000)
        make.send(make.approved_run())
        reconciling.reconcile(at=NOON + HOUR)
        yield


@pytest.mark.usefixtures("books")
def test_reconciled_books_are_sound() -> None:
    report = check_ledger(NOON + HOUR)

    assert report.broken == ()
    assert set(report.checked) >= {"L7", "L9", "L13", "L16", "L18"}


DEFECTS = {
    "provider sent more": (
        "L7",
        (
            "UPDATE payouts_balancetransaction SET amount_minor = -6000, net_minor = -6000 "
            "WHERE category = 'transfer'"
        ),
    ),
    "provider sent to nobody": (
        "L7",
        "UPDATE payouts_balancetransaction SET source = 'tr_other' WHERE category = 'transfer'",
    ),
    "provider does not know": (
        "L7",
        (
            "DELETE FROM payouts_balancetransaction WHERE category = 'transfer'; "
            "UPDATE payouts_payoutattempt SET ended_at = ended_at - interval '2 days'"
        ),
    ),
    "price was another": (
        "L9",
        "UPDATE payouts_reservation SET base_minor = base_minor + 1",
    ),
    "paid beyond the work": (
        "L9",
        "UPDATE payouts_earning SET reservation_id = NULL",
    ),
    "movement of another amount": (
        "L13",
        (
            "UPDATE payouts_balancetransaction SET amount_minor = amount_minor + 1, "
            "net_minor = net_minor + 1 WHERE category = 'charge'"
        ),
    ),
    "balance of another amount": (
        "L13",
        "UPDATE payouts_reconciliation SET balances = jsonb_set(balances, '{USD,provider}', '1')",
    ),
}


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("what", DEFECTS)
def test_planted_defect_is_named(what: str) -> None:
    number, sql = DEFECTS[what]
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET session_replication_role = origin")

    found = {broken.invariant for broken in check_ledger(NOON + HOUR).broken}

    assert number in found


@pytest.mark.usefixtures("books")
def test_less_money_than_is_owed_warns_and_breaks_nothing() -> None:
    bank, loss = account("platform_bank", currency="USD"), account("psp_fees", currency="USD")
    ledger.post(
        key="lost",
        kind="correction",
        currency="USD",
        legs=[ledger.Leg.credit(make.clearing(), usd(50_000)), ledger.Leg.debit(loss, usd(50_000))],
        effective_at=NOON,
    )
    out, err, machine = StringIO(), StringIO(), StringIO()

    report = auditing.audit_ledger(at=NOON + HOUR)
    call_command("check_ledger", stdout=out, stderr=err)
    call_command("check_ledger", "--json", stdout=machine)

    assert make.balance(bank) == 0
    assert report.broken == ()
    warned = "USD: at Stripe 42070, in the bank 0, owed 95000"
    assert [(each.invariant, each.problem) for each in report.warnings] == [("L18", warned)]
    assert err.getvalue() == f"L18 warns: {warned}\n"
    assert out.getvalue().startswith("The ledger is sound")
    assert json.loads(machine.getvalue())["warnings"][0]["invariant"] == "L18"
    assert BalanceTransaction.objects.count() == 2
