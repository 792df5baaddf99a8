"""Many at once: real threads on real connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import TypeVar
from uuid import UUID

import pytest
from django.db import OperationalError, connection, connections, transaction

from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from payouts.models import Account, Earning, Payout, Posting, Reservation
from payouts.selectors.budgets import project_budget
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import collecting, ledger, reserving, rounds, running_payouts, sending
from payouts.services.accounts import account
from payouts.services.ledger import InsufficientBalance, Leg
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
T = TypeVar("T")


def together(works: Sequence[Callable[[], T]]) -> list[T]:
    """Start all at the same moment, each on its own connection."""
    start = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        try:
            start.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def move(key: str, source: Account, target: Account, minor: int) -> Posting:
    return ledger.post(
        key=key,
        kind="treasury_moved",
        currency="USD",
        legs=[Leg(source, "C", minor), Leg(target, "D", minor)],
        effective_at=NOON,
    )


def test_64_simultaneous_posts_of_one_key_apply_once() -> None:
    bank, clearing = account("platform_bank", currency="USD"), make.clearing()

    posts = together([lambda: move("one", clearing, bank, 7)] * 64)

    assert len({row.id for row in posts}) == 1
    assert sum(row.is_new for row in posts) == 1
    assert make.balance(bank) == 7


def test_500_credits_to_one_account_are_exact() -> None:
    client = make.organization()
    wallet = make.wallet(client)

    def pay_in() -> None:
        for _ in range(50):
            make.pay_in(client, usd(3))

    together([pay_in] * 10)

    assert make.balance(wallet) == 1500
    assert Account.objects.get(id=wallet.id).version == 500
    assert check_ledger(NOON).broken == ()


def test_8_times_400_opposite_transfers_conserve_and_never_deadlock() -> None:
    bank, clearing = account("platform_bank", currency="USD"), make.clearing()

    def shuttle(source: Account, target: Account) -> None:
        for _ in range(400):
            move(str(uuid7()), source, target, 1)

    together([lambda: shuttle(bank, clearing), lambda: shuttle(clearing, bank)] * 4)

    assert (make.balance(bank), make.balance(clearing)) == (0, 0)
    assert Account.objects.get(id=bank.id).version == 3200


def test_concurrent_drains_never_overdraw() -> None:
    client = make.organization()
    make.pay_in(client, usd(50))
    wallet, clearing = make.wallet(client), make.clearing()

    def drain() -> int:
        taken = 0
        for _ in range(15):
            try:
                ledger.post(
                    key=str(uuid7()),
                    kind="treasury_moved",
                    currency="USD",
                    legs=[Leg(wallet, "D", 1), Leg(clearing, "C", 1)],
                    effective_at=NOON,
                )
                taken += 1
            except InsufficientBalance:
                continue
        return taken

    assert sum(together([drain] * 6)) == 50
    assert make.balance(wallet) == 0


def test_two_batches_do_not_share_one_budget() -> None:
    client, project = make.funded_project(usd(100))

    def reserve() -> str:
        try:
            reserving.reserve(
                reservation_id=uuid7(),
                organization=client,
                subject_id=project,
                base=usd(60),
                pool=usd(0),
                quote={},
                by=uuid7(),
                at=NOON,
            )
        except InsufficientBalance:
            return "refused"
        return "reserved"

    assert sorted(together([reserve] * 4)) == ["refused", "refused", "refused", "reserved"]
    assert Reservation.objects.count() == 1


def test_writers_posters_and_a_closing_batch_keep_every_cent() -> None:
    batch = make.reservation(usd(10_000))
    experts = [make.expert() for _ in range(3)]

    def approve() -> None:
        for who in experts * 5:
            make.credited(batch, who, 100, fee=15)

    def post() -> None:
        for _ in range(10):
            rounds.post_earnings(at=NOON)

    def close() -> None:
        reserving.release_reservation(reservation=batch, keep=usd(60 * 115), at=NOON)

    together([approve, approve, approve, approve, post, post, close])
    rounds.post_earnings(at=NOON)

    assert Earning.objects.filter(posting=None).count() == 0
    assert [expert_balance(who, "USD").pending for who in experts] == [usd(2000)] * 3
    assert check_ledger(NOON).broken == ()


def test_two_posters_post_every_earning_once() -> None:
    batches = [make.reservation(usd(10_000)) for _ in range(3)]
    people = [make.expert() for _ in range(4)]
    for batch in batches:
        for who in people * 3:
            make.credited(batch, who, 100, fee=15)

    posted = together([lambda: rounds.post_earnings(at=NOON)] * 2)

    assert sum(posted) + rounds.post_earnings(at=NOON) == 36
    assert Posting.objects.filter(kind="earnings_posted").count() == 3
    assert [expert_balance(who, "USD").pending for who in people] == [usd(900)] * 4
    assert check_ledger(NOON).broken == ()


def test_shown_balances_stay_constant_while_rounds_are_posted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "ROUND_SIZE", 2)
    batch, who = make.reservation(usd(10_000)), make.expert()
    for _ in range(40):
        make.credited(batch, who, 100, fee=15)
    shown, is_over = list[object](), Event()

    def look() -> int:
        while not is_over.is_set():
            shown.append((expert_balance(who, "USD"), project_budget(batch.subject_id, "USD")))
        return 0

    def post() -> int:
        try:
            return rounds.post_earnings(at=NOON)
        finally:
            is_over.set()

    before = (expert_balance(who, "USD"), project_budget(batch.subject_id, "USD"))
    posted = together([look, post])

    assert posted == [0, 40]
    assert Posting.objects.filter(kind="earnings_posted").count() == 20
    assert set(shown) == {before}
    assert (before[0].pending, before[1].spent) == (usd(4000), usd(4600))


def test_row_29_a_killed_doubled_or_stopped_poster_loses_and_doubles_nothing() -> None:
    batch, who = make.reservation(usd(10_000)), make.expert()
    for _ in range(5):
        make.credited(batch, who, 100, fee=15)
    shown = (expert_balance(who, "USD"), project_budget(batch.subject_id, "USD"))
    revenue = account("platform_revenue", currency="USD")

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ledger.lock_accounts(account_ids=[revenue.id])
            killed = pool.submit(rounds.post_earnings, at=NOON)
            poster = waiting_backend()  # in the middle of its round
            doubled = together([lambda: rounds.post_earnings(at=NOON)])
            terminate(poster)
            with pytest.raises(OperationalError):
                killed.result(timeout=20)
        pool.submit(connections.close_all).result()

    assert doubled == [0]
    assert (expert_balance(who, "USD"), project_budget(batch.subject_id, "USD")) == shown
    assert not Posting.objects.filter(kind="earnings_posted").exists()
    later = NOON + timedelta(hours=1)
    assert (rounds.post_earnings(at=later), rounds.post_earnings(at=later)) == (5, 0)
    assert (expert_balance(who, "USD"), project_budget(batch.subject_id, "USD")) == shown
    assert check_ledger(later).broken == ()


def waiting_backend() -> int:
    """The connection that waits for a lock; there soon is one."""
    for _ in range(2000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            row = cursor.fetchone()
            if row:
                return int(row[0])
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody waits for a lock")


def terminate(backend: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [backend])


def test_row_11_two_workers_on_one_run_send_each_payout_once() -> None:
    client = make.stocked(usd(100_000))
    for _ in range(6):
        make.earned(make.onboarded(), 1500, client=client)
    run = make.approved_run()

    together([lambda: sending.send_some(run_id=run.id, at=NOON)] * 3)

    assert make.transfers() == [1500] * 6
    assert set(Payout.objects.values_list("state", flat=True)) == {"transferred"}
    assert check_ledger(NOON).broken == ()


def test_row_11_two_collectors_make_one_payout_per_expert() -> None:
    client = make.stocked(usd(100_000))
    for _ in range(4):
        make.earned(make.onboarded(), 1500, client=client)
    run = running_payouts.open_run(currency="USD", by=make.user(), at=NOON)

    together([lambda: collecting.collect_run(run_id=run.id, at=NOON)] * 3)

    assert Payout.objects.filter(run=run).count() == 4


def test_row_28_approve_and_two_cancels_have_one_winner() -> None:
    make.owed(5000)
    run = running_payouts.open_run(currency="USD", by=make.user(), at=NOON)
    collecting.collect_run(run_id=run.id, at=NOON)
    running_payouts.close_run(run=run, by=make.user(), at=NOON)
    people = [make.user() for _ in range(3)]

    def approve() -> UUID:
        running_payouts.approve_run(run=run, by=people[0], at=NOON)
        return run.id

    def cancel() -> UUID:
        running_payouts.cancel_run(run=run, by=people[1], at=NOON)
        return run.id

    together([lambda: _quietly(approve), lambda: _quietly(cancel), lambda: _quietly(cancel)])
    make.drain()

    run.refresh_from_db()
    assert (run.state, make.transfers()) in [("done", [5000]), ("cancelled", [])]
    assert Posting.objects.filter(kind="payout_released").count() == (run.state == "cancelled")
    assert check_ledger(NOON).broken == ()


def _quietly(act: Callable[[], UUID]) -> None:
    try:
        act()
    except DomainError:
        return
