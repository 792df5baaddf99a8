"""What the bank says became of a file: each line on its own, the rest of the file is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from marketplace.people.models import User
from payouts.gateways.port import Refused, Transfer
from payouts.models import BankBatch, Payout, PayoutAttempt, Proposal
from payouts.selectors.bank_lines import BankLine, LineProblem, read_lines
from payouts.services import outcomes
from payouts.services.attempts import group_of
from payouts.services.holding import NotHere, lock_payout, move, note
from payouts.services.proposing import AlreadyProposed, SamePerson, decides, propose
from payouts.services.running_payouts import finish_run

REJECT = "confirm_bank_rejection"


class NotExported(DomainError):
    """The bank cannot have answered a file that nobody sent it."""

    code = "not_exported"
    status = 409


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many payments the bank paid, how many it is said to have rejected, which a second person
    has to confirm, how many were known, and what was left out.
    """

    paid: int
    rejected: int
    known: int
    problems: tuple[LineProblem, ...]


def import_confirmation(
    *, batch: BankBatch, content: bytes, by: User, at: datetime
) -> Confirmation:
    """Book what the bank says of an exported file, line by line. A sequence; repeat it freely.

    A payment that no line speaks of stays unknown, and so does one that was rejected until a second
    person confirms it. Raises NotExported, SamePerson for whoever is paid by the file.
    """
    batch.refresh_from_db()
    if batch.state not in {"exported", "confirmed"}:
        raise NotExported("This file has not been exported yet.")
    if batch.attempts.filter(payout__expert__user=by).exists():
        raise SamePerson("This file pays you; somebody else has to take in its answer.")
    lines, problems = read_lines(content)
    counts = {"paid": 0, "rejected": 0, "known": 0}
    attempts = _attempts(batch)
    for line in lines:
        attempt = attempts.get(line.reference)
        wrong = _problem(line, attempt)
        if attempt is not None and (not wrong or _is_paid_late(line, attempt)):
            said = _book(line, attempt, by, at)
        if wrong or attempt is None:
            problems.append(LineProblem(line.number, wrong))
        else:
            counts[said] += 1
    for run_id in {attempt.payout.run_id for attempt in attempts.values()}:
        finish_run(run_id=run_id, at=at)
    _keep(batch.id, counts, by, at)
    problems.sort(key=lambda problem: problem.number)
    return Confirmation(counts["paid"], counts["rejected"], counts["known"], tuple(problems))


def _attempts(batch: BankBatch) -> dict[str, PayoutAttempt]:
    rows = batch.attempts.select_related("payout__expert").order_by("id")
    return {attempt.id.hex: attempt for attempt in rows}


def _problem(line: BankLine, attempt: PayoutAttempt | None) -> str:
    """Why a line cannot be booked, in words; empty when it can."""
    if attempt is None:
        return f"No payment of this file has the reference {line.reference}."
    sent = Money(attempt.payout.amount_minor, attempt.payout.currency)
    if line.amount != sent:
        return f"{line.amount} is not the {sent} of this payment."
    before = "paid" if attempt.state == "succeeded" else attempt.state
    if before in {"paid", "rejected"}:
        is_same = line.is_paid == (before == "paid")
        if (is_same and line.bank_reference in {attempt.provider_id or "", ""}) or (
            is_same and before == "rejected"
        ):
            return ""
        late = "It was said to be rejected. Two people confirm on its payout that it was paid."
        known = f"This payment is known as {before} already, with another reference."
        return late if _is_paid_late(line, attempt) else known
    others = PayoutAttempt.objects.filter(provider_id=line.bank_reference)
    if line.is_paid and others.exists():
        return f"The bank's reference {line.bank_reference} stands for another payment."
    return ""


def _is_paid_late(line: BankLine, attempt: PayoutAttempt) -> bool:
    is_same = line.amount == Money(attempt.payout.amount_minor, attempt.payout.currency)
    return line.is_paid and is_same and attempt.state == "rejected"


def _book(line: BankLine, attempt: PayoutAttempt, by: User, at: datetime) -> str:
    """Write down a line that fits; what became of it. The same line again changes nothing."""
    if not line.is_paid:
        return _ask(line, attempt, by, at)
    was_known = attempt.state == "succeeded"
    transfer = Transfer(
        transfer_id=line.bank_reference,
        amount=line.amount,
        destination=attempt.payout.destination,
        group=group_of(payout=attempt.payout),
        attempt=str(attempt.number),
    )
    outcomes.succeed(attempt_id=attempt.id, transfer=transfer, at=at)
    arrive(payout=attempt.payout, at=at)
    return "known" if was_known else "paid"


def _ask(line: BankLine, attempt: PayoutAttempt, by: User, at: datetime) -> str:
    if attempt.state == "rejected":
        return "known"
    try:
        propose_rejection(attempt=attempt, reason=line.reason, by=by, at=at)
    except AlreadyProposed:
        return "known"
    return "rejected"


@transaction.atomic
def propose_rejection(*, attempt: PayoutAttempt, reason: str, by: User, at: datetime) -> Proposal:
    """Ask a second person to confirm that the bank did not pay. Raises AlreadyProposed."""
    payout = attempt.payout
    return propose(
        kind=REJECT,
        subject_id=attempt.id,
        terms={
            "amount_minor": payout.amount_minor,
            "currency": payout.currency,
            "expert": payout.expert.pseudonym,
            "payout": str(payout.id),
            "reason": reason,
        },
        why=f"The bank rejected it: {reason or 'no reason given'}",
        by=by,
        at=at,
    )


@decides(REJECT)
def _reject(proposal: Proposal, by: User, at: datetime) -> None:
    """Keep the money for another try. Raises NotHere once the bank has paid after all."""
    attempt = PayoutAttempt.objects.select_related("payout__expert").get(id=proposal.subject_id)
    if attempt.payout.expert.user_id == by.id:
        raise SamePerson("Somebody else has to decide about your own money.")
    refusal = Refused(proposal.terms["reason"], code="")
    if outcomes.reject(attempt_id=attempt.id, refusal=refusal, at=at).state != "rejected":
        raise NotHere("The bank has paid this after all.", state=attempt.payout.state)
    finish_run(run_id=attempt.payout.run_id, at=at)
    batch = BankBatch.objects.select_for_update().get(attempts=attempt)
    end_file(batch=batch, at=at)


@transaction.atomic
def arrive(*, payout: Payout, at: datetime) -> None:
    """The bank's word is about the expert's account, so sent and arrived are one here."""
    row = lock_payout(payout_id=payout.id)
    if row.state != "transferred":
        return
    move(payout=row, state="bank_pending", why="")
    move(payout=row, state="paid", why="")
    row.paid_at = at
    row.save(update_fields=["paid_at"])
    note(kind="payout.paid", payout=row, at=at)


def end_file(*, batch: BankBatch, at: datetime) -> None:
    """Confirm a locked file once the bank has answered for every payment in it."""
    if batch.state == "exported" and not batch.attempts.filter(state="unknown").exists():
        batch.state, batch.ended_at = "confirmed", at
        batch.save(update_fields=["state", "ended_at"])


@transaction.atomic
def _keep(batch_id: UUID, counts: dict[str, int], by: User, at: datetime) -> None:
    row = BankBatch.objects.select_for_update().get(id=batch_id)
    end_file(batch=row, at=at)
    record(
        "bank_batch.answered",
        at=at,
        object_kind="bank_batch",
        object_id=row.id,
        actor=by.id,
        data=dict(counts),
    )
