"""Seven ways to write money code wrongly: the database refuses each, or a check names it.

Every mutant is the product with one line taken away, run in the order of events that it breaks on.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from payouts.models import Account, Earning, Payout, PayoutAttempt, Posting, Reservation
from payouts.selectors.invariants import check_ledger
from payouts.services import holding, ledger, reserving, rounds, sending
from payouts.services.ledger import InsufficientBalance
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def spend(wallet: Account, key: str, minor: int) -> Posting:
    return ledger.post(
        key=key,
        kind="treasury_moved",
        currency="USD",
        legs=[
            ledger.Leg.debit(wallet, usd(minor)),
            ledger.Leg.credit(make.clearing(), usd(minor)),
        ],
        effective_at=NOON,
    )


def key_alone(key: str) -> None:
    Posting.objects.create(
        kind="treasury_moved", currency="USD", key=key, request_hash="x", effective_at=NOON
    )
    connection.check_constraints()


def second_round(batch: Reservation, pending: Account) -> Posting:
    return ledger.post(
        key="round:other",
        kind="earnings_posted",
        currency="USD",
        legs=[
            ledger.Leg.debit(batch.reserved, usd(1000)),
            ledger.Leg.credit(pending, usd(1000)),
        ],
        effective_at=NOON,
    )


def committed(posting: Posting) -> Posting:
    """What the deferred triggers say at the commit."""
    connection.check_constraints()
    return posting


def named() -> set[str]:
    return {broken.invariant for broken in check_ledger(NOON).broken}


def past_the_rules(*statements: str) -> None:
    """Write as a superuser could, past every trigger."""
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


def test_mutant_without_a_lock_cannot_overdraw(monkeypatch: pytest.MonkeyPatch) -> None:
    client = make.organization()
    make.pay_in(client, usd(1000))
    wallet = make.wallet(client)
    stale = Account.objects.in_bulk([wallet.id, make.clearing().id])
    spend(wallet, "first", 1000)

    def unlocked(*, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
        return {row: stale[row] for row in account_ids}

    monkeypatch.setattr(ledger, "lock_accounts", unlocked)
    with pytest.raises(IntegrityError, match="balance_is_not_overdrawn"), transaction.atomic():
        spend(wallet, "second", 1000)

    assert make.balance(wallet) == 0


def test_mutant_that_looks_for_the_key_before_it_writes_is_refused_and_named() -> None:
    client = make.organization()
    posting = make.pay_in(client, usd(1000))

    with pytest.raises(IntegrityError, match="posting_key_is_used_once"), transaction.atomic():
        Posting.objects.create(
            kind=posting.kind,
            currency="USD",
            key=posting.key,
            request_hash=posting.request_hash,
            effective_at=NOON,
        )
    twin = uuid7()
    past_the_rules(
        "ALTER TABLE payouts_posting DROP CONSTRAINT posting_key_is_used_once",
        "INSERT INTO payouts_posting (id, kind, currency, key, request_hash, external_ref, "
        f"effective_at) SELECT '{twin}', kind, currency, key, request_hash, external_ref, "
        f"effective_at FROM payouts_posting WHERE id = '{posting.id}'",
        "INSERT INTO payouts_entry (posting_id, account_id, side, amount_minor, account_version, "
        f"balance_after_minor) SELECT '{twin}', account_id, side, amount_minor, "
        "account_version + 1, balance_after_minor * 2 FROM payouts_entry "
        f"WHERE posting_id = '{posting.id}'",
        "UPDATE payouts_account SET debits_minor = debits_minor * 2, "
        "credits_minor = credits_minor * 2, version = version * 2",
    )

    assert named() == {"L12"}


def test_mutant_that_writes_back_a_balance_it_read_is_refused_and_named() -> None:
    client = make.organization()
    make.pay_in(client, usd(1000))
    wallet = make.wallet(client)
    read = make.balance(wallet)
    make.pay_in(client, usd(500))

    with (
        pytest.raises(IntegrityError, match="balances change by entries only"),
        transaction.atomic(),
    ):
        Account.objects.filter(pk=wallet.pk).update(credits_minor=read)
    past_the_rules(f"UPDATE payouts_account SET credits_minor = {read} WHERE id = '{wallet.id}'")

    assert "L2" in named()


def test_mutant_that_keeps_the_key_of_a_refused_posting_is_refused_and_named() -> None:
    client = make.organization()
    wallet = make.wallet(client)
    with pytest.raises(InsufficientBalance):
        spend(wallet, "too-much", 10)
    assert not Posting.objects.filter(key="too-much").exists()

    with pytest.raises(IntegrityError, match="has no entries"), transaction.atomic():
        key_alone("too-much")
    past_the_rules(
        "INSERT INTO payouts_posting (id, kind, currency, key, request_hash, external_ref, "
        f"effective_at) VALUES ('{uuid7()}', 'treasury_moved', 'USD', 'too-much', 'x', '', now())"
    )

    assert named() == {"L1"}


def test_mutant_that_cancels_what_it_read_before_the_transfer_gives_nothing_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make.owed(5000)
    run = make.approved_run()
    stale = Payout.objects.get(run=run)
    sending.send_some(run_id=run.id, at=NOON, watch=make.still())

    def unlocked(*, payout_id: UUID) -> Payout:
        assert payout_id == stale.id
        return stale

    monkeypatch.setattr(holding, "lock_payout", unlocked)
    monkeypatch.setattr(holding, "_require_nothing_sent", lambda _payout: None)
    with pytest.raises((InsufficientBalance, IntegrityError)), transaction.atomic():
        holding.cancel_payout(payout=stale, why="a stale page", at=NOON)

    assert Payout.objects.get(run=run).state == "transferred"
    assert PayoutAttempt.objects.get().state == "succeeded"
    assert named() == set()


def test_mutant_that_posts_a_round_another_poster_has_posted_is_refused() -> None:
    batch = make.reservation(usd(2000))
    row = make.credited(batch, make.expert(), 1000)
    rounds.post_earnings(at=NOON)
    pending = Account.objects.get(kind="expert_pending")

    with pytest.raises(IntegrityError, match="posted once"), transaction.atomic():
        Earning.objects.filter(pk=row.pk).update(posting=second_round(batch, pending))
    with pytest.raises(IntegrityError, match="for earnings of 0"), transaction.atomic():
        committed(second_round(batch, pending))

    assert make.balance(pending) == 1000


def test_mutant_that_reads_what_to_keep_last_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = make.reservation(usd(2000))
    # Unposted earnings were counted first, then an approval committed, then nothing was to keep.
    monkeypatch.setattr(reserving, "unposted_of", lambda **of: Money(0, of["currency"]))
    make.credited(batch, make.expert(), 1000)

    reserving.release_reservation(reservation=batch, keep=usd(0), at=NOON)

    assert "L9" in named()
