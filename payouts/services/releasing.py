"""What takes two people about one payout: letting a held one go, and declaring one never sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.jobs.services.enqueueing import enqueue
from marketplace.people.models import User
from payouts.models import Payout, PayoutAttempt, Proposal
from payouts.services.holding import NotHere, lock_payout, note, resume_payout
from payouts.services.proposing import SamePerson, decides, propose
from payouts.services.sweeping import PROVABLE_AFTER, StillUncertain, confirm_not_sent

RELEASE, NOT_FOUND = "release_payout", "confirm_not_found"


@transaction.atomic
def propose_release(*, payout: Payout, why: str, by: User, at: datetime) -> Proposal:
    """Ask a second person to let a held payout be sent.

    Raises NotHere unless it is held, SamePerson for whoever it pays, AlreadyProposed. A payout
    held for its account goes on by itself when the account may receive again.
    """
    row = lock_payout(payout_id=payout.id)
    if row.state != "held":
        raise NotHere(f"This payout is {row.state.replace('_', ' ')}, not held.", state=row.state)
    require_other(payout=row, by=by)
    return propose(
        kind=RELEASE, subject_id=row.id, terms=terms_of(payout=row), why=why, by=by, at=at
    )


@decides(RELEASE)
def _release(proposal: Proposal, by: User, at: datetime) -> Payout:
    """Ready the held payout for sending. Raises NotHere once it is no longer held."""
    row = lock_payout(payout_id=proposal.subject_id)
    require_other(payout=row, by=by)
    if row.state != "held":
        raise NotHere(f"This payout is {row.state.replace('_', ' ')} by now.", state=row.state)
    row = resume_payout(payout=row, at=at)
    note(kind="payout.released", payout=row, at=at, by=by.id)
    return row


@transaction.atomic
def propose_not_found(*, attempt: PayoutAttempt, why: str, by: User, at: datetime) -> Proposal:
    """Ask a second person to confirm that an unknown transfer never happened.

    Raises StillUncertain within 24 h of the first call or when the bank has to answer, SamePerson
    for whoever it pays, AlreadyProposed.
    """
    row = PayoutAttempt.objects.select_related("payout__expert").get(id=attempt.id)
    require_other(payout=row.payout, by=by)
    is_early = row.first_sent_at is None or at - row.first_sent_at < PROVABLE_AFTER
    if row.state != "unknown" or row.rail != "stripe" or is_early:
        raise StillUncertain("This payout may still turn up. Look again after 24 hours.")
    return propose(
        kind=NOT_FOUND, subject_id=row.id, terms=terms_of(payout=row.payout), why=why, by=by, at=at
    )


@decides(NOT_FOUND)
def _doubt(proposal: Proposal, by: User, _at: datetime) -> None:
    """Have a job ask Stripe once more, and only then ready a new attempt."""
    attempt = PayoutAttempt.objects.select_related("payout__expert").get(id=proposal.subject_id)
    require_other(payout=attempt.payout, by=by)
    enqueue(
        "payouts.confirm_not_found",
        key=f"payouts.confirm_not_found:{proposal.id}",
        proposal_id=str(proposal.id),
    )


def confirm_not_found(*, proposal_id: UUID, at: datetime) -> PayoutAttempt:
    """What two people decided about an unknown attempt. A sequence; repeat it freely.

    A transfer that turns up after all is adopted instead.
    """
    rows = Proposal.objects.select_related("proposed_by", "decided_by")
    proposal = rows.get(id=proposal_id, kind=NOT_FOUND, state="approved")
    attempt = PayoutAttempt.objects.get(id=proposal.subject_id)
    if attempt.state != "unknown" or proposal.decided_by is None:
        return attempt
    return confirm_not_sent(
        attempt=attempt, by=proposal.proposed_by, seconded_by=proposal.decided_by, at=at
    )


def require_other(*, payout: Payout, by: User) -> None:
    """Refuse whoever the payout pays. Raises SamePerson."""
    if payout.expert.user_id == by.id:
        raise SamePerson("Somebody else has to decide about your own money.")


def terms_of(*, payout: Payout) -> dict[str, object]:
    """What a proposal about a payout says of it."""
    return {
        "amount_minor": payout.amount_minor,
        "currency": payout.currency,
        "expert": payout.expert.pseudonym,
        "payout": str(payout.id),
    }
