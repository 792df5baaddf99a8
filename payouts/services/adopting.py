"""Taking a transfer over as it was made, where that is not what was asked for. Two people decide.

One that left for another account is never the payout's: declare the try not sent, and have the
movement corrected.
"""

from __future__ import annotations

from datetime import datetime

from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from marketplace.people.models import User
from payouts.gateways.chosen import gateway
from payouts.gateways.port import GatewayError, Transfer
from payouts.models import Break, Payout, PayoutAttempt, Posting, Proposal
from payouts.services.attempts import group_of
from payouts.services.breaking import explain, open_break
from payouts.services.funding import PaymentsUnavailable
from payouts.services.holding import NotHere
from payouts.services.proposing import decides, propose
from payouts.services.releasing import require_other, terms_of
from payouts.services.running_payouts import finish_run, lock_run
from payouts.services.settling import is_explained, lock_attempt, set_aside, settle, waits

ADOPT = "adopt_transfer"


class NothingToAdopt(DomainError):
    """Stripe shows no transfer of this try to the payout's account."""

    code = "nothing_to_adopt"
    status = 409


def propose_adoption(*, attempt: PayoutAttempt, why: str, by: User, at: datetime) -> Proposal:
    """Ask a second person to book what Stripe made of a try. A sequence: Stripe is asked first.

    Raises NotHere unless the try is frozen or was paid after its rejection, NothingToAdopt,
    SamePerson for whoever it pays, AlreadyProposed.
    """
    row = PayoutAttempt.objects.select_related("payout__expert").get(id=attempt.id)
    require_other(payout=row.payout, by=by)
    _require_open(row, row.payout)
    seen = _seen(row)
    terms = {
        **terms_of(payout=row.payout),
        "sent_minor": seen.amount.minor,
        "transfer": seen.transfer_id,
        "movement": seen.movement,
    }
    return propose(kind=ADOPT, subject_id=row.id, terms=terms, why=why, by=by, at=at)


@decides(ADOPT)
def _adopt(proposal: Proposal, by: User, at: datetime) -> PayoutAttempt:
    """Book the transfer as it was made, and close the difference. Raises NotHere, SamePerson."""
    known = PayoutAttempt.objects.select_related("payout").get(id=proposal.subject_id)
    lock_run(run_id=known.payout.run_id)
    attempt, payout = lock_attempt(attempt_id=known.id)
    require_other(payout=payout, by=by)
    _require_open(attempt, payout)
    terms = proposal.terms
    transfer = Transfer(
        transfer_id=terms["transfer"],
        amount=Money(terms["sent_minor"], payout.currency),
        destination=payout.destination,
        group=group_of(payout=payout),
        attempt=str(attempt.number),
        movement=terms["movement"],
    )
    take_over(attempt=attempt, payout=payout, transfer=transfer, proposal=proposal, by=by, at=at)
    enqueue(
        "payouts.book_reversals",
        key=f"payouts.book_reversals:{transfer.transfer_id}:{proposal.id}",
        transfer_id=transfer.transfer_id,
    )
    return attempt


def take_over(
    *,
    attempt: PayoutAttempt,
    payout: Payout,
    transfer: Transfer,
    proposal: Proposal,
    by: User,
    at: datetime,
) -> None:
    """Settle a locked attempt by what two people saw, and explain its difference; run locked."""
    ref = transfer.movement or transfer.transfer_id
    if is_explained(ref=ref):
        raise NotHere("Two people have booked this transfer already.", state=payout.state)
    if attempt.state == "rejected":
        set_aside(payout=payout, at=at)
    settle(attempt=attempt, payout=payout, transfer=transfer, at=at, by=by.id)
    posting = Posting.objects.get(key=f"transfer:{attempt.id}")
    difference = _difference(payout, transfer, ref, at)
    if difference is not None:
        explain(row=difference, proposal=proposal, posting=posting, by=by, at=at)
    finish_run(run_id=payout.run_id, at=at)


def _difference(payout: Payout, transfer: Transfer, ref: str, at: datetime) -> Break | None:
    """The one break of this movement: the open one that found it, or a new one for the amount."""
    rows = Break.objects.filter(kind="missing_in_ledger", ref=ref, state="open")
    found = rows.order_by("id").first()
    if found is not None or transfer.amount.minor == payout.amount_minor:
        return found
    return open_break(
        kind="amount_mismatch",
        ref=ref,
        currency=payout.currency,
        expected_minor=-payout.amount_minor,
        found_minor=-transfer.amount.minor,
        detail=f"{transfer.transfer_id} is not the {payout.amount_minor} that were asked for.",
        at=at,
    )


def _require_open(attempt: PayoutAttempt, payout: Payout) -> None:
    is_frozen = attempt.state == "unknown" and attempt.is_frozen
    is_late = attempt.state == "rejected" and waits(payout=payout)
    if attempt.rail != "stripe" or not (is_frozen or is_late):
        raise NotHere("Nothing of this payout waits to be adopted.", state=payout.state)


def _seen(attempt: PayoutAttempt) -> Transfer:
    payout = attempt.payout
    try:
        found = gateway().find_transfers(group=group_of(payout=payout))
    except GatewayError as error:
        raise PaymentsUnavailable("Stripe does not answer just now. Try again.") from error
    ours = [each for each in found if each.attempt == str(attempt.number)]
    fitting = [
        each
        for each in ours
        if each.destination == payout.destination and each.amount.currency == payout.currency
    ]
    if fitting:
        return fitting[0]
    raise NothingToAdopt(
        "Stripe sent this to another account or in another currency: reverse it there and confirm "
        "that nothing was sent to this expert."
        if ours
        else "Stripe shows no transfer of this try."
    )
