"""PAYOUT_MODE=transfer_and_payout: what banks and Stripe tell of the payouts that we asked for."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from marketplace.events.models import Event
from marketplace.kit.ids import uuid7
from payouts.models import Payout, SandboxObject
from payouts.selectors.invariants import check_ledger
from payouts.services import bank_leg, bank_retrying, sandboxing
from tests.payouts import banks, make
from tests.payouts.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
SEEN: dict[str, dict[str, Any]] = {
    "created": {"status": "in_transit"},
    "paid": {"status": "paid"},
    "failed": {"status": "failed", "failure_code": "account_closed"},
}


@pytest.fixture(autouse=True)
def we_pay(settings: Settings) -> None:
    settings.PAYOUT_MODE = "transfer_and_payout"


def tell(payout: Payout, provider_id: str | None, seen: str) -> None:
    """A message comes while Stripe shows the bank payout so."""
    row = SandboxObject.objects.get(object_id=provider_id)
    row.body = {**row.body, "failure_code": None, **SEEN[seen]}
    row.save(update_fields=["body"])
    bank_leg.sync_bank_payout(account_id=payout.destination, payout_id=str(provider_id), at=NOON)
    payout.refresh_from_db()


def refused_at_once() -> Payout:
    """A payout whose bank sent it back."""
    payout = banks.transferred()
    sandboxing.arm_fault(kind="bank_refuses", path=payout.destination, times=1, by=uuid7(), at=NOON)
    banks.paid(payout)
    make.drain()
    payout.refresh_from_db()
    return payout


def test_a_bank_that_sends_it_back_is_told_and_asked_again_only_with_a_new_account() -> None:
    payout = refused_at_once()
    first = banks.last_try(payout)
    assert (payout.state, payout.why, first.state) == ("bank_failed", "account_closed", "returned")
    assert Event.objects.filter(kind="payout.bank_failed", expert=payout.expert_id).count() == 1
    banks.paid(payout, NOON + 48 * HOUR)
    bank_retrying.retry_with_new_bank(
        account_id=payout.destination, bank_account_id=first.bank_account, at=NOON
    )
    assert banks.tries(payout) == ["returned"]

    banks.press("change_bank", payout.bank_payout_id)
    make.drain()
    banks.paid(payout, NOON + 49 * HOUR)
    make.drain()

    payout.refresh_from_db()
    second = banks.last_try(payout)
    assert (payout.state, banks.tries(payout)) == ("paid", ["returned", "succeeded"])
    assert (first.key, second.key) == (
        f"payout:{payout.id}:bank:1",
        f"payout:{payout.id}:bank:2",
    )
    assert second.bank_account != first.bank_account
    assert (banks.left(), payout.bank_payout_id) == ([5000, 5000], second.provider_id)


def test_a_bank_may_send_it_back_after_paid_and_a_late_word_says_nothing_of_the_next() -> None:
    payout = banks.paid(banks.transferred())
    make.drain()
    first = banks.last_try(payout)
    banks.press("fail_bank", str(first.provider_id))
    make.drain()
    payout.refresh_from_db()
    assert payout.state == "bank_failed"

    bank_retrying.send_again(payout=payout, by=make.user(), at=NOON)
    banks.paid(payout, NOON + HOUR)
    make.drain()
    for seen in SEEN:
        tell(payout, first.provider_id, seen)

    assert (payout.state, banks.tries(payout)) == ("paid", ["returned", "succeeded"])


def test_a_lost_message_is_made_up_for_by_a_look() -> None:
    payout = banks.transferred()
    sandboxing.arm_fault(kind="lose_event", path="payout", times=9, by=uuid7(), at=NOON)
    banks.paid(payout)
    make.drain()
    payout.refresh_from_db()
    assert payout.state == "bank_pending"

    banks.paid(payout, NOON + 5 * HOUR)
    assert payout.state == "bank_pending"
    banks.paid(payout, NOON + 6 * HOUR)

    assert (payout.state, banks.last_try(payout).next_try_at) == ("paid", None)


def test_every_order_of_the_messages_thrice_converges_and_pays_once() -> None:
    payout = banks.paid(banks.transferred())
    first, booked = banks.last_try(payout), make.clearing().version

    for order in permutations(SEEN):
        point = transaction.savepoint()
        for seen in [*order, *order, *order]:
            tell(payout, first.provider_id, seen)
        banks.paid(payout, NOON + 24 * HOUR)
        assert (order, payout.state, banks.tries(payout)) == (order, "bank_failed", ["returned"])
        transaction.savepoint_rollback(point)

    assert (banks.left(), make.clearing().version) == ([5000], booked)


def test_every_order_of_the_answer_and_the_messages_thrice_adopts_once() -> None:
    banks.fault("time_out_after")
    payout = banks.paid(banks.transferred())
    made = SandboxObject.objects.get(type="payout").object_id

    for order in permutations(["created", "paid", "sweep"]):
        point = transaction.savepoint()
        for number, seen in enumerate([*order, *order, *order]):
            if seen == "sweep":
                banks.paid(payout, NOON + (number + 1) * HOUR)
            else:
                tell(payout, made, seen)
        assert (order, payout.state, banks.tries(payout)) == (order, "paid", ["succeeded"])
        assert banks.left() == [5000]
        transaction.savepoint_rollback(point)


def test_a_bank_payout_of_another_amount_is_a_persons_question() -> None:
    banks.fault("time_out_after")
    payout = banks.paid(banks.transferred())
    row = SandboxObject.objects.get(type="payout")
    row.body = {**row.body, "amount": 4000}
    row.save(update_fields=["body"])

    tell(payout, row.object_id, "paid")

    attempt = banks.last_try(payout)
    assert (payout.state, attempt.state, attempt.is_frozen) == ("transferred", "unknown", True)
    assert attempt.error_code == "payout_differs"


def test_a_bank_payout_of_nobody_is_not_ours() -> None:
    payout = banks.paid(banks.transferred())
    row = SandboxObject.objects.get(type="payout")
    for metadata in ({"payout": "?", "attempt": "1"}, {"payout": str(payout.id), "attempt": "9"}):
        row.body = {**row.body, "metadata": metadata}
        row.save(update_fields=["body"])

        found = bank_leg.sync_bank_payout(
            account_id=payout.destination, payout_id=row.object_id, at=NOON
        )

        assert found == 0


DEFECTS = (
    "UPDATE payouts_bankattempt SET amount_minor = 5001",
    "UPDATE payouts_bankattempt SET state = 'rejected', provider_id = NULL",
    "UPDATE payouts_bankattempt SET provider_id = 'po_other'",
    "UPDATE payouts_payout SET bank_payout_id = 'po_other'",
    "DELETE FROM payouts_bankattempt",
    "UPDATE payouts_sandboxobject SET account = 'acct_other' WHERE type = 'payout'",
)


def test_a_planted_defect_of_the_bank_leg_is_named() -> None:
    banks.paid(banks.transferred())
    assert check_ledger(NOON).broken == ()
    connection.check_constraints()

    found = {}
    for defect in DEFECTS:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(defect)
            cursor.execute("SET session_replication_role = origin")
            found[defect] = {broken.invariant for broken in check_ledger(NOON).broken}
            transaction.set_rollback(True)

    assert found == {defect: {"L7"} for defect in DEFECTS}
