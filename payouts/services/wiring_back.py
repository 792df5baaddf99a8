"""Free money that did not come through Stripe goes back by the operator's bank, by two people."""

from __future__ import annotations

from datetime import datetime

from marketplace.events.services.recording import record
from marketplace.kit.money import Money, zero
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.models import Account, Proposal
from payouts.selectors.refunds import by_card
from payouts.selectors.terms import receivable
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.arriving import LARGEST_AMOUNT, require_amount
from payouts.services.freezing import WALLET, movable_accounts, require_cover
from payouts.services.proposing import decides, propose
from payouts.services.refunding import NotRefundable, require_free


def propose_wire_back(
    *, organization: Organization, amount: Money, why: str, by: User, at: datetime
) -> Proposal:
    """Ask a second person to pay part of a wallet back by bank. Raises InvalidInput.

    One at a time for a wallet, so that one transfer is not booked twice: raises AlreadyProposed.
    Nothing is set aside: whoever approves has just sent the transfer, and the books are written
    with the approval, which raises what `request_refund` raises.
    """
    require_amount(amount=amount, most=LARGEST_AMOUNT)
    return propose(
        kind="wire_back",
        subject_id=account("wallet", currency=amount.currency, organization=organization).id,
        organization=organization,
        terms={"minor": amount.minor, "currency": amount.currency},
        why=why,
        by=by,
        at=at,
    )


def _require_no_card(wallet: Account, organization: Organization, amount: Money) -> None:
    """What was paid by card goes back to the card, where its bank may contest it only once."""
    card = by_card(organization, amount.currency)
    free = Money(wallet.balance_minor, amount.currency) - receivable(organization, amount.currency)
    if amount > free - card:
        raise NotRefundable(
            f"{card} of the client's payments can go back by card or bank debit only; by bank you "
            f"can send {max(free - card, zero(amount.currency))}."
        )


@decides("wire_back")
def _book(proposal: Proposal, by: User, at: datetime) -> None:
    organization = proposal.organization
    assert organization is not None  # propose_wire_back names it
    amount = Money(proposal.terms["minor"], proposal.terms["currency"])
    key = f"wire_back:{proposal.id}"
    wallet = account("wallet", currency=amount.currency, organization=organization)
    bank = account("platform_bank", currency=amount.currency)
    movable = movable_accounts(organization=organization, currency=amount.currency)
    locked = ledger.lock_accounts(account_ids=[bank.id, *movable])
    require_cover(organization=organization, amount=amount, of=WALLET, key=key, at=at)
    require_free(wallet=locked[wallet.id], organization=organization, amount=amount)
    _require_no_card(locked[wallet.id], organization, amount)
    ledger.post(
        key=key,
        kind="refund_paid",
        currency=amount.currency,
        legs=[ledger.Leg.debit(wallet, amount), ledger.Leg.credit(bank, amount)],
        effective_at=at,
        actor=by.pk,
        external_ref=str(proposal.id),
    )
    record(
        "refund.wired",
        at=at,
        object_kind="proposal",
        object_id=proposal.id,
        actor=by.pk,
        organization=organization.pk,
        data={"minor": amount.minor, "currency": amount.currency},
    )
