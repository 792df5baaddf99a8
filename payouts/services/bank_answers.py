"""What two people read off the bank's statement: payments it never answered for, and came back."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money
from marketplace.people.models import User
from payouts.gateways.port import Transfer
from payouts.models import BankBatch, Payee, Payout, PayoutAttempt, Proposal
from payouts.selectors.runs import BANK_ANSWERS_WITHIN
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.adopting import take_over
from payouts.services.attempts import group_of
from payouts.services.confirming import arrive, end_file, propose_rejection
from payouts.services.holding import NotHere, lock_payout, move, note
from payouts.services.owing import Return, owe_again
from payouts.services.proposing import decides, propose
from payouts.services.releasing import require_other, terms_of
from payouts.services.running_payouts import lock_run
from payouts.services.settling import lock_attempt, waits
from payouts.services.sweeping import StillUncertain

PAID, RETURNED = "confirm_bank_payment", "bank_payment_returned"
LONGEST_REFERENCE = 100


class ReferenceTaken(DomainError):
    """The bank's reference stands for another payment."""

    code = "reference_taken"
    status = 409


@transaction.atomic
def propose_unpaid(*, attempt: PayoutAttempt, why: str, by: User, at: datetime) -> Proposal:
    """Ask a second person to confirm that the bank never made a payment of an exported file.

    Raises StillUncertain while the bank may still answer, SamePerson for whoever it pays,
    AlreadyProposed.
    """
    row = PayoutAttempt.objects.select_related("payout__expert").get(id=attempt.id)
    require_other(payout=row.payout, by=by)
    is_early = row.first_sent_at is None or at - row.first_sent_at < BANK_ANSWERS_WITHIN
    if row.rail != "bank_file" or row.state != "unknown" or is_early:
        days = BANK_ANSWERS_WITHIN.days
        raise StillUncertain(f"The bank may still pay this. It has {days} days to answer.")
    return propose_rejection(attempt=row, reason=why, by=by, at=at)


@transaction.atomic
def propose_paid(
    *, attempt: PayoutAttempt, bank_reference: str, why: str, by: User, at: datetime
) -> Proposal:
    """Ask a second person to confirm that the bank made a payment, as its statement shows.

    Of one without an answer, or one that was said to be rejected and of which nothing else was
    sent. Raises NotHere, InvalidInput, ReferenceTaken, SamePerson, AlreadyProposed.
    """
    row = PayoutAttempt.objects.select_related("payout__expert").get(id=attempt.id)
    require_other(payout=row.payout, by=by)
    _require_payable(row, row.payout)
    reference = _reference(bank_reference)
    _require_free(reference)
    terms = {**terms_of(payout=row.payout), "reference": reference}
    return propose(kind=PAID, subject_id=row.id, terms=terms, why=why, by=by, at=at)


@decides(PAID)
def _pay(proposal: Proposal, by: User, at: datetime) -> PayoutAttempt:
    """Book the payment; it has arrived. Raises NotHere, ReferenceTaken, SamePerson."""
    known = PayoutAttempt.objects.select_related("payout").get(id=proposal.subject_id)
    lock_run(run_id=known.payout.run_id)
    attempt, payout = lock_attempt(attempt_id=known.id)
    require_other(payout=payout, by=by)
    _require_payable(attempt, payout)
    _require_free(proposal.terms["reference"])
    transfer = Transfer(
        transfer_id=proposal.terms["reference"],
        amount=Money(payout.amount_minor, payout.currency),
        destination=payout.destination,
        group=group_of(payout=payout),
        attempt=str(attempt.number),
    )
    try:
        with transaction.atomic():
            take_over(
                attempt=attempt, payout=payout, transfer=transfer, proposal=proposal, by=by, at=at
            )
    except IntegrityError as error:  # another approval took the reference just now
        if "provider_id" not in str(error):
            raise
        raise _taken(transfer.transfer_id) from error
    arrive(payout=payout, at=at)
    if attempt.bank_batch_id is not None:
        batch = BankBatch.objects.select_for_update().get(id=attempt.bank_batch_id)
        end_file(batch=batch, at=at)
    return attempt


@transaction.atomic
def propose_return(
    *,
    payout: Payout,
    received: Money,
    bank_reference: str,
    why: str,
    by: User,
    at: datetime,
) -> Proposal:
    """Ask a second person to book that a payment by file came back to the operator's bank.

    `received` is what came back; what the banks kept of it is the operator's cost. `why` is the
    bank's reason, which the expert reads. Raises NotHere unless the payment was made by file and
    stands, InvalidInput, SamePerson for whoever it paid, AlreadyProposed.
    """
    row = lock_payout(payout_id=payout.id)
    require_other(payout=row, by=by)
    _require_made(row)
    sent = Money(row.amount_minor, row.currency)
    if received.currency != sent.currency or not 0 < received.minor <= sent.minor:
        problem = {"field": "received", "problem": f"is more than nothing and at most {sent}"}
        raise InvalidInput("This cannot have come back.", errors=[problem])
    terms = {
        **terms_of(payout=row),
        "received_minor": received.minor,
        "reference": _reference(bank_reference),
    }
    return propose(kind=RETURNED, subject_id=row.id, terms=terms, why=why, by=by, at=at)


@decides(RETURNED)
def _return(proposal: Proposal, by: User, at: datetime) -> Payout:
    """Owe the expert the whole of it again; the account has to be given anew. Raises NotHere."""
    known = Payout.objects.get(id=proposal.subject_id)
    payee = Payee.objects.select_for_update().get(id=known.payee_id)
    payout = lock_payout(payout_id=known.id)
    require_other(payout=payout, by=by)
    _require_made(payout)
    received, terms = proposal.terms["received_minor"], proposal.terms
    bank = account("platform_bank", currency=payout.currency)
    kept = account("platform_expense", currency=payout.currency)
    owe_again(
        payout=payout,
        sources=[
            ledger.Leg(bank, "D", received),
            ledger.Leg(kept, "D", payout.amount_minor - received),
        ],
        back=Return(f"bank:{payout.id}", "bank_returned", terms["reference"]),
        at=at,
        by=by.id,
    )
    move(payout=payout, state="reversed", why=proposal.why)
    note(kind="payout.reversed", payout=payout, at=at, by=by.id)
    _restrict(payee, at)
    return payout


def _restrict(payee: Payee, at: datetime) -> None:
    """Pay nothing more to an account that does not take it, until the expert gives one again."""
    if payee.state != "active":
        return
    payee.state, payee.why = "restricted", "bank_returned"
    payee.save(update_fields=["state", "why"])
    record(
        "payee.restricted",
        at=at,
        object_kind="payee",
        object_id=payee.id,
        expert=payee.expert_id,
        data={"why": payee.why},
    )


def _require_payable(attempt: PayoutAttempt, payout: Payout) -> None:
    is_late = attempt.state == "rejected" and waits(payout=payout)
    if attempt.rail != "bank_file" or not (attempt.state == "unknown" or is_late):
        raise NotHere("The bank cannot have paid this by now.", state=payout.state)


def _require_made(payout: Payout) -> None:
    is_made = payout.state in {"transferred", "paid"}
    if not is_made or not payout.attempts.filter(rail="bank_file", state="succeeded").exists():
        raise NotHere("No payment by file of this payout stands.", state=payout.state)


def _reference(text: str) -> str:
    reference = text.strip()
    if not reference or len(reference) > LONGEST_REFERENCE:
        problem = {"field": "bank_reference", "problem": "is as on the statement"}
        raise InvalidInput("Give the bank's own reference.", errors=[problem])
    return reference


def _require_free(reference: str) -> None:
    if PayoutAttempt.objects.filter(provider_id=reference).exists():
        raise _taken(reference)


def _taken(reference: str) -> ReferenceTaken:
    return ReferenceTaken(f"The bank's reference {reference} stands for another payment.")
