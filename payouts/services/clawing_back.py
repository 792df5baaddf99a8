"""Taking earned money back: proven fraud or a payment error, one proposes, another decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, Forbidden, InvalidInput
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.people.models import Expert, User
from marketplace.people.services.deciding import Reason, Subject, record_adverse_decision
from payouts.models import CLAWBACK_REASONS, Clawback, Earning
from payouts.selectors.clawbacks import fee_share, left_of
from payouts.services.debts import lock_available, net
from payouts.services.proposing import AlreadyProposed, SamePerson
from payouts.services.taking import lock_batch, take

APPEAL_FOR = timedelta(days=30)
SHORTEST_MESSAGE = 50


class NothingLeft(DomainError):
    """The earning holds less than is to be taken back."""

    code = "nothing_left"
    status = 409


class OnItsWay(DomainError):
    """The earning is inside a payout that has not been sent yet."""

    code = "on_its_way"
    status = 409


class NotYetPosted(DomainError):
    """A part of an earning waits for the round that posts it, a few seconds."""

    code = "not_yet_posted"
    status = 409


@transaction.atomic
def propose_clawback(
    *,
    earning: Earning,
    amount: Money,
    reason: str,
    message: str,
    evidence: Sequence[str],
    by: User,
    at: datetime,
) -> Clawback:
    """Ask finance to take `amount` of an earning back. Nothing moves yet.

    `reason` is one of CLAWBACK_REASONS, never taste; `message` is what the expert will read.
    Raises InvalidInput with every problem, NothingLeft, AlreadyProposed, Forbidden on one's own.
    """
    row = Earning.objects.select_for_update(of=("self",), no_key=True)
    locked = row.select_related("expert").get(pk=earning.pk)
    _require_stranger(locked.expert, by)
    facts = [fact.strip() for fact in evidence if fact.strip()]
    _require_reasons(reason, message, facts)
    _require_left(locked, amount)
    if locked.clawbacks.filter(state="proposed").exists():
        raise AlreadyProposed("Taking this money back already waits for a decision.")
    made = Clawback.objects.create(
        earning=locked,
        amount_minor=amount.minor,
        reason=reason,
        message=message.strip(),
        evidence=facts,
        proposed_by=by,
        proposed_at=at,
    )
    _record("clawback.proposed", made, by, at)
    return made


@transaction.atomic
def make_clawback(*, clawback: Clawback, by: User, at: datetime) -> Clawback:
    """Decide for a clawback: take the money from where it is now, and tell the expert why.

    In hold or available it is taken there; once paid it is owed, and netted from what is available
    at once; its employer gives it back where the employer has paid it. The client gets it back
    with its share of the fee. Raises SamePerson, NothingLeft, OnItsWay while a payout holds it,
    NotYetPosted for a part that no round has posted, and what `take` raises.
    """
    row = _lock(clawback, "made")
    _require_other(row, by)
    expert, currency = row.earning.expert, row.earning.currency
    batch = lock_batch(earning=row.earning)
    locked = lock_available(expert=expert, currency=currency, besides=row.earning_id)
    earning = next(each for each in locked if each.pk == row.earning_id)
    amount = Money(row.amount_minor, currency)
    _require_takeable(earning, amount)
    row.fee_minor = fee_share(earning, amount).minor
    row.owed_minor = take(clawback=row, earning=earning, batch=batch, by=by, at=at).minor
    row.state, row.decided_by, row.decided_at = "made", by, at
    row.appeal_until = at + APPEAL_FOR
    row.save(
        update_fields=[
            "fee_minor",
            "owed_minor",
            "state",
            "decided_by",
            "decided_at",
            "appeal_until",
        ]
    )
    _tell(row, expert, by, at)
    rest = [each for each in locked if each is not earning]
    net(expert=expert, currency=currency, earnings=rest, at=at)
    return row


@transaction.atomic
def refuse_clawback(*, clawback: Clawback, answer: str, by: User, at: datetime) -> Clawback:
    """Decide against a clawback: the earning stays as it is. Raises SamePerson, InvalidInput."""
    row = _lock(clawback, "refused")
    _require_other(row, by)
    if not answer.strip():
        problem = {"field": "answer", "problem": "is needed"}
        raise InvalidInput("Say why not, to whoever proposed it.", errors=[problem])
    row.state, row.decided_by, row.decided_at = "refused", by, at
    row.answer = answer.strip()[:500]
    row.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    _record("clawback.refused", row, by, at)
    return row


def _lock(clawback: Clawback, target: str) -> Clawback:
    rows = Clawback.objects.select_for_update(of=("self",)).select_related("earning__expert")
    row = rows.get(pk=clawback.pk)
    require_transition(Clawback.TRANSITIONS, row, target)
    return row


def _require_stranger(expert: Expert, by: User) -> None:
    if expert.user_id == by.pk:
        raise Forbidden("Somebody else has to decide about your own money.")


def _require_other(row: Clawback, by: User) -> None:
    _require_stranger(row.earning.expert, by)
    if row.proposed_by_id == by.pk:
        raise SamePerson("Somebody else has to decide about what you proposed.")


def _require_reasons(reason: str, message: str, facts: Sequence[str]) -> None:
    problems = []
    if reason not in CLAWBACK_REASONS:
        problems.append({"field": "reason", "problem": "must be fraud or a payment error"})
    missing = SHORTEST_MESSAGE - len(message.strip())
    if missing > 0:
        problems.append({"field": "message", "problem": f"needs {missing} more characters"})
    if not facts:
        problems.append({"field": "evidence", "problem": "names at least one fact"})
    if problems:
        raise InvalidInput("The clawback could not be proposed.", errors=problems)


def _require_left(earning: Earning, amount: Money) -> None:
    left = left_of(earning)
    if earning.key.startswith("reversal:"):
        raise NothingLeft("A transfer that came back is no work; take back the work itself.")
    if not 0 < amount.minor <= left.minor:
        raise NothingLeft(f"This earning has {left} left; {amount} cannot be taken back.")


def _require_takeable(earning: Earning, amount: Money) -> None:
    if earning.state == "reserved":
        raise OnItsWay(
            "A payout holds this money. Cancel the payout first, or decide once it is sent: "
            "then the expert owes it."
        )
    _require_left(earning, amount)
    if earning.posting_id is None and amount.minor < earning.pay_minor:
        raise NotYetPosted("This earning is about to be posted. Try again in a few seconds.")


def _tell(row: Clawback, expert: Expert, by: User, at: datetime) -> None:
    record_adverse_decision(
        kind="clawback.made",
        subject=Subject("clawback", row.pk, expert),
        reason=Reason(code=row.reason, message=row.message, evidence=row.evidence),
        decided_by=by,
        proposed_by=row.proposed_by,
        at=at,
        appeal_for=APPEAL_FOR,
    )
    _record("clawback.made", row, by, at)


def _record(kind: str, row: Clawback, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="clawback",
        object_id=row.pk,
        actor=by.pk,
        expert=row.earning.expert_id,
        data={
            "earning": str(row.earning_id),
            "minor": row.amount_minor,
            "owed": row.owed_minor,
            "currency": row.earning.currency,
            "reason": row.reason,
        },
    )
