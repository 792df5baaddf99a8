"""What an expert owes back is netted from later pay, or written off by two people (MONEY 10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from marketplace.events.services.recording import JSON, record
from marketplace.kit.errors import DomainError
from marketplace.kit.ids import uuid7
from marketplace.kit.money import Money
from marketplace.people.models import Expert, User
from payouts.models import Account, Earning, Netting, Proposal
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.proposing import SamePerson, decides, propose


class OwesLess(DomainError):
    """The expert owes less than is to be written off."""

    code = "owes_less"
    status = 409


@transaction.atomic
def settle_debt(*, expert: Expert, currency: str, at: datetime) -> Money:
    """Take what the expert owes from available pay, oldest first; how much was taken.

    Nothing is taken from an employee's pay: that is between the employer and its people.
    """
    if not _owed(expert, currency):
        return Money(0, currency)
    rows = lock_available(expert=expert, currency=currency)
    return net(expert=expert, currency=currency, earnings=rows, at=at)


def settle_debts(*, at: datetime) -> int:
    """Settle every debt whose expert has available pay; how many. A sequence, repeat it freely."""
    owing = Account.objects.filter(
        kind="expert_receivable", debits_minor__gt=F("credits_minor")
    ).select_related("expert")
    settled = 0
    for row in list(owing.order_by("id")):
        assert row.expert is not None  # constraint account_owner_fits_kind
        with transaction.atomic(durable=True):
            settled += bool(settle_debt(expert=row.expert, currency=row.currency, at=at))
    return settled


def lock_available(*, expert: Expert, currency: str, besides: UUID | None = None) -> list[Earning]:
    """The expert's available earnings with something left, locked in the order of their ids.

    `besides` is one that is locked with them, whatever its state: two goes could deadlock.
    """
    available = Q(
        expert=expert,
        currency=currency,
        state="available",
        pay_channel="stripe",
        payable_minor__gt=0,
    )
    rows = Earning.objects.select_for_update(no_key=True).filter(available | Q(pk=besides))
    return list(rows.order_by("id"))


def net(*, expert: Expert, currency: str, earnings: Sequence[Earning], at: datetime) -> Money:
    """Pay what is owed from these locked earnings, oldest first; how much.

    Earnings come before accounts in every lock order, so the caller locks them first.
    """
    debt = account("expert_receivable", currency=currency, expert=expert)
    available = account("expert_available", currency=currency, expert=expert)
    owed = ledger.lock_accounts(account_ids=[debt.id, available.id])[debt.id].balance_minor
    rest, parts = owed, list[tuple[Earning, int]]()
    for earning in sorted(earnings, key=lambda row: (row.earned_at, row.id)):
        part = min(rest, earning.payable_minor)
        if part:
            parts.append((earning, part))
            rest -= part
    taken = Money(owed - rest, currency)
    if not taken:
        return taken
    _post_netting(expert, debt, available, parts, taken, at)
    return taken


def propose_write_off(
    *, expert: Expert, amount: Money, why: str, by: User, at: datetime
) -> Proposal:
    """Ask a second person to give up what an expert owes, at the operator's cost.

    Raises OwesLess, and what `propose` raises.
    """
    debt = account("expert_receivable", currency=amount.currency, expert=expert)
    _require_owed(debt, amount)
    terms = {"minor": amount.minor, "currency": amount.currency, "expert": str(expert.pk)}
    return propose(kind="write_off", subject_id=debt.id, terms=terms, why=why, by=by, at=at)


@decides("write_off")
def _write_off(proposal: Proposal, by: User, at: datetime) -> None:
    amount = Money(proposal.terms["minor"], proposal.terms["currency"])
    debt = Account.objects.select_related("expert").get(id=proposal.subject_id)
    assert debt.expert is not None  # constraint account_owner_fits_kind
    if by.pk == debt.expert.user_id:
        raise SamePerson("Somebody else has to decide about your own debt.")
    expense = account("platform_expense", currency=amount.currency)
    locked = ledger.lock_accounts(account_ids=[debt.id, expense.id])
    _require_owed(locked[debt.id], amount)
    ledger.post(
        key=f"write_off:{proposal.id}",
        kind="debt_written_off",
        currency=amount.currency,
        legs=[ledger.Leg.debit(expense, amount), ledger.Leg.credit(debt, amount)],
        effective_at=at,
        actor=by.pk,
    )
    _record("debt.written_off", debt.expert, amount, at, actor=by.pk)


def _owed(expert: Expert, currency: str) -> int:
    rows = Account.objects.filter(kind="expert_receivable", expert=expert, currency=currency)
    return sum(
        debit - credit for debit, credit in rows.values_list("debits_minor", "credits_minor")
    )


def _require_owed(debt: Account, amount: Money) -> None:
    if not 0 < amount.minor <= debt.balance_minor:
        present = Money(debt.balance_minor, debt.currency)
        raise OwesLess(f"{present} is owed; {amount} cannot be written off.")


def _post_netting(
    expert: Expert,
    debt: Account,
    available: Account,
    parts: Sequence[tuple[Earning, int]],
    taken: Money,
    at: datetime,
) -> None:
    posting = ledger.post(
        key=f"net:{uuid7()}",
        kind="debt_netted",
        currency=taken.currency,
        legs=[ledger.Leg.debit(available, taken), ledger.Leg.credit(debt, taken)],
        effective_at=at,
    )
    for earning, part in parts:
        earning.netted_minor += part
        earning.save(update_fields=["netted_minor"])
    Netting.objects.bulk_create(
        Netting(earning=earning, posting=posting, amount_minor=part, at=at)
        for earning, part in parts
    )
    _record("debt.netted", expert, taken, at, posting=str(posting.id))


def _record(kind: str, expert: Expert, amount: Money, at: datetime, **data: JSON) -> None:
    record(
        kind,
        at=at,
        object_kind="expert",
        object_id=expert.pk,
        expert=expert.pk,
        data={"minor": amount.minor, "currency": amount.currency, **data},
    )
