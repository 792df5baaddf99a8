"""What the ledger refuses, and what a posting is."""

from __future__ import annotations

from datetime import timedelta

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction

from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from payouts.models import Account, Entry, Posting
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.ledger import InsufficientBalance, KeyReused, Leg
from tests.payouts import make
from tests.payouts.make import NOON, usd

pytestmark = pytest.mark.django_db


def transfer(key: str, source: Account, target: Account, minor: int) -> Posting:
    return ledger.post(
        key=key,
        kind="treasury_moved",
        currency="USD",
        legs=[Leg(source, "C", minor), Leg(target, "D", minor)],
        effective_at=NOON,
    )


@pytest.fixture
def bank() -> Account:
    return account("platform_bank", currency="USD")


def raw_entries(posting: Posting, *rows: tuple[Account, str, int]) -> None:
    Entry.objects.bulk_create(
        Entry(
            posting=posting,
            account=row,
            side=side,
            amount_minor=minor,
            account_version=0,
            balance_after_minor=0,
        )
        for row, side, minor in rows
    )


def raw_posting(kind: str = "treasury_moved") -> Posting:
    return Posting.objects.create(
        kind=kind, currency="USD", key=str(uuid7()), request_hash="0" * 64, effective_at=NOON
    )


def test_a_posting_moves_both_accounts_and_says_the_balance_after(bank: Account) -> None:
    posting = transfer("one", make.clearing(), bank, 1250)

    entries = posting.entries.order_by("id").values_list(
        "account__kind", "side", "amount_minor", "account_version", "balance_after_minor"
    )
    assert sorted(entries) == [
        ("platform_bank", "D", 1250, 1, 1250),
        ("psp_clearing", "C", 1250, 1, -1250),
    ]


def test_legs_of_one_account_and_side_are_merged_and_zeros_dropped(bank: Account) -> None:
    posting = ledger.post(
        key="merged",
        kind="treasury_moved",
        currency="USD",
        legs=[
            Leg(bank, "D", 3),
            Leg(bank, "D", 4),
            Leg(bank, "C", 0),
            Leg(make.clearing(), "C", 7),
        ],
        effective_at=NOON,
    )

    assert sorted(posting.entries.values_list("side", "amount_minor")) == [("C", 7), ("D", 7)]


def test_the_same_key_writes_once(bank: Account) -> None:
    first = transfer("key", make.clearing(), bank, 10)
    again = transfer("key", make.clearing(), bank, 10)

    assert (again.id, first.is_new, again.is_new) == (first.id, True, False)
    assert make.balance(bank) == 10


def test_a_key_with_other_legs_is_refused(bank: Account) -> None:
    transfer("key", make.clearing(), bank, 10)

    with pytest.raises(KeyReused):
        transfer("key", make.clearing(), bank, 11)


def test_an_overdraft_is_refused_with_the_amounts_and_leaves_no_key() -> None:
    client = make.organization()
    make.pay_in(client, usd(500))
    wallet = make.wallet(client)

    with pytest.raises(InsufficientBalance) as refused:
        transfer_out(wallet, "out", 501)

    assert str(refused.value) == "This needs 5.01 USD, but there is 5.00 USD in the wallet."
    assert (refused.value.wanted, refused.value.present) == (usd(501), usd(500))
    assert refused.value.account == wallet
    assert not Posting.objects.filter(key="out").exists()


def transfer_out(wallet: Account, key: str, minor: int) -> Posting:
    return ledger.post(
        key=key,
        kind="treasury_moved",
        currency="USD",
        legs=[Leg(wallet, "D", minor), Leg(make.clearing(), "C", minor)],
        effective_at=NOON,
    )


def spend(wallet: Account, key: str, minor: int) -> tuple[Posting, list[Leg]]:
    legs = [Leg(wallet, "D", minor), Leg(make.clearing(), "C", minor)]
    return Posting(key=key, kind="treasury_moved", currency="USD", effective_at=NOON), legs


def test_many_postings_are_written_at_once_each_with_its_balance() -> None:
    client = make.organization()
    make.pay_in(client, usd(500))
    wallet = make.wallet(client)
    transfer_out(wallet, "b", 100)

    rows = ledger.post_many(drafts=[spend(wallet, key, 100) for key in ("c", "b", "a")])

    assert [(row.key, row.is_new) for row in rows] == [("c", True), ("b", False), ("a", True)]
    entries = Entry.objects.filter(account=wallet, side="D").order_by("account_version")
    assert list(entries.values_list("posting__key", "balance_after_minor")) == [
        ("b", 400),
        ("c", 300),
        ("a", 200),
    ]


def test_many_postings_spend_one_balance_once_and_fail_together() -> None:
    client = make.organization()
    make.pay_in(client, usd(500))
    wallet = make.wallet(client)

    with pytest.raises(InsufficientBalance) as refused:
        ledger.post_many(drafts=[spend(wallet, "a", 300), spend(wallet, "b", 300)])

    assert (refused.value.wanted, refused.value.present) == (usd(300), usd(200))
    assert not Posting.objects.filter(key__in=["a", "b"]).exists()


def test_a_refused_key_may_succeed_later() -> None:
    client = make.organization()
    with pytest.raises(InsufficientBalance):
        transfer_out(make.wallet(client), "out", 5)
    make.pay_in(client, usd(5))

    transfer_out(make.wallet(client), "out", 5)

    assert make.balance(make.wallet(client)) == 0


def test_an_unbalanced_posting_is_refused(bank: Account) -> None:
    with pytest.raises(IntegrityError, match="do not balance"), transaction.atomic():
        ledger.post(
            key="lame",
            kind="treasury_moved",
            currency="USD",
            legs=[Leg(bank, "D", 5), Leg(make.clearing(), "C", 4)],
            effective_at=NOON,
        )


def test_one_leg_alone_is_refused(bank: Account) -> None:
    with pytest.raises(IntegrityError, match="do not balance"), transaction.atomic():
        raw_entries(raw_posting(), (bank, "D", 5))


def test_currencies_do_not_mix(bank: Account) -> None:
    euros = account("psp_clearing", currency="EUR")

    with pytest.raises(IntegrityError, match="currencies differ"), transaction.atomic():
        transfer("mixed", euros, bank, 5)


@pytest.mark.parametrize("minor", [0, -5])
def test_entries_are_positive(bank: Account, minor: int) -> None:
    with pytest.raises(IntegrityError, match="entry_is_positive"), transaction.atomic():
        raw_entries(raw_posting(), (bank, "D", minor), (make.clearing(), "C", minor))


@pytest.mark.parametrize("amount", [-1, True, 1.5])
def test_a_leg_takes_whole_amounts_only(bank: Account, amount: object) -> None:
    with pytest.raises(ValueError, match="whole amount"):
        Leg(bank, "D", amount)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payouts_entry SET amount_minor = 1",
        "DELETE FROM payouts_entry",
        "UPDATE payouts_posting SET key = 'x'",
        "DELETE FROM payouts_posting",
        "DELETE FROM payouts_account",
        "UPDATE payouts_account SET debits_minor = debits_minor + 1",
        "UPDATE payouts_account SET version = 0",
        "UPDATE payouts_account SET currency = 'EUR'",
        "UPDATE payouts_account SET may_go_negative = NOT may_go_negative",
    ],
)
def test_history_is_not_edited(bank: Account, statement: str) -> None:
    transfer("one", make.clearing(), bank, 10)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_no_session_can_tell_the_triggers_to_look_away(bank: Account) -> None:
    transfer("one", make.clearing(), bank, 10)

    with (
        pgtrigger.ignore(),  # noqa: TID251 the attempt itself
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE payouts_entry SET amount_minor = 1")


def test_the_orm_cannot_edit_a_balance_either(bank: Account) -> None:
    bank.debits_minor = 1_000_000

    with pytest.raises(IntegrityError, match="by entries only"), transaction.atomic():
        bank.save(update_fields=["debits_minor"])


def test_an_account_is_born_empty() -> None:
    with pytest.raises(IntegrityError, match="starts empty"), transaction.atomic():
        Account.objects.create(
            kind="fx", currency="USD", normal="D", may_go_negative=True, debits_minor=5
        )


@pytest.mark.parametrize(
    "terms",
    [
        {"kind": "wallet", "normal": "C", "may_go_negative": False},
        {"kind": "fx", "normal": "C", "may_go_negative": True},
        {"kind": "psp_fees", "normal": "D", "may_go_negative": True},
        {"kind": "piggy_bank", "normal": "D", "may_go_negative": False},
    ],
)
def test_an_account_fits_the_chart(terms: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="account_owner_fits_kind"), transaction.atomic():
        Account.objects.create(currency="USD", **terms)


def test_there_is_one_account_per_kind_and_owner() -> None:
    account("fx", currency="USD")

    with pytest.raises(IntegrityError, match="one_account_per_kind"), transaction.atomic():
        Account.objects.create(kind="fx", currency="USD", normal="D", may_go_negative=True)


def test_the_database_refuses_an_overdraft_by_itself() -> None:
    client = make.organization()

    with pytest.raises(IntegrityError, match="balance_is_not_overdrawn"), transaction.atomic():
        raw_entries(raw_posting(), (make.wallet(client), "D", 1), (make.clearing(), "C", 1))


def test_a_posting_is_reversed_once(bank: Account) -> None:
    posting = transfer("one", make.clearing(), bank, 10)

    ledger.reverse(posting=posting, key="undo", at=NOON)

    assert make.balance(bank) == 0
    with pytest.raises(IntegrityError, match="posting_is_reversed_once"), transaction.atomic():
        ledger.reverse(posting=posting, key="undo again", at=NOON)


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 1250), ("KWD", 1250), ("USD", 2**60)])
def test_amounts_of_every_exponent_are_exact(currency: str, minor: int) -> None:
    client = make.organization()

    make.pay_in(client, Money(minor, currency))

    assert make.balance(make.wallet(client, currency)) == minor


def test_postings_inside_savepoints_share_the_transaction(bank: Account) -> None:
    with transaction.atomic():
        posting = raw_posting()
        with transaction.atomic():
            raw_entries(posting, (bank, "D", 1), (make.clearing(), "C", 1))

    assert make.balance(bank) == 1


@pytest.mark.django_db(transaction=True)
class TestAcrossTransactions:
    def test_a_sealed_posting_takes_no_late_leg(self) -> None:
        bank = account("platform_bank", currency="USD")
        posting = transfer("one", make.clearing(), bank, 10)

        with pytest.raises(IntegrityError, match="is sealed"):
            raw_entries(posting, (bank, "D", 5), (make.clearing(), "C", 5))

    def test_an_earning_keeps_its_terms_and_its_posting(self) -> None:
        row = make.available(make.expert(), 900)
        other = make.pay_in(make.organization(), usd(900))

        for change in (
            {"pay_minor": 1},
            {"fee_minor": 7},
            {"earned_at": NOON + timedelta(days=1)},
            {"posting": other},
            {"posting": None},
        ):
            with pytest.raises(IntegrityError):
                type(row).objects.filter(id=row.id).update(**change)

    def test_an_unposted_earning_joins_no_old_posting(self) -> None:
        row = make.credited(make.reservation(usd(500)), make.expert(), 500)
        old = make.pay_in(make.organization(), usd(500))

        with pytest.raises(IntegrityError, match="of its own transaction"):
            type(row).objects.filter(id=row.id).update(posting=old)

    def test_a_posting_without_entries_does_not_commit(self) -> None:
        with pytest.raises(IntegrityError, match="has no entries"):
            raw_posting()

    def test_a_round_without_its_earnings_does_not_commit(self) -> None:
        bank = account("platform_bank", currency="USD")

        with pytest.raises(IntegrityError, match="debits 5 for earnings of 0"):
            ledger.post(
                key="round:none",
                kind="earnings_posted",
                currency="USD",
                legs=[Leg(bank, "D", 5), Leg(make.clearing(), "C", 5)],
                effective_at=NOON,
            )
