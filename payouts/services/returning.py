"""Sending the parts of an approved refund: claim and commit, call, record (MONEY 6, 10)."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from marketplace.kit.money import Money, zero
from payouts.gateways.chosen import gateway
from payouts.gateways.port import (
    GatewayError,
    KeyConflict,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    ReplayedFailure,
    SlowDown,
)
from payouts.models import Proposal, Refund, RefundPart
from payouts.selectors.pausing import pause_reason
from payouts.services import giving_back
from payouts.services.freezing import WALLET, FundsFrozen, require_cover
from payouts.services.pacing import LONGEST_PAUSE
from payouts.services.refunding import lock_refund

logger = logging.getLogger(__name__)
STALE = timedelta(minutes=2)
# Stripe may forget a key after 24 h; then the same key would give the money back a second time.
KEYS_HOLD = timedelta(hours=20)
MOST_PARTS = 50


def send_refund(*, refund_id: UUID, at: datetime) -> int:
    """Send what is to be sent of an approved refund now; how many calls. A sequence.

    Nothing leaves while payments are paused, or while the client's money has to stay for a
    chargeback that was opened meanwhile.
    """
    sent = 0
    while sent < MOST_PARTS and not pause_reason():
        part = claim_part(refund_id=refund_id, at=at)
        if part is None:
            break
        if part.state == "sending":
            deliver(part=part, at=at)
        else:
            look_up_refund(part=part, at=at)
        sent += 1
    return sent


def sweep_refunds(*, at: datetime) -> int:
    """Go on with every refund whose job was lost or whose call has no answer; how many. A sequence.

    The same key for 20 hours, then only look-ups.
    """
    if pause_reason():
        return 0
    parts = RefundPart.objects.filter(_is_due(at)).order_by("refund")
    due = list(parts.values_list("refund", flat=True).distinct()[:MOST_PARTS])
    for refund_id in due:
        try:
            send_refund(refund_id=refund_id, at=at)
        except GatewayError:
            logger.exception("Could not look up a refund", extra={"refund": str(refund_id)})
    return len(due)


@transaction.atomic(durable=True)
def claim_part(*, refund_id: UUID, at: datetime) -> RefundPart | None:
    """Take the next part of a refund, durably, before its call; None when nothing is to be done.

    A part that comes back `unknown` is too old to be sent again and is looked up.
    """
    refund = lock_refund(refund_id=refund_id)
    parts = RefundPart.objects.select_for_update(of=("self",)).select_related("funding")
    part = parts.filter(_is_due(at), refund=refund).order_by("id").first()
    if part is None or not _may_leave(refund, part, at):
        return None
    if part.first_sent_at is not None and at - part.first_sent_at >= KEYS_HOLD:
        part.state, part.next_try_at = "unknown", at + LONGEST_PAUSE
    else:
        part.state, part.next_try_at = "sending", at + STALE
        part.first_sent_at, part.sends = part.first_sent_at or at, part.sends + 1
    part.save(update_fields=["state", "next_try_at", "first_sent_at", "sends"])
    if refund.state == "approved":
        refund.state = "sending"
        refund.save(update_fields=["state"])
    return part


def deliver(*, part: RefundPart, at: datetime) -> None:
    """Make the call of a claimed part under its own key and record how it ended."""
    try:
        found = gateway().refund(
            payment_intent=str(part.funding.payment_intent),
            amount=Money(part.amount_minor, part.refund.currency),
            reference=part.id,
            key=part.key,
        )
    except (SlowDown, Misconfigured) as error:
        logger.exception("Stripe does not take a refund just now")
        giving_back.postpone(part_id=part.id, error=error, at=at)
    except KeyConflict as error:
        logger.exception("Idempotency key conflict; the refund is frozen")
        giving_back.freeze(part_id=part.id, error=error, at=at)
    except Refused as refusal:
        giving_back.refuse_part(part_id=part.id, refusal=refusal, at=at)
    except ReplayedFailure as error:
        giving_back.forget_answer(part_id=part.id, error=error, at=at)
        look_up_refund(part=part, at=at)
    except OutcomeUnknown as error:
        giving_back.forget_answer(part_id=part.id, error=error, at=at)
    else:
        giving_back.record_refund(part_id=part.id, found=found, at=at)


def look_up_refund(*, part: RefundPart, at: datetime) -> RefundPart | None:
    """Search Stripe for a part's refund and take it over; None where there is none to be seen."""
    for found in gateway().find_refunds(payment_intent=str(part.funding.payment_intent)):
        if found.reference == str(part.id):
            return giving_back.record_refund(part_id=part.id, found=found, at=at)
    return None


def confirm_not_sent(*, proposal_id: UUID, at: datetime) -> RefundPart:
    """What two people decided about a refund without an answer. A sequence; repeat it freely.

    One that Stripe shows after all is taken over instead.
    """
    proposal = Proposal.objects.get(id=proposal_id, kind="refund_not_sent", state="approved")
    part = RefundPart.objects.select_related("funding").get(id=proposal.subject_id)
    found = look_up_refund(part=part, at=at)
    return found or giving_back.declare_not_sent(part_id=part.id, by=proposal.decided_by_id, at=at)


def sync_refund(*, refund_id: str, at: datetime) -> RefundPart | None:
    """Look at a refund that Stripe told us of; None where it is not one of ours. A sequence."""
    found = gateway().read_refund(refund_id=refund_id)
    parts = RefundPart.objects.filter(
        Q(provider_id=found.refund_id) | Q(funding__payment_intent=found.payment_intent)
    )
    for part in parts.order_by("id"):
        if found.reference == str(part.id):
            return giving_back.record_refund(part_id=part.id, found=found, at=at)
    return None


def _may_leave(refund: Refund, part: RefundPart, at: datetime) -> bool:
    if part.first_sent_at is not None:
        return True  # it may have left already: find out, whatever has happened since
    try:
        require_cover(
            organization=refund.organization,
            amount=zero(refund.currency),
            of=WALLET,
            key=f"refund:{refund.id}:paid:{part.id}",
            at=at,
        )
    except FundsFrozen as held:
        part.next_try_at, part.error_message = at + LONGEST_PAUSE, held.message[:500]
        part.save(update_fields=["next_try_at", "error_message"])
        return False
    return True


def _is_due(at: datetime) -> Q:
    waits = Q(next_try_at=None) | Q(next_try_at__lte=at)
    new = Q(state="created", refund__state__in=["approved", "sending", "unknown"]) & waits
    return new | Q(state__in=["sending", "unknown"], next_try_at__lte=at)
