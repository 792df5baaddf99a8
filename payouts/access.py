"""Whose money a person or a key may see. The only place in the money that reads roles."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from marketplace.kit.errors import Forbidden
from marketplace.organizations.access import Asker, membership_role, organizations_of
from marketplace.organizations.models import ApiKey, Organization
from marketplace.people.access import require_staff, staff_roles
from marketplace.people.models import User
from payouts.models import (
    Account,
    BalanceTransaction,
    BankBatch,
    BillingProfile,
    BillingTerms,
    Break,
    BudgetGrant,
    CashOut,
    Chargeback,
    Clawback,
    Document,
    Earning,
    Entry,
    Funding,
    Invoice,
    LedgerClose,
    LeftOut,
    PauseTurn,
    Payee,
    PayeeProfile,
    Payout,
    PayoutRun,
    PayrollExport,
    Policy,
    Posting,
    Proposal,
    Reconciliation,
    Refund,
    Reservation,
    StripeEvent,
)

BOOKS = frozenset({"finance", "auditor"})
PAYING_ROLES = ("owner", "billing")


def require_finance(user: User | AnonymousUser) -> None:
    """Refuse everybody but finance: NotFound for strangers, Forbidden for other staff."""
    require_staff(user, "finance")


def require_other_than_payee(user: User, expert_user_id: object) -> None:
    """Nobody acts on their own money."""
    if user.id == expert_user_id:
        raise Forbidden("Somebody else has to decide about your own money.")


def require_no_stake(user: User, organization: Organization) -> None:
    """Nobody of finance acts on the money of an organisation that they belong to."""
    if membership_role(user, organization) is not None:
        raise Forbidden("Somebody else has to do this: you belong to this organisation.")


def visible_fundings(*, to: Asker) -> QuerySet[Funding]:
    """Those of one's organisations; a key needs `funding:read`; finance and auditors see all."""
    if isinstance(to, ApiKey):
        if "funding:read" not in to.scopes:
            return Funding.objects.none()
        return Funding.objects.filter(organization=to.organization_id)
    if _reads_books(to):
        return Funding.objects.all()
    return Funding.objects.filter(organization__in=organizations_of(to))


def visible_reservations(*, to: Asker) -> QuerySet[Reservation]:
    """Those of one's organisations; finance and auditors see all."""
    if isinstance(to, User) and _reads_books(to):
        return Reservation.objects.all()
    return Reservation.objects.filter(organization__in=organizations_of(to))


def visible_earnings(*, to: Asker) -> QuerySet[Earning]:
    """One's own as an expert; finance and auditors see all. Clients see prices, not earnings."""
    if not isinstance(to, User):
        return Earning.objects.none()
    return Earning.objects.all() if _reads_books(to) else Earning.objects.filter(expert__user=to)


def judged_earnings(*, to: Asker) -> QuerySet[Earning]:
    """Those that one may propose to take back: quality and finance, any but one's own."""
    if not isinstance(to, User) or not staff_roles(to) & {"quality", "finance", "auditor"}:
        return Earning.objects.none()
    return Earning.objects.exclude(expert__user=to)


def visible_payees(*, to: Asker) -> QuerySet[Payee]:
    """One's own payout account; finance, auditors and support see that there is one."""
    if not isinstance(to, User):
        return Payee.objects.none()
    if staff_roles(to) & {"finance", "auditor", "support"}:
        return Payee.objects.all()
    return Payee.objects.filter(expert__user=to)


def visible_payouts(*, to: Asker) -> QuerySet[Payout]:
    """One's own; finance and auditors see all, support sees that they exist and their dates."""
    if not isinstance(to, User):
        return Payout.objects.none()
    if staff_roles(to) & {"finance", "auditor", "support"}:
        return Payout.objects.all()
    return Payout.objects.filter(expert__user=to)


def visible_runs(*, to: Asker) -> QuerySet[PayoutRun]:
    """Finance and auditors only."""
    return PayoutRun.objects.all() if _reads_books(to) else PayoutRun.objects.none()


def visible_left_outs(*, to: Asker) -> QuerySet[LeftOut]:
    """One's own; finance and auditors see all."""
    rows = LeftOut.objects.all()
    return rows if _reads_books(to) else rows.filter(_own_expert(to))


def visible_pause_turns(*, to: Asker) -> QuerySet[PauseTurn]:
    """Finance and auditors only."""
    return PauseTurn.objects.all() if _reads_books(to) else PauseTurn.objects.none()


def visible_accounts(*, to: Asker) -> QuerySet[Account]:
    """One's organisations' and one's own as an expert; finance and auditors see all."""
    if _reads_books(to):
        return Account.objects.all()
    own = Q(expert__user=to) if isinstance(to, User) else Q(pk=None)
    return Account.objects.filter(own | Q(organization__in=_clients(to)))


def visible_postings(*, to: Asker) -> QuerySet[Posting]:
    """Finance and auditors see whole postings; others only their own entries."""
    return Posting.objects.all() if _reads_books(to) else Posting.objects.none()


def visible_entries(*, to: Asker) -> QuerySet[Entry]:
    """The entries of the accounts that one may see."""
    return Entry.objects.filter(account__in=visible_accounts(to=to))


def visible_stripe_events(*, to: Asker) -> QuerySet[StripeEvent]:
    """Finance and auditors only."""
    return StripeEvent.objects.all() if _reads_books(to) else StripeEvent.objects.none()


def visible_refunds(*, to: Asker) -> QuerySet[Refund]:
    """Those of one's organisations; finance and auditors see all."""
    return Refund.objects.all() if _reads_books(to) else Refund.objects.filter(_own_clients(to))


def visible_chargebacks(*, to: Asker) -> QuerySet[Chargeback]:
    """Those of one's organisations; finance and auditors see all."""
    rows = Chargeback.objects.all()
    return rows if _reads_books(to) else rows.filter(_own_clients(to))


def visible_grants(*, to: Asker) -> QuerySet[BudgetGrant]:
    """Those of one's organisations; finance and auditors see all."""
    rows = BudgetGrant.objects.all()
    return rows if _reads_books(to) else rows.filter(_own_clients(to))


def visible_billing_terms(*, to: Asker) -> QuerySet[BillingTerms]:
    """Those of one's organisations; finance and auditors see all."""
    rows = BillingTerms.objects.all()
    return rows if _reads_books(to) else rows.filter(_own_clients(to))


def visible_billing_profiles(*, to: Asker) -> QuerySet[BillingProfile]:
    """Those of one's organisations; finance and auditors see all."""
    rows = BillingProfile.objects.all()
    return rows if _reads_books(to) else rows.filter(_own_clients(to))


def visible_payee_profiles(*, to: Asker) -> QuerySet[PayeeProfile]:
    """One's own; finance and auditors see all."""
    rows = PayeeProfile.objects.all()
    return rows if _reads_books(to) else rows.filter(_own_expert(to))


def visible_documents(*, to: Asker) -> QuerySet[Document]:
    """One's own papers and those of one's organisations; finance and auditors see all."""
    rows = Document.objects.all()
    return rows if _reads_books(to) else rows.filter(_own_expert(to) | _own_clients(to))


def visible_invoices(*, to: Asker) -> QuerySet[Invoice]:
    """Those of one's organisations; finance and auditors see all."""
    return Invoice.objects.all() if _reads_books(to) else Invoice.objects.filter(_own_clients(to))


def visible_payroll_exports(*, to: Asker) -> QuerySet[PayrollExport]:
    """Those of one's organisations, for those who pay there; finance and auditors see all."""
    if _reads_books(to):
        return PayrollExport.objects.all()
    if not isinstance(to, User):
        return PayrollExport.objects.none()
    return PayrollExport.objects.filter(
        organization__memberships__user=to, organization__memberships__role__in=PAYING_ROLES
    ).distinct()


def visible_clawbacks(*, to: Asker) -> QuerySet[Clawback]:
    """One's own once decided; finance, auditors and quality see all."""
    if isinstance(to, User) and staff_roles(to) & {"finance", "auditor", "quality"}:
        return Clawback.objects.all()
    own = Q(earning__expert__user=to, state="made") if isinstance(to, User) else Q(pk=None)
    return Clawback.objects.filter(own)


def visible_cash_outs(*, to: Asker) -> QuerySet[CashOut]:
    """One's own; finance and auditors see all."""
    rows = CashOut.objects.all()
    own = Q(payout__expert__user=to) if isinstance(to, User) else Q(pk=None)
    return rows if _reads_books(to) else rows.filter(own)


def visible_bank_batches(*, to: Asker) -> QuerySet[BankBatch]:
    """Finance and auditors only."""
    return BankBatch.objects.all() if _reads_books(to) else BankBatch.objects.none()


def visible_policies(*, to: Asker) -> QuerySet[Policy]:
    """Finance and auditors see all; everybody signed in may read what is not about one client."""
    rows = Policy.objects.all()
    return rows if _reads_books(to) else rows.filter(organization=None)


def visible_proposals(*, to: Asker) -> QuerySet[Proposal]:
    """Finance and auditors see all; others what they proposed themselves."""
    own = Q(proposed_by=to) if isinstance(to, User) else Q(pk=None)
    return Proposal.objects.all() if _reads_books(to) else Proposal.objects.filter(own)


def visible_balance_transactions(*, to: Asker) -> QuerySet[BalanceTransaction]:
    """Finance and auditors only."""
    rows = BalanceTransaction.objects.all()
    return rows if _reads_books(to) else rows.none()


def visible_reconciliations(*, to: Asker) -> QuerySet[Reconciliation]:
    """Finance and auditors only."""
    return Reconciliation.objects.all() if _reads_books(to) else Reconciliation.objects.none()


def visible_breaks(*, to: Asker) -> QuerySet[Break]:
    """Finance and auditors only."""
    return Break.objects.all() if _reads_books(to) else Break.objects.none()


def visible_ledger_closes(*, to: Asker) -> QuerySet[LedgerClose]:
    """Finance and auditors only."""
    return LedgerClose.objects.all() if _reads_books(to) else LedgerClose.objects.none()


def _own_clients(to: Asker) -> Q:
    return Q(organization__in=_clients(to))


def _own_expert(to: Asker) -> Q:
    return Q(expert__user=to) if isinstance(to, User) else Q(pk=None)


def _reads_books(to: Asker) -> bool:
    return isinstance(to, User) and bool(staff_roles(to) & BOOKS)


def _clients(to: Asker) -> QuerySet[Organization]:
    if isinstance(to, ApiKey) and "funding:read" not in to.scopes:
        return Organization.objects.none()
    return organizations_of(to)
