"""Moving a client's money between its wallet and the budget of a project."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.money import Money
from marketplace.organizations.models import Organization
from payouts.models import Account, Posting
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.freezing import WALLET, require_cover
from payouts.services.lending import draw_credit


@transaction.atomic
def allocate(
    *,
    organization: Organization,
    subject_id: UUID,
    amount: Money,
    by: UUID,
    key: str,
    at: datetime,
) -> Posting:
    """Give a project money from the wallet, once per key; a client with credit draws what is short.

    Raises InsufficientBalance, FundsFrozen, CreditExhausted.
    """
    wallet, escrow = _pots(organization, subject_id, amount.currency)
    require_cover(
        organization=organization, amount=amount, of=WALLET, key=f"allocation:{key}", at=at
    )
    if not Posting.objects.filter(key=f"allocation:{key}").exists():
        draw_credit(organization=organization, wanted=amount, key=key, by=by, at=at)
    posting = ledger.post(
        key=f"allocation:{key}",
        kind="budget_allocated",
        currency=amount.currency,
        legs=[ledger.Leg.debit(wallet, amount), ledger.Leg.credit(escrow, amount)],
        effective_at=at,
        actor=by,
    )
    _record("budget.allocated", posting, organization, subject_id, amount, at)
    return posting


@transaction.atomic
def return_budget(
    *,
    organization: Organization,
    subject_id: UUID,
    amount: Money,
    by: UUID,
    key: str,
    at: datetime,
) -> Posting:
    """Take unreserved money of a project back into the wallet. Raises InsufficientBalance."""
    wallet, escrow = _pots(organization, subject_id, amount.currency)
    posting = ledger.post(
        key=f"allocation:{key}",
        kind="budget_returned",
        currency=amount.currency,
        legs=[ledger.Leg.debit(escrow, amount), ledger.Leg.credit(wallet, amount)],
        effective_at=at,
        actor=by,
    )
    _record("budget.returned", posting, organization, subject_id, amount, at)
    return posting


def _pots(organization: Organization, subject_id: UUID, currency: str) -> tuple[Account, Account]:
    return (
        account("wallet", currency=currency, organization=organization),
        account("escrow", currency=currency, organization=organization, subject_id=subject_id),
    )


def _record(
    kind: str,
    posting: Posting,
    organization: Organization,
    subject_id: UUID,
    amount: Money,
    at: datetime,
) -> None:
    if posting.is_new:
        record(
            kind,
            at=at,
            object_kind="posting",
            object_id=posting.id,
            actor=posting.actor,
            organization=organization.id,
            project=subject_id,
            data={"minor": amount.minor, "currency": amount.currency},
        )
