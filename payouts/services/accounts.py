"""Finding an account, or opening it the first time somebody needs it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import CHART, Account


def account(
    kind: str,
    *,
    currency: str,
    organization: Organization | None = None,
    expert: Expert | None = None,
    subject_id: UUID | None = None,
) -> Account:
    """The account of that kind, currency and owner; opened empty if it is not there yet."""
    rows = Account.objects.filter(
        kind=kind,
        currency=currency,
        organization=organization,
        expert=expert,
        subject_id=subject_id,
    )
    try:
        return rows.get()
    except Account.DoesNotExist:
        owner = {"organization": organization, "expert": expert, "subject_id": subject_id}
        Account.objects.bulk_create([_empty(kind, currency, **owner)], ignore_conflicts=True)
        return rows.get()


def expert_accounts(*, kind: str, currency: str, experts: Iterable[UUID]) -> dict[UUID, Account]:
    """The accounts of that kind of many experts, by expert id. Missing ones are opened in order."""
    wanted = sorted(set(experts))
    found = _of_experts(kind, currency, wanted)
    missing = [expert for expert in wanted if expert not in found]
    if not missing:
        return found
    fresh = [_empty(kind, currency, expert_id=expert) for expert in missing]
    Account.objects.bulk_create(fresh, ignore_conflicts=True)
    return _of_experts(kind, currency, wanted)


def _of_experts(kind: str, currency: str, experts: list[UUID]) -> dict[UUID, Account]:
    rows = Account.objects.filter(kind=kind, currency=currency, expert__in=experts)
    return {row.expert_id: row for row in rows if row.expert_id}


def _empty(kind: str, currency: str, **owner: Organization | Expert | UUID | None) -> Account:
    terms = CHART[kind]
    return Account(
        kind=kind,
        currency=currency,
        normal=terms.normal,
        may_go_negative=terms.may_go_negative,
        **owner,
    )
