"""Clients who pay afterwards: a limit, a draw, an invoice, a payment that settles it.

Credit never reaches an expert: what was drawn is in the wallet like any other money, so work that
was opened stays funded when the client is late. Only new draws and new reservations stop.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, QuerySet

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money, zero
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.models import Account, BillingTerms, Funding, Invoice, Posting, Proposal
from payouts.selectors.terms import (
    credit_left,
    drawn,
    overdue,
    settled,
    terms_of,
)
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.invoicing import issue_invoice
from payouts.services.proposing import decides, propose

LONGEST_NET_DAYS = 120


class CreditExhausted(DomainError):
    """The wallet and what may still be drawn do not cover the amount."""

    code = "credit_exhausted"
    status = 409


def propose_terms(
    *,
    organization: Organization,
    mode: str,
    limit: Money | None,
    net_days: int,
    why: str,
    by: User,
    at: datetime,
) -> Proposal:
    """Ask for other billing terms of a client; a second person of finance decides.

    `limit` and `net_days` (1 to 120) belong to `post_paid` only. Raises InvalidInput.
    """
    problems = []
    if mode not in ("prepaid", "in_house", "post_paid"):
        problems.append({"field": "mode", "problem": "is prepaid, in_house or post_paid"})
    if mode == "post_paid" and (limit is None or limit.minor <= 0):
        problems.append({"field": "limit", "problem": "must be more than nothing"})
    if mode == "post_paid" and not 1 <= net_days <= LONGEST_NET_DAYS:
        problems.append({"field": "net_days", "problem": f"is 1 to {LONGEST_NET_DAYS} days"})
    if problems:
        raise InvalidInput("These terms cannot be.", errors=problems)
    post_paid = mode == "post_paid" and limit is not None
    terms = {
        "mode": mode,
        "currency": limit.currency if post_paid and limit else "",
        "limit_minor": limit.minor if post_paid and limit else 0,
        "net_days": net_days if post_paid else 0,
    }
    return propose(
        kind="billing_terms",
        subject_id=organization.pk,
        organization=organization,
        terms=terms,
        why=why,
        by=by,
        at=at,
    )


@decides("billing_terms")
def _take_terms(proposal: Proposal, by: User, at: datetime) -> None:
    row = BillingTerms.objects.create(
        organization_id=proposal.subject_id,
        effective_at=at,
        made_by=proposal.proposed_by_id,
        approved_by=by.pk,
        **proposal.terms,
    )
    record(
        "billing_terms.changed",
        at=at,
        object_kind="billing_terms",
        object_id=row.id,
        actor=by.pk,
        organization=proposal.subject_id,
        data=dict(proposal.terms),
    )


@transaction.atomic
def draw_credit(
    *, organization: Organization, wanted: Money, key: str, by: UUID | None, at: datetime
) -> Money:
    """Bring the wallet up to `wanted` from the client's credit, once per key; what was drawn.

    Nothing is drawn where the wallet covers it or the client has no credit terms. Raises
    CreditExhausted with the amounts, also while an invoice is overdue.
    """
    none = zero(wanted.currency)
    if terms_of(organization, at=at).mode != "post_paid":
        return none
    pots = _pots(organization, wanted.currency)
    locked = ledger.lock_accounts(account_ids=[pots["wallet"].id, pots["client_receivable"].id])
    if Posting.objects.filter(key=f"credit:{key}").exists():
        return none
    short = wanted - Money(locked[pots["wallet"].id].balance_minor, wanted.currency)
    if short <= none:
        return none
    left = credit_left(organization, wanted.currency, at=at)
    if short > left:
        late = overdue(organization, wanted.currency, at=at)
        because = f"; {late} of your invoices is overdue" if late else ""
        raise CreditExhausted(
            f"The wallet is {short} short and {left} of credit is left{because}.",
            short=short.minor,
            left=left.minor,
        )
    ledger.post(
        key=f"credit:{key}",
        kind="credit_drawn",
        currency=wanted.currency,
        legs=[
            ledger.Leg.debit(pots["client_receivable"], short),
            ledger.Leg.credit(pots["wallet"], short),
        ],
        effective_at=at,
        actor=by,
    )
    return short


@transaction.atomic
def settle_credit(*, organization: Organization, received: Money, key: str, at: datetime) -> Money:
    """Pay what is owed from money that has come into the wallet, once per key; what was settled.

    Called whenever money arrives, `key` being its funding. It closes the oldest invoices first.
    """
    currency = received.currency
    pots = _pots(organization, currency)
    locked = ledger.lock_accounts(account_ids=[pots["wallet"].id, pots["client_receivable"].id])
    if Posting.objects.filter(key=f"settle:{key}").exists():
        return zero(currency)
    free, owed = (locked[pots[kind].id].balance_minor for kind in ("wallet", "client_receivable"))
    amount = Money(max(0, min(received.minor, free, owed)), currency)
    if not amount:
        return amount
    ledger.post(
        key=f"settle:{key}",
        kind="credit_settled",
        currency=currency,
        legs=[
            ledger.Leg.debit(pots["wallet"], amount),
            ledger.Leg.credit(pots["client_receivable"], amount),
        ],
        effective_at=at,
    )
    _mark_paid(organization, currency, at)
    return amount


def settle_funding(*, funding_id: UUID, at: datetime) -> Money:
    """`settle_credit` with what a payment has brought."""
    row = Funding.objects.select_related("organization").get(id=funding_id)
    received = Money(row.received_minor or 0, row.currency)
    return settle_credit(organization=row.organization, received=received, key=str(row.id), at=at)


def invoice_monthly(*, at: datetime) -> int:
    """`invoice_credit` on the first day of a month, UTC; on other days nothing."""
    return invoice_credit(at=at) if at.day == 1 else 0


def invoice_credit(*, at: datetime) -> int:
    """Ask every client for what it has drawn and was not asked for yet; how many invoices.

    Once a day per client and currency. A sequence.
    """
    rows = Account.objects.filter(
        kind="client_receivable", debits_minor__gt=F("credits_minor")
    ).select_related("organization")
    made = 0
    for row in rows.order_by("id"):
        assert row.organization is not None  # constraint account_owner_fits_kind
        with transaction.atomic():
            made += _invoice(row.organization, row.currency, at) is not None
    return made


def _invoice(organization: Organization, currency: str, at: datetime) -> Invoice | None:
    ledger.lock_accounts(account_ids=[_pots(organization, currency)["client_receivable"].id])
    asked = _not_void(organization, currency).aggregate(most=Max("drawn_minor"))["most"] or 0
    total = drawn(organization, currency)
    amount = total - max(Money(asked, currency), settled(organization, currency))
    if amount <= zero(currency):
        return None
    return issue_invoice(
        organization=organization,
        purpose="credit",
        amount=amount,
        lines=[{"text": "Budget drawn on credit", "minor": amount.minor}],
        net_days=max(1, terms_of(organization, at=at).net_days),
        drawn_minor=total.minor,
        key=f"credit:{organization.pk}:{currency}:{at.date()}",
        at=at,
    )


def _mark_paid(organization: Organization, currency: str, at: datetime) -> None:
    """An invoice is paid once all payments come to all draws until it was issued."""
    paid = settled(organization, currency).minor
    rows = _not_void(organization, currency).filter(state="open", drawn_minor__lte=paid)
    for invoice in rows.select_for_update().order_by("pk"):
        invoice.state, invoice.ended_at = "paid", at
        invoice.save(update_fields=["state", "ended_at"])
        record(
            "invoice.paid",
            at=at,
            object_kind="invoice",
            object_id=invoice.document_id,
            organization=organization.pk,
            data={"minor": invoice.amount_minor, "currency": currency},
        )


def _not_void(organization: Organization, currency: str) -> QuerySet[Invoice]:
    rows = Invoice.objects.exclude(state="void")
    return rows.filter(organization=organization, currency=currency, purpose="credit")


def _pots(organization: Organization, currency: str) -> dict[str, Account]:
    return {
        kind: account(kind, currency=currency, organization=organization)
        for kind in ("wallet", "client_receivable")
    }
