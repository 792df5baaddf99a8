"""The operator's bank exchanges money: two postings, one per currency, linked (MONEY 3, 13)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money
from marketplace.kit.rates import Rate
from marketplace.people.models import User
from payouts.models import Posting, Proposal
from payouts.selectors.exchanges import KIND, is_usual, last_rate, rate_of, sides_of
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.services.arriving import LARGEST_AMOUNT
from payouts.services.proposing import decides, propose

# An exchange is known by the bank's own reference, so that it stands in the books once.
_EXCHANGES = UUID("6f1d2d0e-5f0b-4f5e-9a53-2c7f4a1f6c11")


class UnusualRate(DomainError):
    """The rate is more than ten percent off the last one; somebody has to look twice."""

    code = "unusual_rate"
    status = 409


class ExchangeKnown(DomainError):
    """An exchange with this bank reference is in the books."""

    code = "exchange_known"
    status = 409


def propose_exchange(
    *, sold: Money, bought: Money, reference: str, why: str, by: User, at: datetime
) -> Proposal:
    """Say what the operator's bank took and gave; a second person of finance confirms it.

    Both amounts and `reference` as on the bank's statement. Raises UnusualRate more than ten
    percent off the last rate, ExchangeKnown, AlreadyProposed, InvalidInput.
    """
    rate = _read(sold, bought)
    last = last_rate(sold=sold.currency, bought=bought.currency)
    if not is_usual(rate, last):
        raise UnusualRate(f"{rate} is more than 10 % off the last rate, {last}.")
    return _propose(rate, reference, why, by, at)


def propose_unusual_exchange(
    *, sold: Money, bought: Money, reference: str, why: str, by: User, at: datetime
) -> Proposal:
    """`propose_exchange` at any rate, for somebody who has compared both amounts once more."""
    return _propose(_read(sold, bought), reference, why, by, at)


def _read(sold: Money, bought: Money) -> Rate:
    problems = [
        {"field": field, "problem": problem}
        for field, amount in (("sold", sold), ("bought", bought))
        for problem in _problems(amount)
    ]
    if sold.currency == bought.currency:
        problems.append({"field": "bought", "problem": f"is in {sold.currency}, too"})
    if problems:
        raise InvalidInput("This is no exchange.", errors=problems)
    return Rate(sold=sold, bought=bought)


def _problems(amount: Money) -> list[str]:
    if amount.minor <= 0:
        return ["must be more than nothing"]
    most = Money(LARGEST_AMOUNT, amount.currency)
    return [f"can be at most {most}"] if amount > most else []


def _propose(rate: Rate, reference: str, why: str, by: User, at: datetime) -> Proposal:
    ours = " ".join(reference.split()).upper()
    if not 4 <= len(ours) <= 100:
        problem = {"field": "reference", "problem": "needs 4 to 100 characters"}
        raise InvalidInput("Copy the reference from the bank's statement.", errors=[problem])
    exchange_id = uuid5(_EXCHANGES, ours)
    if sides_of(Posting.objects.all(), refs=[f"fx:{exchange_id}"]).exists():
        raise ExchangeKnown(f"An exchange with the reference {ours} is in the books.")
    last = last_rate(sold=rate.sold.currency, bought=rate.bought.currency)
    terms = {
        "sold_minor": rate.sold.minor,
        "sold_currency": rate.sold.currency,
        "bought_minor": rate.bought.minor,
        "bought_currency": rate.bought.currency,
        "reference": ours,
        "permille_off": rate.permille_off(last) if last else None,
    }
    return propose(kind=KIND, subject_id=exchange_id, terms=terms, why=why, by=by, at=at)


@decides(KIND)
def _book(proposal: Proposal, by: User, at: datetime) -> None:
    exchange_id, rate = proposal.subject_id, rate_of(proposal)
    # Both at once: the accounts of both currencies are locked in one order.
    written = ledger.post_many(
        drafts=[
            _side(exchange_id, "sold", rate.sold, ("fx", "platform_bank"), by, at),
            _side(exchange_id, "bought", rate.bought, ("platform_bank", "fx"), by, at),
        ]
    )
    if not all(posting.is_new for posting in written):
        raise ExchangeKnown("An exchange with this reference is in the books.")
    record(
        "currency.exchanged",
        at=at,
        object_kind="exchange",
        object_id=exchange_id,
        actor=by.pk,
        data=dict(proposal.terms),
    )


def _side(
    exchange_id: UUID, side: str, amount: Money, kinds: tuple[str, str], by: User, at: datetime
) -> tuple[Posting, list[ledger.Leg]]:
    debited, credited = (account(kind, currency=amount.currency) for kind in kinds)
    posting = Posting(
        key=f"fx:{exchange_id}:{side}",
        kind=f"fx_{side}",
        currency=amount.currency,
        effective_at=at,
        actor=by.pk,
        external_ref=f"fx:{exchange_id}",
    )
    return posting, [ledger.Leg.debit(debited, amount), ledger.Leg.credit(credited, amount)]
