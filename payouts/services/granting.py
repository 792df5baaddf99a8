"""Budgets without a card: an operator who is the lab itself funds its own organisations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.models import BudgetGrant, Proposal
from payouts.selectors.terms import billing_mode
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.budgeting import allocate
from payouts.services.proposing import SamePerson, decides, propose


class NotInHouse(DomainError):
    """Only an organisation of the operator itself is given budgets; others pay in."""

    code = "not_in_house"
    status = 409


class AboveCap(DomainError):
    """The project's grants would pass its cap."""

    code = "above_cap"
    status = 409


@transaction.atomic
def request_grant(
    *,
    organization: Organization,
    amount: Money,
    purchase_order: str,
    cost_centre: str,
    by: User,
    at: datetime,
    subject_id: UUID | None = None,
    cap: Money | None = None,
) -> BudgetGrant:
    """Ask for a budget under a purchase order; a second person of finance grants it.

    `subject_id` names the project that gets it at once; without, it stays in the wallet. `cap` is
    the most that grants may ever give the project. Raises NotInHouse, AboveCap, InvalidInput.
    """
    _require_in_house(organization, at)
    problems = _problems(amount, cap, purchase_order, cost_centre)
    if problems:
        raise InvalidInput("The budget could not be asked for.", errors=problems)
    grant = BudgetGrant(
        organization=organization,
        subject_id=subject_id,
        currency=amount.currency,
        amount_minor=amount.minor,
        cap_minor=cap.minor if cap else None,
        purchase_order=purchase_order.strip(),
        cost_centre=cost_centre.strip(),
        asked_by=by.pk,
        asked_at=at,
    )
    _require_below_cap(grant)
    grant.save(force_insert=True)
    _record("grant.requested", grant, by, at)
    return grant


@transaction.atomic
def approve_grant(*, grant: BudgetGrant, by: User, at: datetime) -> BudgetGrant:
    """Book the budget to the wallet and on to its project.

    Raises SamePerson, AboveCap, and NotInHouse when the terms have changed since it was asked for.
    """
    row = _lock(grant, "granted")
    _require_in_house(row.organization, at)
    if row.asked_by == by.pk:
        raise SamePerson("Somebody else has to grant the budget you asked for.")
    _require_below_cap(row)
    amount = Money(row.amount_minor, row.currency)
    capital = account("operator_capital", currency=row.currency)
    wallet = account("wallet", currency=row.currency, organization=row.organization)
    ledger.post(
        key=f"grant:{row.id}",
        kind="budget_granted",
        currency=row.currency,
        legs=[ledger.Leg.debit(capital, amount), ledger.Leg.credit(wallet, amount)],
        effective_at=at,
        actor=by.pk,
        external_ref=row.purchase_order,
    )
    if row.subject_id is not None:
        allocate(
            organization=row.organization,
            subject_id=row.subject_id,
            amount=amount,
            by=by.pk,
            key=f"grant:{row.id}",
            at=at,
        )
    return _decide(row, "granted", "", by, at)


@transaction.atomic
def refuse_grant(*, grant: BudgetGrant, answer: str, by: User, at: datetime) -> BudgetGrant:
    """Say no, with an answer for whoever asked. Raises SamePerson."""
    row = _lock(grant, "refused")
    if row.asked_by == by.pk:
        raise SamePerson("Withdraw what you asked for; somebody else may refuse it.")
    return _decide(row, "refused", answer, by, at)


@transaction.atomic
def withdraw_grant(*, grant: BudgetGrant, by: User, at: datetime) -> BudgetGrant:
    """Take one's own request back."""
    row = _lock(grant, "withdrawn")
    if row.asked_by != by.pk:
        raise SamePerson("Only whoever asked for the budget can withdraw it.")
    return _decide(row, "withdrawn", "", by, at)


def propose_deposit(*, amount: Money, why: str, by: User, at: datetime) -> Proposal:
    """Say that the operator has put its own cash behind budgets; a second person confirms it."""
    if amount.minor <= 0:
        problem = {"field": "amount", "problem": "must be more than nothing"}
        raise InvalidInput("The deposit could not be proposed.", errors=[problem])
    terms = {"minor": amount.minor, "currency": amount.currency}
    return propose(kind="deposit_capital", subject_id=uuid7(), terms=terms, why=why, by=by, at=at)


@decides("deposit_capital")
def _book_deposit(proposal: Proposal, by: User, at: datetime) -> None:
    amount = Money(proposal.terms["minor"], proposal.terms["currency"])
    bank = account("platform_bank", currency=amount.currency)
    capital = account("operator_capital", currency=amount.currency)
    ledger.post(
        key=f"capital:{proposal.id}",
        kind="capital_deposited",
        currency=amount.currency,
        legs=[ledger.Leg.debit(bank, amount), ledger.Leg.credit(capital, amount)],
        effective_at=at,
        actor=by.pk,
    )


def _problems(
    amount: Money, cap: Money | None, purchase_order: str, cost_centre: str
) -> list[dict[str, str]]:
    found = []
    if amount.minor <= 0:
        found.append({"field": "amount", "problem": "must be more than nothing"})
    if cap is not None and cap < amount:
        found.append({"field": "cap", "problem": "must not be below the amount"})
    for field, value in (("purchase_order", purchase_order), ("cost_centre", cost_centre)):
        if not value.strip():
            found.append({"field": field, "problem": "is needed"})
    return found


def _require_in_house(organization: Organization, at: datetime) -> None:
    if billing_mode(organization, at=at) != "in_house":
        raise NotInHouse("This organisation pays in; budgets are for the operator's own.")


def _require_below_cap(grant: BudgetGrant) -> None:
    """The lowest cap ever named for the project binds every later grant."""
    if grant.subject_id is None:
        return
    # The organisation's row serialises rival grants of one project.
    Organization.objects.select_for_update(no_key=True).get(pk=grant.organization_id)
    given = BudgetGrant.objects.filter(
        subject_id=grant.subject_id, currency=grant.currency, state="granted"
    )
    caps = [cap for cap in given.values_list("cap_minor", flat=True) if cap is not None]
    caps += [grant.cap_minor] if grant.cap_minor is not None else []
    total = (given.aggregate(sum=Sum("amount_minor"))["sum"] or 0) + grant.amount_minor
    if caps and total > min(caps):
        cap, wanted = Money(min(caps), grant.currency), Money(total, grant.currency)
        raise AboveCap(f"Grants of this project would come to {wanted}; its cap is {cap}.")


def _lock(grant: BudgetGrant, target: str) -> BudgetGrant:
    rows = BudgetGrant.objects.select_for_update(of=("self",)).select_related("organization")
    row = rows.get(id=grant.id)
    require_transition(BudgetGrant.TRANSITIONS, row, target)
    return row


def _decide(row: BudgetGrant, state: str, answer: str, by: User, at: datetime) -> BudgetGrant:
    row.state, row.answer, row.decided_by, row.decided_at = state, answer[:500], by.pk, at
    row.save(update_fields=["state", "answer", "decided_by", "decided_at"])
    _record(f"grant.{state}", row, by, at)
    return row


def _record(kind: str, row: BudgetGrant, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="grant",
        object_id=row.id,
        actor=by.pk,
        organization=row.organization_id,
        project=row.subject_id,
        data={
            "minor": row.amount_minor,
            "currency": row.currency,
            "purchase_order": row.purchase_order,
            "cost_centre": row.cost_centre,
        },
    )
