"""The second rail: accounts kept sealed, a file by two people, the bank's word line by line."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from marketplace.kit.errors import InvalidInput
from marketplace.kit.states import IllegalTransition
from payouts.models import (
    BankBatch,
    BankDetails,
    Payee,
    Payout,
    PayoutAttempt,
    Posting,
)
from payouts.policy import is_iban
from payouts.selectors.bank_lines import LineProblem
from payouts.selectors.earnings import expert_balance
from payouts.selectors.invariants import check_ledger
from payouts.services import (
    bank_accounts,
    bank_files,
    confirming,
    holding,
    pausing,
    sending,
    sweeping,
)
from payouts.services.proposing import SamePerson
from tests.payouts import make
from tests.payouts.make import NOON, usd
from tests.payouts.rails import (
    IBAN,
    approved_file,
    approved_file_run,
    by_file,
    exported,
    reference,
)

pytestmark = pytest.mark.django_db
HEAD = "reference,status,amount,currency,bank_reference,reason\n"


def confirm(batch: BankBatch, *lines: str) -> confirming.Confirmation:
    content = (HEAD + "\n".join(lines)).encode()
    return confirming.import_confirmation(batch=batch, content=content, by=make.user(), at=NOON)


@pytest.mark.parametrize(
    ("number", "is_right"),
    [
        ("DE89370400440532013000", True),
        ("GB29NWBK60161331926819", True),
        ("DE88370400440532013000", False),
        ("DE8937040044053201300O", False),
        ("DE89", False),
    ],
)
def test_an_iban_is_checked(number: str, is_right: bool) -> None:
    assert is_iban(number) is is_right


def test_the_account_is_sealed_and_only_its_end_is_readable() -> None:
    by_file()

    details = BankDetails.objects.get()

    assert details.account_ending == "3000"
    assert "0532" not in details.sealed_account
    assert bank_accounts.account_number(details=details) == "DE89370400440532013000"


@pytest.mark.parametrize(
    ("holder", "account", "code", "field"),
    [
        ("", IBAN, "", "holder"),
        ("=cmd|'/C calc'!A0", IBAN, "", "holder"),
        ("Ada", "DE88370400440532013000", "", "account"),
        ("Ada", "12", "KCBLKENX", "account"),
        ("Ada", "0011-2233+1", "KCBLKENX", "account"),
        ("Ada", "001122334455", "", "bank_code"),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    holder: str, account: str, code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        bank_accounts.enter_bank_details(
            expert=make.expert("KE"), holder=holder, account_number=account, bank_code=code, at=NOON
        )

    assert [each["field"] for each in refused.value.data["errors"]] == [field]
    assert not Payee.objects.exists()


def test_where_stripe_pays_the_file_is_not_for_one(settings: Settings) -> None:
    settings.PAYMENTS_MODE = "stripe"

    with pytest.raises(bank_accounts.StripePaysThere):
        by_file("US")
    assert by_file("KE").payees.get().state == "active"


def test_a_file_is_made_approved_and_confirmed() -> None:
    batch, content = exported()
    who = Payout.objects.get().expert

    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert rows == [
        {
            "reference": reference(),
            "holder": "Ada Expert",
            "account": "DE89370400440532013000",
            "bank_code": "",
            "country": "KE",
            "amount": "50.00",
            "currency": "USD",
        }
    ]
    assert Payout.objects.get().state == "unknown"
    assert check_ledger(NOON).broken == ()
    done = confirm(batch, f"{reference()},paid,50.00,USD,BANK-1,")

    assert (done.paid, done.rejected, done.problems) == (1, 0, ())
    payout = Payout.objects.get()
    assert (payout.state, payout.transfer_id, payout.run.state) == ("paid", "BANK-1", "done")
    legs = Posting.objects.get(kind="transfer_made").entries.order_by("side")
    assert list(legs.values_list("side", "account__kind", "amount_minor")) == [
        ("C", "platform_bank", 5000),
        ("D", "payout_in_transit", 5000),
    ]
    batch.refresh_from_db()
    assert (batch.state, expert_balance(who, "USD").paid) == ("confirmed", usd(5000))
    assert make.transfers() == []
    assert check_ledger(NOON).broken == ()


def test_runs_of_one_rail_leave_the_other_alone() -> None:
    on_stripe = make.owed(5000)
    on_file = by_file()
    make.available(on_file, 7000)

    first, second = make.approved_run(), approved_file_run()

    assert [row.expert for row in Payout.objects.filter(run=first)] == [on_stripe]
    assert [row.expert for row in Payout.objects.filter(run=second)] == [on_file]


def test_who_makes_a_file_does_not_approve_it() -> None:
    make.available(by_file(), 5000)
    approved_file_run()
    maker = make.user()
    batch = bank_files.draft_batch(currency="USD", by=maker, at=NOON)

    with pytest.raises(SamePerson):
        bank_files.approve_batch(batch=batch, by=maker, at=NOON)
    with pytest.raises(SamePerson, match="pays you"):
        bank_files.approve_batch(batch=batch, by=Payout.objects.get().expert.user, at=NOON)
    with pytest.raises(IntegrityError, match="bank_batch_checker_is_not_maker"):  # noqa: SIM117
        with transaction.atomic():
            BankBatch.objects.update(state="approved", approved_by=maker, approved_at=NOON)
    with pytest.raises(IllegalTransition):
        bank_files.export_batch(batch=batch, by=maker, at=NOON)


def test_a_payment_is_in_one_file() -> None:
    exported()

    with pytest.raises(bank_files.NothingToPay):
        bank_files.draft_batch(currency="USD", by=make.user(), at=NOON)


def test_a_dropped_file_leaves_its_payments_to_the_next() -> None:
    make.available(by_file(), 5000)
    approved_file_run()
    first = bank_files.draft_batch(currency="USD", by=make.user(), at=NOON)

    bank_files.cancel_batch(batch=first, by=make.user(), at=NOON)

    second = bank_files.draft_batch(currency="USD", by=make.user(), at=NOON)
    assert PayoutAttempt.objects.get().bank_batch == second


def test_downloading_again_gives_the_same_bytes() -> None:
    batch, content = exported(5000, 7000)
    by_file()  # somebody else's details change nothing

    again = bank_files.export_batch(batch=batch, by=make.user(), at=NOON)

    assert again == content
    assert [attempt.sends for attempt in PayoutAttempt.objects.all()] == [1, 1]


def test_a_file_that_would_differ_is_not_given_out() -> None:
    batch, _ = exported()
    BankDetails.objects.update(holder="Mallory")

    with pytest.raises(bank_files.FileChanged):
        bank_files.export_batch(batch=batch, by=make.user(), at=NOON)


def test_row_27_an_account_changed_before_the_file_is_not_paid_there() -> None:
    who = by_file()
    make.available(who, 5000)
    approved_file_run()
    batch = approved_file()
    bank_accounts.enter_bank_details(
        expert=who, holder="Ada", account_number="GB29NWBK60161331926819", bank_code="", at=NOON
    )

    content = bank_files.export_batch(batch=batch, by=make.user(), at=NOON)

    assert content.decode().count("\n") == 1
    assert (Payout.objects.get().state, expert_balance(who, "USD").available) == (
        "cancelled",
        usd(5000),
    )
    approved_file_run()
    assert (
        Payout.objects.get(state="reserved").destination
        == f"bank:{who.payees.get(state='active').id}"
    )


def test_what_is_held_before_the_file_is_not_in_it() -> None:
    make.available(by_file(), 5000)
    approved_file_run()
    batch = approved_file()
    payout = Payout.objects.get()
    holding.hold_payout(payout=payout, why="Asked a question.", by=make.user().id, at=NOON)

    bank_files.export_batch(batch=batch, by=make.user(), at=NOON)
    holding.resume_payout(payout=payout, at=NOON)

    assert PayoutAttempt.objects.get().bank_batch is None
    assert bank_files.draft_batch(currency="USD", by=make.user(), at=NOON).attempts.count() == 1


def test_no_file_leaves_while_payments_are_paused() -> None:
    make.available(by_file(), 5000)
    approved_file_run()
    batch = approved_file()
    pausing.pause_payments(why="A bank holiday.", by=make.user(), at=NOON)

    with pytest.raises(bank_files.PaymentsPaused):
        bank_files.export_batch(batch=batch, by=make.user(), at=NOON)


def test_stripe_never_sees_a_payment_of_the_file() -> None:
    make.available(by_file(), 5000)
    run = approved_file_run()

    assert sending.send_some(run_id=run.id, at=NOON, watch=make.still()) == 0
    bank_files.draft_batch(currency="USD", by=make.user(), at=NOON)
    assert sweeping.sweep_attempts(at=NOON, watch=make.still()) == 0
    assert make.transfers() == []


def test_an_unconfirmed_payment_stays_unknown_for_ever() -> None:
    batch, _ = exported(5000, 7000)

    confirm(batch, f"{reference()},paid,50.00,USD,BANK-1,")

    left = Payout.objects.get(amount_minor=7000)
    batch.refresh_from_db()
    assert (left.state, batch.state, left.run.state) == ("unknown", "exported", "running")
    with pytest.raises(bank_files.NothingToPay):
        bank_files.draft_batch(currency="USD", by=make.user(), at=NOON)
    with pytest.raises(holding.CallInFlight):
        holding.cancel_payout(payout=left, why="impatient", at=NOON)


def test_each_wrong_line_is_named_and_the_rest_is_kept() -> None:
    batch, _ = exported(5000, 7000, 9000)
    one, two, three = reference(5000), reference(7000), reference(9000)

    done = confirm(
        batch,
        f"{one},paid,50.00,USD,BANK-1,",
        "ffff,paid,1.00,USD,BANK-9,",
        f"{two},paid,71.00,USD,BANK-2,",
        f"{one},paid,50.00,USD,BANK-3,",
        f"{three},done,90.00,USD,BANK-4,",
        f"{three},paid,90.00,USD,BANK-1,",
        f"{two},paid,7.0.0,USD,BANK-5,",
    )

    assert (done.paid, done.rejected) == (1, 0)
    assert done.problems == (
        LineProblem(3, "No payment of this file has the reference ffff."),
        LineProblem(4, "71.00 USD is not the 70.00 USD of this payment."),
        LineProblem(5, "The reference stands on line 2 already."),
        LineProblem(6, "The status is done; it must be paid or rejected."),
        LineProblem(7, "The bank's reference BANK-1 stands for another payment."),
        LineProblem(8, "7.0.0 USD is not an amount."),
    )
    assert Payout.objects.filter(state="unknown").count() == 2


def test_a_file_without_its_columns_or_text_changes_nothing() -> None:
    batch, _ = exported()

    for content, words in (
        (b"reference,status,amount\n", "These columns are missing: currency, bank_reference."),
        (b"\xff\xfe", "The file is not UTF-8 text."),
    ):
        done = confirming.import_confirmation(batch=batch, content=content, by=make.user(), at=NOON)
        assert [problem.words for problem in done.problems] == [words]

    assert Payout.objects.get().state == "unknown"


def test_the_same_confirmation_again_changes_nothing() -> None:
    batch, _ = exported()
    line = f"{reference()},paid,50.00,USD,BANK-1,"
    confirm(batch, line)

    again = confirm(batch, line)

    assert (again.paid, again.known, again.problems) == (0, 1, ())
    assert Posting.objects.filter(kind="transfer_made").count() == 1


def test_row_3_a_crash_between_booking_and_arrival_is_mended_by_the_same_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch, _ = exported()
    line = f"{reference()},paid,50.00,USD,BANK-1,"
    with monkeypatch.context() as broken:
        broken.setattr(confirming, "move", _crash)
        with pytest.raises(SystemError):
            confirm(batch, line)
    assert Payout.objects.get().state == "transferred"

    confirm(batch, line)

    assert Payout.objects.get().state == "paid"
    assert Posting.objects.filter(kind="transfer_made").count() == 1


def _crash(**_: object) -> None:
    raise SystemError("killed")


def test_what_the_bank_paid_is_not_rejected_later() -> None:
    batch, _ = exported()
    ref = reference()
    confirm(batch, f"{ref},paid,50.00,USD,BANK-1,")

    done = confirm(batch, f"{ref},rejected,50.00,USD,,too late")

    assert [problem.number for problem in done.problems] == [2]
    assert Payout.objects.get().state == "paid"


def test_a_file_nobody_exported_is_not_confirmed() -> None:
    make.available(by_file(), 5000)
    approved_file_run()
    batch = bank_files.draft_batch(currency="USD", by=make.user(), at=NOON)

    with pytest.raises(confirming.NotExported):
        confirm(batch)
