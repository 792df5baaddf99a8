"""Another try to pay a bank: to a new account, by a person, or when two say none was made."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.jobs.services.enqueueing import enqueue
from marketplace.people.models import User
from payouts.gateways.chosen import gateway
from payouts.gateways.port import BankAccount, GatewayError, Refused
from payouts.models import LIVE_ATTEMPT, BankAttempt, Payout, Proposal
from payouts.services import bank_outcomes
from payouts.services.bank_attempts import PAYABLE_STATES, ready_attempt
from payouts.services.bank_paying import find_payout
from payouts.services.bank_schedules import take_bank, we_pay_banks
from payouts.services.funding import PaymentsUnavailable
from payouts.services.holding import NotHere, note
from payouts.services.proposing import SamePerson, decides, propose
from payouts.services.sweeping import PROVABLE_AFTER, StillUncertain

NO_BANK_PAYOUT = "confirm_no_bank_payout"


def send_again(*, payout: Payout, by: User, at: datetime) -> BankAttempt:
    """Ready a new try for a payout that no bank has and none is on its way to. A sequence.

    Raises NotHere in any other state and where Stripe pays banks, PaymentsUnavailable.
    """
    row = Payout.objects.select_related("payee").get(id=payout.id)
    is_alive = row.bank_attempts.filter(state__in=LIVE_ATTEMPT).exists()
    if not we_pay_banks() or row.state not in PAYABLE_STATES or is_alive:
        raise NotHere("Nothing of this payout can be sent to a bank now.", state=row.state)
    try:
        if row.payee.manual_at is None:
            take_bank(payee=row.payee, at=at)
        attempt = ready_attempt(payout_id=row.id, at=at)
    except GatewayError as error:
        raise PaymentsUnavailable("Stripe does not answer just now. Try again.") from error
    if attempt is None:
        raise NotHere("Nothing of it can be sent now.", state=row.state)
    with transaction.atomic(durable=True):
        note(kind="payout.retried", payout=row, at=at, by=by.id)
    return attempt


def retry_with_new_bank(*, account_id: str, bank_account_id: str, at: datetime) -> int:
    """Ready a new try of each payout that another bank account sent back; how many. A sequence.

    Repeat it freely: a bank account that failed is not tried again for its own sake. Of a try that
    was refused Stripe names none: there only one that was given since helps.
    """
    if not we_pay_banks():
        return 0
    seen = gateway().read_bank_account(account_id=account_id, bank_account_id=bank_account_id)
    rows = Payout.objects.filter(destination=account_id, state="bank_failed").order_by("id")
    fitting = [row for row in rows if seen.is_usable and _may_help(seen, row)]
    return len([row for row in fitting if ready_attempt(payout_id=row.id, at=at)])


def _may_help(seen: BankAccount, payout: Payout) -> bool:
    last = payout.bank_attempts.order_by("number").last()
    if last is None:
        return not payout.bank_payout_id  # no bank ever had it
    if last.state == "rejected":
        return bank_outcomes.has_new_bank(attempt=last) and last.currency == seen.currency
    return (
        last.state == "returned"
        and last.bank_account != seen.bank_account_id
        and last.currency == seen.currency
    )


@transaction.atomic
def propose_not_paid(*, attempt: BankAttempt, why: str, by: User, at: datetime) -> Proposal:
    """Ask a second person to confirm that an unknown bank payout was never made.

    Raises StillUncertain within 24 h of the first call, SamePerson for whoever it pays,
    AlreadyProposed.
    """
    row = BankAttempt.objects.select_related("payout__expert").get(id=attempt.id)
    _require_other(row, by)
    if row.state != "unknown" or at - (row.first_sent_at or at) < PROVABLE_AFTER:
        raise StillUncertain("This bank payout may still turn up. Look again after 24 hours.")
    terms = {
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "expert": row.payout.expert.pseudonym,
        "payout": str(row.payout_id),
    }
    return propose(kind=NO_BANK_PAYOUT, subject_id=row.id, terms=terms, why=why, by=by, at=at)


@decides(NO_BANK_PAYOUT)
def _doubt(proposal: Proposal, by: User, _at: datetime) -> None:
    """Have a job ask Stripe once more, and only then ready a new try."""
    rows = BankAttempt.objects.select_related("payout__expert")
    _require_other(rows.get(id=proposal.subject_id), by)
    enqueue(
        "payouts.confirm_not_paid",
        key=f"payouts.confirm_not_paid:{proposal.id}",
        proposal_id=str(proposal.id),
    )


def confirm_not_paid(*, proposal_id: UUID, at: datetime) -> BankAttempt:
    """What two people decided about an unknown bank payout. A sequence; repeat it freely.

    One that turns up after all is taken over instead, whatever its amount.
    """
    proposal = Proposal.objects.get(id=proposal_id, kind=NO_BANK_PAYOUT, state="approved")
    attempt = BankAttempt.objects.select_related("payout").get(id=proposal.subject_id)
    if attempt.state != "unknown":
        return attempt
    seen = find_payout(attempt=attempt, at=at)
    if seen is not None:
        return bank_outcomes.adopt(attempt_id=attempt.id, seen=seen, at=at)
    said = f"confirmed by {proposal.proposed_by_id} and {proposal.decided_by_id}"
    refusal = Refused(said, code=bank_outcomes.NOT_SENT)
    return bank_outcomes.refuse(attempt_id=attempt.id, refusal=refusal, at=at)


def _require_other(attempt: BankAttempt, by: User) -> None:
    if attempt.payout.expert.user_id == by.id:
        raise SamePerson("Somebody else has to decide about your own money.")
