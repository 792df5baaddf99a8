"""Two acts on one client's money at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from payouts.models import Account, Chargeback, Refund, RefundPart, SandboxObject
from payouts.selectors.budgets import wallet
from payouts.selectors.freezing import frozen
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    budgeting,
    charging_back,
    funding,
    ledger,
    refunding,
    reserving,
    returning,
    sandboxing,
)
from payouts.services.accounts import account
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.test_races import together
from tests.servers.waiting import until

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def quietly(act: Callable[[], object]) -> Callable[[], str]:
    def run() -> str:
        try:
            act()
        except DomainError as refused:
            return refused.code
        return "done"

    return run


def meeting(place: Account, works: Sequence[Callable[[], str]]) -> list[str]:
    """All come to the account while it is held, and go on once each waits for it."""

    def run(work: Callable[[], str]) -> str:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        with transaction.atomic():
            ledger.lock_accounts(account_ids=[place.id])
            ends = [pool.submit(run, work) for work in works]
            until(lambda: waiting() == len(works))
        return [end.result() for end in ends]


def waiting() -> int:
    """How many sessions wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (found,) = cursor.fetchone()
    return int(found)


def ask(client: Organization, amount: int) -> Callable[[], object]:
    return lambda: refunding.request_refund(
        refund_id=uuid7(), organization=client, amount=usd(amount), why="", by=uuid7(), at=NOON
    )


def give(client: Organization, amount: int) -> Callable[[], object]:
    return lambda: budgeting.allocate(
        organization=client,
        subject_id=uuid7(),
        amount=usd(amount),
        by=uuid7(),
        key=str(uuid7()),
        at=NOON,
    )


def contest(charge: SandboxObject) -> str:
    body = sandboxing.press(
        button="open_chargeback", object_id=charge.object_id, by=uuid7(), at=NOON
    )
    return str(body["id"])


def test_two_refunds_do_not_share_one_payment() -> None:
    client = make.stocked(usd(10_000))
    make.pay_in(client, usd(90_000))
    account("refund_in_transit", currency="USD", organization=client)  # else they meet there

    ends = meeting(make.wallet(client), [quietly(ask(client, 6000)) for _ in range(4)])

    assert sorted(ends) == ["done", "not_refundable", "not_refundable", "not_refundable"]
    assert sum(RefundPart.objects.values_list("amount_minor", flat=True)) == 6000
    assert check_ledger(NOON).broken == ()


def test_a_refund_and_an_allocation_do_not_share_one_wallet() -> None:
    client = make.stocked(usd(10_000))

    ends = together([quietly(ask(client, 6000)), quietly(give(client, 6000))] * 2)

    assert sorted(ends) == ["done", *["insufficient_balance"] * 3]
    assert wallet(client, "USD") == usd(4000)
    assert check_ledger(NOON).broken == ()


def test_two_batches_do_not_count_on_the_same_cover() -> None:
    client = make.stocked(usd(10_000))
    projects = [uuid7() for _ in range(3)]
    for project in projects:
        budgeting.allocate(
            organization=client,
            subject_id=project,
            amount=usd(5000) if project == projects[0] else usd(2500),
            by=project,
            key=str(project),
            at=NOON,
        )
    charging_back.sync_chargeback(
        dispute_id=contest(SandboxObject.objects.get(type="charge")), at=NOON
    )
    Chargeback.objects.update(amount_minor=7500)

    def opening(project: object) -> Callable[[], object]:
        return lambda: reserving.reserve(
            reservation_id=uuid7(),
            organization=client,
            subject_id=project,  # type: ignore[arg-type]  # a UUID
            base=usd(2500),
            pool=usd(0),
            quote={},
            by=uuid7(),
            at=NOON,
        )

    ends = together([quietly(opening(project)) for project in projects])

    assert sorted(ends) == ["done", "funds_frozen", "funds_frozen"]


def test_a_chargeback_that_opens_while_a_refund_is_sent_leaves_true_books() -> None:
    client = make.stocked(usd(10_000))
    sandboxing.move_own_money(amount=usd(50_000), by=uuid7(), at=NOON)
    refund = Refund.objects.get(id=ask(client, 4000)().id)  # type: ignore[attr-defined]  # a Refund
    refunding.approve_refund(refund=refund, by=make.user(), at=NOON)
    dispute = contest(SandboxObject.objects.get(type="charge"))

    together(
        [
            quietly(lambda: returning.send_refund(refund_id=refund.id, at=NOON)),
            quietly(lambda: charging_back.sync_chargeback(dispute_id=dispute, at=NOON)),
        ]
        * 2
    )

    refund.refresh_from_db()
    assert refund.state in {"paid", "approved"}
    assert frozen(client, "USD", at=NOON) == usd(10_000)
    assert Chargeback.objects.count() == 1
    assert check_ledger(NOON).broken == ()


def test_the_same_payment_seen_by_many_is_credited_once() -> None:
    client = make.organization()
    row = make.start_funding(client, usd(5000))
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")

    together([lambda: funding.settle_checkout(session_id=str(row.session_id), at=NOON)] * 4)

    assert wallet(client, "USD") == usd(5000)
    assert check_ledger(NOON).broken == ()


def test_two_workers_send_each_part_of_a_refund_once() -> None:
    client = make.stocked(usd(10_000))
    for amount in (3000, 2000):
        row = make.start_funding(client, usd(amount))
        sandboxing.act_on_checkout(session_id=str(row.session_id), act="pay")
        funding.settle_checkout(session_id=str(row.session_id), at=NOON)
    refund = Refund.objects.get(id=ask(client, 9000)().id)  # type: ignore[attr-defined]  # a Refund
    refunding.approve_refund(refund=refund, by=make.user(), at=NOON)

    together([lambda: returning.send_refund(refund_id=refund.id, at=NOON)] * 3)

    refund.refresh_from_db()
    rows = SandboxObject.objects.filter(type="refund")
    assert (refund.state, sorted(row.body["amount"] for row in rows)) == (
        "paid",
        [2000, 3000, 4000],
    )
    assert check_ledger(NOON).broken == ()
