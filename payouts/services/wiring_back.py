"""Free money that did not come through Stripe goes back by the operator's bank, by two people."""

from __future__ import annotations

from datetime import datetime

from marketplace.events.services.recording import record
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.models import Proposal
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.arriving import LARGEST_AMOUNT, require_amount
from payouts.services.freezing import WALLET, require_cover
from payouts.services.proposing import decides, propose
from payouts.services.refunding import require_free


def propose_wire_back(
    *, organization: Organization, amount: Money, why: str, by: User, at: datetime
) -> Proposal:
    """Ask a second person to pay part of a wallet back by bank. Raises InvalidInput.

    Nothing is set aside: whoever approves has just sent the transfer, and the books are written
    with the approval, which raises what `request_refund` raises.
    """
    require_amount(amount=amount, most=LARGEST_AMOUNT)
    return propose(
        kind="wire_back",
        subject_id=uuid7(),
        organization=organization,
        terms={"minor": amount.minor, "currency": amount.currency},
        why=why,
        by=by,
        at=at,
    )


@decides("wire_back")
def _book(proposal: Proposal, by: User, at: datetime) -> None:
    organization = proposal.organization
    assert organization is not None  # propose_wire_back names it
    amount = Money(proposal.terms["minor"], proposal.terms["currency"])
    key = f"wire_back:{proposal.id}"
    wallet = account("wallet", currency=amount.currency, organization=organization)
    bank = account("platform_bank", currency=amount.currency)
    require_cover(organization=organization, amount=amount, of=WALLET, key=key, at=at)
    locked = ledger.lock_accounts(account_ids=[wallet.id, bank.id])
    require_free(wallet=locked[wallet.id], organization=organization, amount=amount)
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
