"""An expert appeals a clawback; somebody new decides, and an overturn pays it back at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.money import Money
from marketplace.people.models import User
from payouts.models import Clawback, Earning, Proposal
from payouts.selectors.clawbacks import root_of
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.earning import credit_now
from payouts.services.proposing import SamePerson, decides, propose
from payouts.services.taking import lock_batch

AT_ONCE = timedelta(0)
KIND = "overturn_clawback"


class AppealOver(DomainError):
    """The time to appeal has passed, or the appeal was decided."""

    code = "appeal_over"
    status = 409


def appeal_clawback(*, clawback: Clawback, why: str, by: User, at: datetime) -> Proposal:
    """Ask for a second look, once, until the appeal clock ends; only the expert may.

    Raises NotFound for anybody else, AppealOver, and what `propose` raises.
    """
    row = Clawback.objects.select_related("earning__expert").get(pk=clawback.pk)
    if row.earning.expert.user_id != by.pk:
        raise NotFound("There is no such clawback of yours.")
    if row.appeal_until is None or at >= row.appeal_until:
        raise AppealOver("The time to appeal has passed.")
    if Proposal.objects.filter(kind=KIND, subject_id=row.pk).exclude(state="withdrawn").exists():
        raise AppealOver("You have appealed this already.")
    terms = {"minor": row.amount_minor, "currency": row.earning.currency}
    return propose(kind=KIND, subject_id=row.pk, terms=terms, why=why, by=by, at=at)


def _require_new(proposal: Proposal, by: User) -> None:
    row = Clawback.objects.get(pk=proposal.subject_id)
    if by.pk in (row.decided_by_id, row.proposed_by_id):
        raise SamePerson("Somebody who had no part in taking it back has to decide the appeal.")


@decides(KIND, only=_require_new)
def _overturn(proposal: Proposal, _by: User, at: datetime) -> None:
    row = Clawback.objects.select_related("earning__expert").get(pk=proposal.subject_id)
    _return_from_batch(row, row.earning, at)
    _pay_back(row, row.earning, at)


def _return_from_batch(row: Clawback, earning: Earning, at: datetime) -> None:
    """Give the project what a void gave to its batch, as long as the batch still has it.

    An open batch has promised no seat from it; a closing one has given it back or is about to.
    """
    batch = lock_batch(earning=earning)
    if batch is None or batch.state != "open" or earning.state != "voided":
        return
    amount = Money(row.amount_minor + row.fee_minor, earning.currency)
    ledger.post(
        key=f"release:{batch.id}:overturn:{row.pk}",
        kind="reservation_released",
        currency=amount.currency,
        legs=[ledger.Leg.debit(batch.reserved, amount), ledger.Leg.credit(batch.escrow, amount)],
        effective_at=at,
    )


def _pay_back(row: Clawback, earning: Earning, at: datetime) -> None:
    """From the project that got it back, or, if it has spent it since, at the operator's cost."""
    pay = Money(row.amount_minor, earning.currency)
    operator = account("platform_expense", currency=earning.currency)
    sources = [(operator, Money(0, pay.currency))]
    project = root_of(earning).escrow
    if project is not None:
        sources.insert(0, (project, Money(row.fee_minor, pay.currency)))
    for source, fee in sources:
        try:
            credit_now(
                key=f"overturn:{row.pk}",
                expert=earning.expert,
                pay=pay,
                fee=fee,
                source=source,
                pay_channel=earning.pay_channel,
                hold=AT_ONCE,
                at=at,
            )
        except ledger.InsufficientBalance:
            continue
        return
