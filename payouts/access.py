"""Whose money a person or a key may see. The only place in the money that reads roles."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from marketplace.kit.errors import Forbidden
from marketplace.organizations.access import Asker, organizations_of
from marketplace.organizations.models import ApiKey, Organization
from marketplace.people.access import require_staff, staff_roles
from marketplace.people.models import User
from payouts.models import (
    Account,
    Earning,
    Entry,
    Funding,
    Payee,
    Payout,
    PayoutRun,
    Posting,
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


def _reads_books(to: Asker) -> bool:
    return isinstance(to, User) and bool(staff_roles(to) & BOOKS)


def _clients(to: Asker) -> QuerySet[Organization]:
    if isinstance(to, ApiKey) and "funding:read" not in to.scopes:
        return Organization.objects.none()
    return organizations_of(to)
