"""Experts who may be paid today, and those whom a bank pays by file."""

from __future__ import annotations

from datetime import timedelta

from marketplace.people.models import Expert
from payouts.models import BankBatch, Earning, PayoutAttempt, PayoutRun
from payouts.services import bank_accounts, bank_files, collecting, rounds, running_payouts
from tests.payouts import make
from tests.payouts.make import HOLD, NOON, usd

IBAN = "DE89 3704 0044 0532 0130 00"  # the example of the IBAN registry


def proven() -> Expert:
    """An expert whom a weekly run has paid for five earnings."""
    client = make.stocked(usd(1_000_000))
    who = make.onboarded()
    for _ in range(5):
        make.earned(who, 1000, client=client)
    make.send(make.approved_run(at=NOON))
    return who


def in_hold(who: Expert, pay: int, *, hold: timedelta = HOLD) -> Earning:
    """Approved work that is posted and not free yet."""
    row = make.credited(make.reservation(usd(pay)), who, pay, hold=hold)
    rounds.post_earnings(at=NOON)
    row.refresh_from_db()
    return row


def by_file(country: str = "KE", account: str = IBAN) -> Expert:
    """An expert whom the bank pays."""
    who = make.expert(country)
    bank_accounts.enter_bank_details(
        expert=who, holder="Ada Expert", account_number=account, bank_code="", at=NOON
    )
    return who


def approved_file_run() -> PayoutRun:
    """A run of the second rail that waits for its file."""
    run = running_payouts.open_run(currency="USD", rail="bank_file", by=make.user(), at=NOON)
    collecting.collect_run(run_id=run.id, at=NOON)
    running_payouts.close_run(run=run, by=make.user(), at=NOON)
    return running_payouts.approve_run(run=run, by=make.user(), at=NOON)


def approved_file() -> BankBatch:
    """A file by two people that nobody has downloaded."""
    batch = bank_files.draft_batch(currency="USD", by=make.user(), at=NOON)
    return bank_files.approve_batch(batch=batch, by=make.user(), at=NOON)


def exported(*pays: int) -> tuple[BankBatch, bytes]:
    """A file with these payments that went to the bank."""
    for pay in pays or (5000,):
        make.available(by_file(), pay)
    approved_file_run()
    batch = approved_file()
    content = bank_files.export_batch(batch=batch, by=make.user(), at=NOON)
    batch.refresh_from_db()
    return batch, content


def reference(pay: int = 5000) -> str:
    """What the bank calls the payment of this amount."""
    return PayoutAttempt.objects.get(payout__amount_minor=pay, state="unknown").id.hex
