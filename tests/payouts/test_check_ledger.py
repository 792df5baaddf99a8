"""The checker is sound on sound books and names each planted defect by its number."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from marketplace.events.models import Event
from payouts.models import Payout, StripeEvent
from payouts.selectors.books import balance_as_of, explain_payout, trial_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import auditing, budgeting, ledger, reserving, rounds, sandboxing, sending
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> None:
    """A little of everything: paid, waiting, unposted, reversed, released."""
    client = make.stocked(usd(100_000))
    who = make.onboarded()
    make.earned(who, 5000, client=client)
    sending.send_some(run_id=make.approved_run().id, at=NOON)
    make.earned(who, 2000, client=client)
    make.approved_run()
    batch = make.reservation(usd(3000), usd(500))
    make.credited(batch, who, 700, fee=105)
    reserving.release_reservation(reservation=batch, keep=usd(1000), at=NOON)
    wire = make.pay_in(client, usd(10))
    ledger.reverse(posting=wire, key="undo", at=NOON)


@pytest.mark.usefixtures("books")
def test_sound_books_are_found_sound() -> None:
    report = check_ledger(NOON)

    assert report.broken == ()
    assert set(report.checked) >= {"L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L11", "L12"}


DEFECTS = {
    "L1": "UPDATE payouts_entry SET amount_minor = amount_minor + 1 WHERE id = "
    "(SELECT min(id) FROM payouts_entry)",
    "L2": "UPDATE payouts_account SET version = version + 1 WHERE kind = 'wallet'",
    "L3": "UPDATE payouts_account SET credits_minor = credits_minor + 1 WHERE kind = 'wallet'",
    "L4": "UPDATE payouts_entry SET balance_after_minor = -1 WHERE account_id IN "
    "(SELECT id FROM payouts_account WHERE kind = 'wallet')",
    "L5": "UPDATE payouts_earning SET state = 'available' WHERE state = 'paid'",
    "L6": "UPDATE payouts_payout SET amount_minor = amount_minor + 1 WHERE state = 'reserved'",
    "L7": "UPDATE payouts_payoutattempt SET state = 'rejected', provider_id = NULL "
    "WHERE state = 'succeeded'",
    "L8": "UPDATE payouts_payoutitem SET amount_minor = amount_minor - 1",
    "L9": "UPDATE payouts_earning SET fee_minor = 5000, cap_minor = 5700 WHERE posting_id IS NULL",
    "L10": "UPDATE payouts_earning SET fee_minor = 1, cap_minor = cap_minor + 1 "
    "WHERE posting_id IS NOT NULL",
    "L11": "UPDATE payouts_posting SET reverses_id = (SELECT id FROM payouts_posting "
    "WHERE kind = 'budget_allocated' LIMIT 1) WHERE key = 'undo'",
    "L12": "UPDATE payouts_posting SET kind = 'treasury_moved' WHERE kind = 'funding_paid'",
}


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("number", DEFECTS)
def test_a_planted_defect_is_named(number: str) -> None:
    # Written past every trigger, as a superuser of the database could.
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(DEFECTS[number])
        cursor.execute("SET session_replication_role = origin")

    found = {broken.invariant for broken in check_ledger(NOON).broken}

    assert number in found


@pytest.mark.usefixtures("books")
def test_a_disabled_trigger_is_named() -> None:
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payouts_entry DISABLE TRIGGER USER")

    problems = [broken.problem for broken in check_ledger(NOON).broken]

    assert "trigger payouts.Entry:entries_balance is missing or disabled" in problems


def test_an_earning_without_a_round_is_named_after_ten_minutes() -> None:
    row = make.credited(make.reservation(usd(500)), make.expert(), 500)

    early = check_ledger(NOON + timedelta(minutes=10))
    late = check_ledger(NOON + timedelta(minutes=10, seconds=1))

    assert early.broken == ()
    assert [broken.invariant for broken in late.broken] == ["L5"]
    assert row.key in late.broken[0].problem


def test_a_message_without_an_answer_is_named_after_fifteen_minutes() -> None:
    row = make.start_funding(make.organization(), usd(5000))
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")
    make.drain()
    StripeEvent.objects.update(state="received", handled_at=None, received_at=NOON)

    report = check_ledger(NOON + timedelta(minutes=16))

    assert [broken.invariant for broken in report.broken] == ["L15"]


@pytest.mark.usefixtures("books")
def test_triggers_that_a_session_could_switch_off_are_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) "
            "RETURNS boolean LANGUAGE sql AS 'SELECT true'"
        )

    report = check_ledger(NOON)

    assert [broken.invariant for broken in report.broken] == ["L1"]


@pytest.mark.usefixtures("books")
def test_the_nightly_check_leaves_an_event() -> None:
    auditing.audit_ledger(at=NOON)

    assert Event.objects.get(kind="ledger.checked").data["broken"] == 0


@pytest.mark.usefixtures("books")
def test_the_trial_balance_is_even_and_a_payout_explains_itself() -> None:
    lines = trial_balance()

    assert sum(line.debits.minor for line in lines) == sum(line.credits.minor for line in lines)
    payout = next(iter(Payout.objects.filter(state="transferred").order_by("id")))
    assert [work.amount for work in explain_payout(payout)] == [usd(5000)]
    assert explain_payout(payout)[0].key.startswith("work:")


def test_a_balance_as_of_an_instant_counts_what_had_happened_by_then() -> None:
    client, project = make.funded_project(usd(1000))
    budgeting.return_budget(
        organization=client,
        subject_id=project,
        amount=usd(400),
        by=make.user().id,
        key="back",
        at=NOON + timedelta(days=1),
    )
    wallet = make.wallet(client)

    assert balance_as_of(wallet, NOON) == usd(0)
    assert balance_as_of(wallet, NOON + timedelta(hours=1)) == usd(0)
    assert balance_as_of(wallet, NOON + timedelta(days=2)) == usd(400)


@pytest.mark.django_db(transaction=True)
def test_the_command_exits_with_an_error_on_broken_books(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make.reservation(usd(500))
    rounds.post_earnings(at=NOON)
    call_command("check_ledger", "--json")
    assert json.loads(capsys.readouterr().out)["broken"] == []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE payouts_account SET version = 9 WHERE kind = 'wallet'")

    with pytest.raises(CommandError, match="1 problems"):
        call_command("check_ledger")
    assert capsys.readouterr().err.startswith("L2: account wallet")
