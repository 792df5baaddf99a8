"""The second rail: one file for the operator's bank, made by one person, approved by another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.kit.states import require_transition
from marketplace.kit.tables import csv_lines
from marketplace.people.models import User
from payouts.models import BankBatch, Payee, Payout, PayoutAttempt, PayoutRun
from payouts.selectors.bank_lines import amount_cell
from payouts.selectors.pausing import pause_reason
from payouts.services.bank_accounts import account_number
from payouts.services.holding import cancel_payout, move, note
from payouts.services.proposing import SamePerson
from payouts.services.running_payouts import start_run

COLUMNS = ("reference", "holder", "account", "bank_code", "country", "amount", "currency")


class NothingToPay(DomainError):
    """No approved run has a payout that waits for a file in this currency."""

    code = "nothing_to_pay"
    status = 409


class PaymentsPaused(DomainError):
    """Somebody stopped all payments."""

    code = "payments_paused"
    status = 409


class FileChanged(DomainError):
    """The file would not be the one that was exported. A bug or a tampered row; nobody pays it."""

    code = "file_changed"
    status = 409


@transaction.atomic
def draft_batch(*, currency: str, by: User, at: datetime) -> BankBatch:
    """Gather what approved runs of this rail have to pay into a new file. Raises NothingToPay."""
    runs = PayoutRun.objects.select_for_update(no_key=True).filter(
        rail="bank_file", currency=currency, state__in=["approved", "running", "done"]
    )
    found = list(runs.order_by("id"))
    waiting = PayoutAttempt.objects.filter(
        payout__run__in=found, payout__state="reserved", state="created", bank_batch=None
    )
    if not waiting.exists():
        raise NothingToPay(f"No approved run waits to be paid by file in {currency}.")
    for run in found:
        start_run(run_id=run.id, at=at)
    batch = BankBatch.objects.create(currency=currency, made_by=by, made_at=at)
    waiting.update(bank_batch=batch)
    _note("bank_batch.drafted", batch, by, at)
    return batch


@transaction.atomic
def approve_batch(*, batch: BankBatch, by: User, at: datetime) -> BankBatch:
    """Let a file go to the bank. Raises SamePerson for whoever made it or is paid by it."""
    row = _lock(batch, "approved")
    if row.made_by_id == by.id:
        raise SamePerson("Somebody else has to approve the file you made.")
    if row.attempts.filter(payout__expert__user=by).exists():
        raise SamePerson("This file pays you; somebody else has to approve it.")
    row.state, row.approved_by, row.approved_at = "approved", by, at
    row.save(update_fields=["state", "approved_by", "approved_at"])
    _note("bank_batch.approved", row, by, at)
    return row


@transaction.atomic
def cancel_batch(*, batch: BankBatch, by: User, at: datetime) -> BankBatch:
    """Drop a file that nobody has exported, approved or not; its payouts wait for the next one."""
    row = _lock(batch, "cancelled")
    row.attempts.update(bank_batch=None)
    row.state, row.ended_at = "cancelled", at
    row.save(update_fields=["state", "ended_at"])
    _note("bank_batch.cancelled", row, by, at)
    return row


@transaction.atomic
def export_batch(*, batch: BankBatch, by: User, at: datetime) -> bytes:
    """The file for the bank. Its payments are in the air from the first time on.

    Again gives the same bytes. Whoever changed the account, is held or cancelled since is not in
    it. Raises IllegalTransition before the approval, PaymentsPaused, FileChanged.
    """
    row = BankBatch.objects.select_for_update().get(id=batch.id)
    if row.state in {"exported", "confirmed"}:
        return _again(row)
    if why := pause_reason():
        raise PaymentsPaused(
            f"All payments are paused: {why} Resume them under Payout runs, then download."
        )
    require_transition(BankBatch.TRANSITIONS, row, "exported")
    for payout in _payouts(row):
        _send(payout, at)
    row.attempts.filter(first_sent_at=None).update(bank_batch=None)
    content = _content(row)
    row.state, row.exported_at = "exported", at
    row.sha256 = hashlib.sha256(content).hexdigest()
    row.save(update_fields=["state", "exported_at", "sha256"])
    _note("bank_batch.exported", row, by, at)
    return content


def _again(row: BankBatch) -> bytes:
    content = _content(row)
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise FileChanged("The file is not the one that was exported. Do not pay it.")
    return content


def _payouts(row: BankBatch) -> Sequence[Payout]:
    rows = Payout.objects.select_for_update(no_key=True).filter(attempts__bank_batch=row)
    return list(rows.filter(state="reserved").order_by("id"))


def _send(payout: Payout, at: datetime) -> None:
    """From here on only the bank's word moves the payout: no sweep looks at it."""
    payee = Payee.objects.get(id=payout.payee_id)
    if payee.state == "closed":
        cancel_payout(payout=payout, why="the payout account was replaced", at=at)
        return
    if payee.state != "active":
        move(payout=payout, state="held", why="account")
        note(kind="payout.held", payout=payout, at=at)
        return
    attempt = payout.attempts.select_for_update(no_key=True).get(state="created")
    attempt.state, attempt.sends = "unknown", 1
    attempt.first_sent_at = attempt.last_sent_at = at
    attempt.save(update_fields=["state", "sends", "first_sent_at", "last_sent_at"])
    move(payout=payout, state="submitting", why="")
    move(payout=payout, state="unknown", why="")
    note(kind="payout.exported", payout=payout, at=at)


def _content(row: BankBatch) -> bytes:
    rows = row.attempts.filter(first_sent_at__isnull=False).order_by("id")
    joined = rows.select_related("payout__payee__bank_details")
    return "".join(csv_lines(COLUMNS, (_cells(each.payout, each) for each in joined))).encode()


def _cells(payout: Payout, attempt: PayoutAttempt) -> Iterator[object]:
    details = payout.payee.bank_details
    yield from (attempt.id.hex, details.holder, account_number(details=details))
    yield from (details.bank_code, payout.payee.country)
    yield from (amount_cell(payout.amount_minor, payout.currency), payout.currency)


def _lock(batch: BankBatch, target: str) -> BankBatch:
    row = BankBatch.objects.select_for_update().get(id=batch.id)
    require_transition(BankBatch.TRANSITIONS, row, target)
    return row


def _note(kind: str, row: BankBatch, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="bank_batch",
        object_id=row.id,
        actor=by.id,
        data={"currency": row.currency, "sha256": row.sha256},
    )
