"""Taking a refund over as Stripe made it, of another amount than was asked. Two people decide."""

from __future__ import annotations

from datetime import datetime

from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money
from marketplace.people.models import User
from payouts.gateways.chosen import gateway
from payouts.gateways.port import GatewayError
from payouts.gateways.port import Refund as Found
from payouts.models import Break, Posting, Proposal, Refund, RefundPart
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.breaking import explain
from payouts.services.funding import PaymentsUnavailable
from payouts.services.giving_back import end_part, finish_refund, lock_part
from payouts.services.proposing import decides, propose
from payouts.services.settling import is_explained

ADOPT = "adopt_refund"
_TURNED_BACK = {"failed", "canceled"}


class NoOtherRefund(DomainError):
    """Stripe shows no refund of this part that is another than was asked for."""

    code = "no_other_refund"
    status = 409


def propose_refund_adoption(*, part: RefundPart, why: str, by: User, at: datetime) -> Proposal:
    """Ask a second person to book a refund as Stripe made it. A sequence: Stripe is asked first.

    Raises NoOtherRefund, PaymentsUnavailable, AlreadyProposed.
    """
    row = RefundPart.objects.select_related("refund__organization", "funding").get(id=part.id)
    _require_unknown(row)
    found = _seen(row)
    terms = {
        "minor": row.amount_minor,
        "sent_minor": found.amount.minor,
        "currency": row.refund.currency,
        "provider": found.refund_id,
        "movement": found.movement or found.refund_id,
    }
    return propose(
        kind=ADOPT,
        subject_id=row.id,
        organization=row.refund.organization,
        terms=terms,
        why=why,
        by=by,
        at=at,
    )


@decides(ADOPT)
def _adopt(proposal: Proposal, by: User, at: datetime) -> RefundPart:
    """Book what left; less goes back to the wallet, more comes out of it and then out of ours."""
    part, refund = lock_part(part_id=proposal.subject_id)
    _require_unknown(part)
    movement = proposal.terms["movement"]
    found = Break.objects.filter(kind="missing_in_ledger", ref=movement, state="open")
    if is_explained(ref=movement):
        raise NoOtherRefund("Two people have booked this movement of Stripe's already.")
    asked = Money(part.amount_minor, refund.currency)
    sent = Money(proposal.terms["sent_minor"], refund.currency)
    posting = _book(part, refund, asked, sent, proposal.terms["provider"], by, at)
    for row in found.order_by("id"):
        explain(row=row, proposal=proposal, posting=posting, by=by, at=at)
    part.provider_id, part.amount_minor = proposal.terms["provider"], sent.minor
    part.save(update_fields=["amount_minor"])
    end_part(part=part, state="succeeded", why="", at=at)
    refund.amount_minor += sent.minor - asked.minor
    refund.save(update_fields=["amount_minor"])
    finish_refund(refund=refund, at=at)
    return part


def _book(
    part: RefundPart,
    refund: Refund,
    asked: Money,
    sent: Money,
    provider_id: str,
    by: User,
    at: datetime,
) -> Posting:
    currency, owner = refund.currency, refund.organization
    moving = account("refund_in_transit", currency=currency, organization=owner)
    wallet = account("wallet", currency=currency, organization=owner)
    ours = account("platform_expense", currency=currency)
    clearing = account("psp_clearing", currency=currency)
    locked = ledger.lock_accounts(
        account_ids=[each.id for each in (moving, wallet, ours, clearing)]
    )
    more = max(sent.minor - asked.minor, 0)
    theirs = min(more, locked[wallet.id].balance_minor)
    posting = ledger.post(
        key=f"refund:{refund.id}:paid:{part.id}",
        kind="refund_paid",
        currency=currency,
        legs=[
            ledger.Leg.debit(moving, min(asked, sent)),
            ledger.Leg(wallet, "D", theirs),
            ledger.Leg(ours, "D", more - theirs),
            ledger.Leg.credit(clearing, sent),
        ],
        effective_at=at,
        actor=by.id,
        external_ref=provider_id,
    )
    if sent < asked:
        ledger.post(
            key=f"refund:{refund.id}:rest:{part.id}",
            kind="refund_returned",
            currency=currency,
            legs=[
                ledger.Leg.debit(moving, asked - sent),
                ledger.Leg.credit(wallet, asked - sent),
            ],
            effective_at=at,
            actor=by.id,
        )
    return posting


def _require_unknown(part: RefundPart) -> None:
    if part.state != "unknown":
        raise NoOtherRefund(f"This refund is {part.state}; there is nothing to adopt.")


def _seen(part: RefundPart) -> Found:
    try:
        found = gateway().find_refunds(payment_intent=str(part.funding.payment_intent))
    except GatewayError as error:
        raise PaymentsUnavailable("Stripe does not answer just now. Try again.") from error
    for each in found:
        is_ours = each.reference == str(part.id) and each.state not in _TURNED_BACK
        is_other = each.amount != Money(part.amount_minor, part.refund.currency)
        if is_ours and is_other and each.amount.currency == part.refund.currency:
            return each
    raise NoOtherRefund("Stripe shows no refund of another amount for this.")
