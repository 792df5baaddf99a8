"""A client asks for free money back; a second person decides (MONEY 10)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit.errors import DomainError
from marketplace.kit.money import Money, zero
from marketplace.kit.states import require_transition
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.gateways.chosen import gateway
from payouts.models import Account, Funding, Refund, RefundPart
from payouts.selectors.refunds import refundable, sent_alone
from payouts.selectors.terms import receivable
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.arriving import LARGEST_AMOUNT, require_amount, require_step
from payouts.services.freezing import WALLET, require_cover
from payouts.services.ledger import InsufficientBalance
from payouts.services.proposing import SamePerson


class NotRefundable(DomainError):
    """The money did not come by card or bank debit, so Stripe cannot give it back."""

    code = "not_refundable"
    status = 409


class RefundKeyReused(DomainError):
    """The refund was asked for before, with another amount."""

    code = "refund_key_reused"
    status = 422


@transaction.atomic
def request_refund(
    *, refund_id: UUID, organization: Organization, amount: Money, why: str, by: UUID, at: datetime
) -> Refund:
    """Set free money aside to give it back, split over the client's payments, newest first.

    Once per `refund_id`. Up to REFUND_AUTO_MINOR in 24 hours it is sent at once, above it waits
    for finance. Raises InsufficientBalance and FundsFrozen with the amounts, NotRefundable,
    InvalidInput, RefundKeyReused.
    """
    require_amount(amount=amount, most=LARGEST_AMOUNT)
    require_step(amount=amount)
    key = f"refund:{refund_id}:reserved"
    wallet, moving = _pots(organization, amount.currency)
    require_cover(organization=organization, amount=amount, of=WALLET, key=key, at=at)
    locked = ledger.lock_accounts(account_ids=[wallet.id, moving.id])
    known = Refund.objects.filter(id=refund_id).order_by("id").first()
    if known is not None:
        return _same(known, organization, amount)
    require_free(wallet=locked[wallet.id], organization=organization, amount=amount)
    shares = _split(organization, amount)
    refund = Refund.objects.create(
        id=refund_id,
        organization=organization,
        currency=amount.currency,
        amount_minor=amount.minor,
        why=why.strip()[:200],
        asked_by=by,
        asked_at=at,
        livemode=gateway().is_live,
    )
    for number, (funding, share) in enumerate(shares, start=1):
        RefundPart.objects.create(
            refund=refund,
            funding=funding,
            amount_minor=share.minor,
            key=f"refund:{refund.id}:{number}",
        )
    _move(refund, "refund_reserved", "reserved", wallet, moving, by, at)
    note(kind="refund.requested", refund=refund, at=at, by=by)
    if amount + sent_alone(organization, amount.currency, at=at) <= _alone(amount.currency):
        _approve(refund, None, at)
    return refund


@transaction.atomic
def require_refundable(*, organization: Organization, amount: Money, at: datetime) -> None:
    """Raise what `request_refund` would raise now for a new refund; nothing is set aside."""
    require_amount(amount=amount, most=LARGEST_AMOUNT)
    require_step(amount=amount)
    require_cover(organization=organization, amount=amount, of=WALLET, key="", at=at)
    wallet, _ = _pots(organization, amount.currency)
    locked = ledger.lock_accounts(account_ids=[wallet.id])
    require_free(wallet=locked[wallet.id], organization=organization, amount=amount)
    _split(organization, amount)


@transaction.atomic
def approve_refund(*, refund: Refund, by: User, at: datetime) -> Refund:
    """Let a refund be sent. Raises SamePerson for whoever asked for it."""
    row = lock_refund(refund_id=refund.id)
    if row.asked_by == by.pk:
        raise SamePerson("Somebody else has to approve the refund you asked for.")
    _approve(row, by, at)
    return row


@transaction.atomic
def refuse_refund(*, refund: Refund, answer: str, by: User, at: datetime) -> Refund:
    """Say no, with an answer for the client; the money is back in its wallet. Raises SamePerson."""
    row = lock_refund(refund_id=refund.id)
    if row.asked_by == by.pk:
        raise SamePerson("Take back what you asked for; somebody else may refuse it.")
    return _give_up(row, answer.strip() or "Refused.", by.pk, at)


@transaction.atomic
def withdraw_refund(*, refund: Refund, by: UUID, at: datetime) -> Refund:
    """The client takes its request back before anybody decided; the money is in the wallet."""
    return _give_up(lock_refund(refund_id=refund.id), "Taken back.", by, at)


def lock_refund(*, refund_id: UUID) -> Refund:
    """The refund, held until the transaction ends."""
    rows = Refund.objects.select_for_update(of=("self",)).select_related("organization")
    return rows.get(id=refund_id)


def return_to_wallet(*, part: RefundPart, at: datetime) -> None:
    """What was set aside for a part that will not be sent is free again, once."""
    refund = part.refund
    wallet, moving = _pots(refund.organization, refund.currency)
    amount = Money(part.amount_minor, refund.currency)
    ledger.post(
        key=f"refund:{refund.id}:returned:{part.id}",
        kind="refund_returned",
        currency=refund.currency,
        legs=[ledger.Leg.debit(moving, amount), ledger.Leg.credit(wallet, amount)],
        effective_at=at,
    )


def require_free(*, wallet: Account, organization: Organization, amount: Money) -> None:
    """Refuse more than a locked wallet holds beside what the client owes on credit.

    Raises InsufficientBalance with both amounts, NotRefundable.
    """
    free = Money(wallet.balance_minor, amount.currency)
    if amount > free:
        raise InsufficientBalance(wallet, amount, free)
    owed = receivable(organization, amount.currency)
    if amount > free - owed:
        raise NotRefundable(
            f"{owed} of the wallet was drawn on credit and is paid first; you can ask for "
            f"{max(free - owed, zero(amount.currency))}."
        )


def note(*, kind: str, refund: Refund, at: datetime, by: UUID | None = None) -> None:
    """Write down what happened to a refund."""
    record(
        kind,
        at=at,
        object_kind="refund",
        object_id=refund.id,
        actor=by,
        organization=refund.organization_id,
        data={"minor": refund.amount_minor, "currency": refund.currency},
    )


def _split(organization: Organization, amount: Money) -> list[tuple[Funding, Money]]:
    shares, missing = [], amount
    for funding, left in refundable(organization, amount.currency):
        share = min(left, missing)
        if share:
            shares.append((funding, share))
        missing -= share
    if missing:
        raise NotRefundable(
            f"Only {amount - missing} can go back by card or bank debit. The rest of the wallet "
            "came by bank transfer or as a budget, or its payment is contested; write to us about "
            "that part."
        )
    return shares


def _alone(currency: str) -> Money:
    return Money(settings.REFUND_AUTO_MINOR, currency)


def _approve(row: Refund, by: User | None, at: datetime) -> None:
    require_transition(Refund.TRANSITIONS, row, "approved")
    row.state, row.approved_by, row.approved_at = "approved", by.pk if by else None, at
    row.save(update_fields=["state", "approved_by", "approved_at"])
    note(kind="refund.approved", refund=row, at=at, by=by.pk if by else None)
    enqueue("payouts.send_refund", key=f"payouts.send_refund:{row.id}", refund_id=str(row.id))


def _give_up(row: Refund, answer: str, by: UUID, at: datetime) -> Refund:
    require_transition(Refund.TRANSITIONS, row, "refused")
    row.state, row.ended_at = "refused", at
    row.save(update_fields=["state", "ended_at"])
    for part in row.parts.select_related("refund__organization").order_by("id"):
        require_transition(RefundPart.TRANSITIONS, part, "failed")
        part.state, part.ended_at, part.error_message = "failed", at, answer[:500]
        part.save(update_fields=["state", "ended_at", "error_message"])
        return_to_wallet(part=part, at=at)
    note(kind="refund.refused", refund=row, at=at, by=by)
    return row


def _same(known: Refund, organization: Organization, amount: Money) -> Refund:
    ours = (known.organization_id, known.amount_minor, known.currency)
    if ours != (organization.pk, amount.minor, amount.currency):
        raise RefundKeyReused("This refund was asked for before, with another amount.")
    return known


def _move(
    refund: Refund, kind: str, step: str, source: Account, target: Account, by: UUID, at: datetime
) -> None:
    amount = Money(refund.amount_minor, refund.currency)
    ledger.post(
        key=f"refund:{refund.id}:{step}",
        kind=kind,
        currency=refund.currency,
        legs=[ledger.Leg.debit(source, amount), ledger.Leg.credit(target, amount)],
        effective_at=at,
        actor=by,
    )


def _pots(organization: Organization, currency: str) -> tuple[Account, Account]:
    return (
        account("wallet", currency=currency, organization=organization),
        account("refund_in_transit", currency=currency, organization=organization),
    )
