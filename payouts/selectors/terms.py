"""How an organisation pays, and how much it may still draw on credit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Sum

from marketplace.kit.money import Money, zero
from marketplace.organizations.models import Organization
from payouts.models import Account, BillingTerms, Invoice


@dataclass(frozen=True, slots=True)
class Terms:
    """`prepaid`, `in_house` or `post_paid`; the limit and the days count for `post_paid` only."""

    mode: str
    limit: Money | None = None
    net_days: int = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """How a client stands with what it owes in one currency."""

    terms: Terms
    owed: Money
    overdue: Money
    left: Money


def terms_of(organization: Organization, *, at: datetime) -> Terms:
    """The newest terms in effect at `at`; without any, `prepaid`."""
    rows = BillingTerms.objects.filter(organization=organization, effective_at__lte=at)
    row = rows.order_by("-effective_at", "-id").first()
    return Terms("prepaid") if row is None else _terms(row)


def all_terms(*, at: datetime) -> dict[UUID, Terms]:
    """The terms in effect of every organisation that was ever given some, in one statement."""
    rows = BillingTerms.objects.filter(effective_at__lte=at)
    newest = rows.order_by("organization_id", "-effective_at", "-id").distinct("organization_id")
    return {row.organization_id: _terms(row) for row in newest}


def billing_mode(organization: Organization, *, at: datetime) -> str:
    """`prepaid`, `in_house` or `post_paid`."""
    return terms_of(organization, at=at).mode


def receivable(organization: Organization, currency: str) -> Money:
    """What the organisation has drawn on credit and not paid yet."""
    rows = Account.objects.filter(
        kind="client_receivable", organization=organization, currency=currency
    )
    found = rows.values_list("debits_minor", "credits_minor")
    return Money(sum(debit - credit for debit, credit in found), currency)


def drawn(organization: Organization, currency: str) -> Money:
    """Everything the organisation has ever drawn on credit."""
    rows = Account.objects.filter(
        kind="client_receivable", organization=organization, currency=currency
    )
    return Money(rows.aggregate(sum=Sum("debits_minor"))["sum"] or 0, currency)


def settled(organization: Organization, currency: str) -> Money:
    """Everything the organisation has paid of what it drew."""
    rows = Account.objects.filter(
        kind="client_receivable", organization=organization, currency=currency
    )
    return Money(rows.aggregate(sum=Sum("credits_minor"))["sum"] or 0, currency)


def overdue(organization: Organization, currency: str, *, at: datetime) -> Money:
    """What is unpaid after its day: all that overdue invoices ask for, less payments.

    An invoice asks for everything drawn until it was issued (`drawn_minor`), so it is paid once
    the payments ever made come to that.
    """
    asked = _asked_too_long(organization, currency, at)
    if not asked:
        return asked
    return max(zero(currency), asked - settled(organization, currency))


def credit_of(organization: Organization, currency: str, *, at: datetime) -> Credit:
    """Terms, what is owed, what of it is late, and what may still be drawn.

    Nothing may be drawn without credit terms in this currency or with an overdue invoice.
    """
    terms = terms_of(organization, at=at)
    rows = Account.objects.filter(
        kind="client_receivable", organization=organization, currency=currency
    )
    found = rows.aggregate(
        drawn=Sum("debits_minor", default=0), paid=Sum("credits_minor", default=0)
    )
    none, paid = zero(currency), Money(int(found["paid"]), currency)
    owed = Money(int(found["drawn"]), currency) - paid
    late = max(none, _asked_too_long(organization, currency, at) - paid)
    if terms.mode != "post_paid" or terms.limit is None or terms.limit.currency != currency or late:
        return Credit(terms, owed, late, none)
    return Credit(terms, owed, late, max(none, terms.limit - owed))


def credit_left(organization: Organization, currency: str, *, at: datetime) -> Money:
    """What it may still draw, as `credit_of` says."""
    return credit_of(organization, currency, at=at).left


def _asked_too_long(organization: Organization, currency: str, at: datetime) -> Money:
    rows = Invoice.objects.filter(
        organization=organization, currency=currency, purpose="credit", state="open", due_at__lt=at
    )
    return Money(rows.aggregate(most=Max("drawn_minor"))["most"] or 0, currency)


def _terms(row: BillingTerms) -> Terms:
    limit = Money(row.limit_minor, row.currency) if row.currency else None
    return Terms(row.mode, limit, row.net_days)
