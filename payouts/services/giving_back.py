"""How a refund's call ended: whoever learns it first writes it down, the others change nothing."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.people.models import User
from payouts.gateways.port import GatewayError, Misconfigured, Refused
from payouts.gateways.port import Refund as Found
from payouts.models import Proposal, Refund, RefundPart
from payouts.services.breaking import open_break
from payouts.services.pacing import LONGEST_PAUSE, back_off
from payouts.services.proposing import decides, propose
from payouts.services.refund_booking import book_refund
from payouts.services.refunding import lock_refund, note, return_to_wallet

logger = logging.getLogger(__name__)
PROVABLE_AFTER = timedelta(hours=24)
_TURNED_BACK = {"failed", "canceled"}
_OPEN = {"created", "sending", "unknown"}


class StillUncertain(DomainError):
    """It is too early to say that a refund never left, or it is known what became of it."""

    code = "still_uncertain"
    status = 409


@transaction.atomic(durable=True)
def record_refund(*, part_id: UUID, found: Found, at: datetime) -> RefundPart:
    """The refund exists: the money has left. One that failed later is back in the wallet.

    Once, whoever says so. Another amount than was asked for books nothing and waits for a person;
    one that is back in the wallet already opens a Break.
    """
    part, refund = lock_part(part_id=part_id)
    if part.state == "failed" and part.provider_id is None:
        _tell(part, refund, found, at)
        return part
    if found.amount != Money(part.amount_minor, refund.currency):
        logger.error("A refund is not what was asked for", extra={"part": str(part.id)})
        if part.state in _OPEN:
            _rest(part, "unknown", None, f"Stripe has {found.amount} as {found.refund_id}")
            finish_refund(refund=refund, at=at)
        return part
    if part.state in _OPEN:
        part.provider_id = found.refund_id
        end_part(part=part, state="succeeded", why="", at=at)
        book_refund(refund=refund, part=part, step="paid", at=at)
    if part.state == "succeeded" and found.state in _TURNED_BACK:
        end_part(
            part=part,
            state="failed",
            why=f"The payer's bank sent it back: {found.why or found.state}.",
            at=at,
        )
        book_refund(refund=refund, part=part, step="restored", at=at)
    finish_refund(refund=refund, at=at)
    return part


@transaction.atomic(durable=True)
def refuse_part(*, part_id: UUID, refusal: Refused, at: datetime) -> RefundPart:
    """Definitively not given back: the money returns to the wallet.

    Too little money at Stripe is nobody's fault: the part waits and goes with a new key.
    """
    part, refund = lock_part(part_id=part_id)
    if part.state not in _OPEN:
        return part
    if refusal.code == "balance_insufficient":
        part.key, part.first_sent_at = f"refund:{refund.id}:{part.id}:{part.sends}", None
        part.save(update_fields=["key", "first_sent_at"])
        said = "Too little money at Stripe; sent again after a top-up."
        _rest(part, "sending", at + LONGEST_PAUSE, said)
        return part
    end_part(part=part, state="failed", why=refusal.message, at=at)
    return_to_wallet(part=part, at=at)
    finish_refund(refund=refund, at=at)
    return part


@transaction.atomic(durable=True)
def forget_answer(*, part_id: UUID, error: GatewayError, at: datetime) -> None:
    """No readable answer: it may have happened. The same key again later."""
    part, refund = lock_part(part_id=part_id)
    if part.state in _OPEN:
        _rest(part, "unknown", at + back_off(key=part.key, sends=part.sends), error.message)
        finish_refund(refund=refund, at=at)


@transaction.atomic(durable=True)
def postpone(*, part_id: UUID, error: GatewayError, at: datetime) -> None:
    """Stripe is busy, or does not know us just now: the same key later."""
    part, _ = lock_part(part_id=part_id)
    if part.state in _OPEN:
        if isinstance(error, Misconfigured) and part.sends == 1:
            part.first_sent_at = None  # it never left, so the key's hours have not begun
            part.save(update_fields=["first_sent_at"])
        _rest(part, "sending", at + back_off(key=part.key, sends=part.sends), error.message)


@transaction.atomic(durable=True)
def freeze(*, part_id: UUID, error: GatewayError, at: datetime) -> None:
    """Stripe knows the key with another request: nothing moves until a person has looked."""
    part, refund = lock_part(part_id=part_id)
    if part.state in _OPEN:
        _rest(part, "unknown", None, error.message)
        finish_refund(refund=refund, at=at)


def propose_not_sent(*, part: RefundPart, why: str, by: User, at: datetime) -> Proposal:
    """Say that an unknown refund never left; a second person decides. Raises StillUncertain.

    Not within 24 hours of its first call: until then Stripe may still show it.
    """
    _require_provable(part, at)
    terms = {"minor": part.amount_minor, "currency": part.refund.currency}
    return propose(
        kind="refund_not_sent",
        subject_id=part.id,
        organization=part.refund.organization,
        terms=terms,
        why=why,
        by=by,
        at=at,
    )


@decides("refund_not_sent")
def _doubt(proposal: Proposal, _by: User, at: datetime) -> None:
    """Have a job ask Stripe once more, and only then free the money."""
    part, _ = lock_part(part_id=proposal.subject_id)
    _require_provable(part, at)
    enqueue(
        "payouts.confirm_refund_not_sent",
        key=f"payouts.confirm_refund_not_sent:{proposal.id}",
        proposal_id=str(proposal.id),
    )


@transaction.atomic(durable=True)
def declare_not_sent(*, part_id: UUID, by: UUID | None, at: datetime) -> RefundPart:
    """An unknown refund that two people and Stripe say never left is free again, once."""
    part, refund = lock_part(part_id=part_id)
    if part.state == "unknown":
        end_part(part=part, state="failed", why="Two people found that it never left.", at=at)
        return_to_wallet(part=part, at=at)
        finish_refund(refund=refund, at=at)
        note(kind="refund.declared_not_sent", refund=refund, at=at, by=by)
    return part


def _tell(part: RefundPart, refund: Refund, found: Found, at: datetime) -> None:
    if found.state in _TURNED_BACK:
        return
    open_break(
        kind="missing_in_ledger",
        ref=found.movement or found.refund_id,
        currency=refund.currency,
        expected_minor=0,
        found_minor=-found.amount.minor,
        detail=f"{found.refund_id} left at Stripe, but is back in the wallet: {part.error_message}",
        at=at,
        organization=refund.organization_id,
    )


def _require_provable(part: RefundPart, at: datetime) -> None:
    is_early = part.first_sent_at is None or at - part.first_sent_at < PROVABLE_AFTER
    if part.state != "unknown" or is_early:
        raise StillUncertain("This refund may still turn up at Stripe. Look again after 24 hours.")


def lock_part(*, part_id: UUID) -> tuple[RefundPart, Refund]:
    """A part and its refund, held until the transaction ends."""
    refund_id = RefundPart.objects.values_list("refund", flat=True).get(id=part_id)
    refund = lock_refund(refund_id=refund_id)
    part = RefundPart.objects.select_for_update(of=("self",)).get(id=part_id)
    part.refund = refund
    return part, refund


def _rest(part: RefundPart, state: str, again_at: datetime | None, why: str) -> None:
    part.state, part.next_try_at, part.error_message = state, again_at, why[:500]
    part.save(update_fields=["state", "next_try_at", "error_message"])


def end_part(*, part: RefundPart, state: str, why: str, at: datetime) -> None:
    """Write down how a locked part ended."""
    if part.state == "created":
        part.state = "sending"
    require_transition(RefundPart.TRANSITIONS, part, state)
    part.state, part.ended_at, part.next_try_at, part.error_message = state, at, None, why[:500]
    part.save(update_fields=["state", "ended_at", "next_try_at", "error_message", "provider_id"])


def finish_refund(*, refund: Refund, at: datetime) -> None:
    """The refund's state is what its parts say; paid where any part was."""
    states = set(refund.parts.values_list("state", flat=True))
    if states & _OPEN:
        wanted = "unknown" if "unknown" in states else refund.state
    else:
        wanted = "paid" if "succeeded" in states else "failed"
    if wanted == refund.state:
        return
    if refund.state == "approved":
        refund.state = "sending"  # Stripe told us before our own claim was written
    require_transition(Refund.TRANSITIONS, refund, wanted)
    refund.state = wanted
    refund.ended_at = at if wanted in {"paid", "failed"} else None
    refund.save(update_fields=["state", "ended_at"])
    if wanted != "unknown":
        note(kind=f"refund.{wanted}", refund=refund, at=at)
