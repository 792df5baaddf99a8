"""What finance knows of a payout that nothing here could learn; a second person decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from marketplace.kit.errors import InvalidInput, NotFound
from marketplace.kit.money import Money, NotAnAmount, parse
from marketplace.people.models import User
from payouts.models import Payout, PayoutAttempt, Proposal
from payouts.selectors.runs import BANK_ANSWERS_WITHIN
from payouts.services.adopting import propose_adoption
from payouts.services.bank_answers import propose_paid, propose_return, propose_unpaid
from payouts.services.holding import PAID_LATE


@dataclass(frozen=True, slots=True)
class Answer:
    """A button with its dialog: what is said, what it does, and what has to be filled in."""

    act: str
    label: str
    icon: str
    words: str
    why: str
    asks: tuple[str, ...] = ()


ADOPT = Answer(
    "adopt",
    "Adopt as seen",
    "check",
    "Stripe is asked what it really sent. When another person agrees, that is booked: what is "
    "missing goes back to the expert's balance, what is too much is owed by the expert.",
    "What you looked at",
)
PAID = Answer(
    "bank-paid",
    "The bank paid it",
    "check",
    "When another person agrees, the payment counts as made and arrived. Nothing more is sent.",
    "Where you saw it",
    ("bank_reference",),
)
NOT_PAID = Answer(
    "bank-unpaid",
    "The bank did not pay it",
    "x",
    "Look at every statement since the file was sent. When another person agrees, the payment is "
    "rejected: it can go into the next file, or back to the expert's balance.",
    "What you looked at",
)
CAME_BACK = Answer(
    "came-back",
    "It came back",
    "undo-2",
    "When another person agrees, the expert is owed the whole amount again, what the banks kept "
    "is our cost, and nothing more is paid to this account until the expert gives one anew.",
    "The bank's reason; the expert reads it",
    ("received", "bank_reference"),
)
Act = Callable[[HttpRequest, Payout, User, datetime], object]


def answers_of(
    payout: Payout, attempts: Sequence[PayoutAttempt], waiting: Sequence[Proposal], *, at: datetime
) -> list[Answer]:
    """What may be said of a payout now; nothing while something waits for a second person."""
    if waiting:
        return []
    if payout.run.rail == "stripe":
        return [ADOPT] if _adoptable(payout, attempts) else []
    if payout.state in ("transferred", "paid"):
        return [CAME_BACK]
    silent = [each for each in attempts if each.state == "unknown"]
    is_late = any(at - (each.first_sent_at or at) >= BANK_ANSWERS_WITHIN for each in silent)
    paid = [PAID] if silent or _paid_late(payout, attempts) else []
    return [*paid, NOT_PAID] if is_late else paid


def _adopt(request: HttpRequest, payout: Payout, by: User, at: datetime) -> object:
    found = _adoptable(payout, list(payout.attempts.order_by("-number")))
    return propose_adoption(attempt=_first(found), why=_why(request), by=by, at=at)


def _paid(request: HttpRequest, payout: Payout, by: User, at: datetime) -> object:
    attempts = list(payout.attempts.order_by("-number"))
    silent = [each for each in attempts if each.state == "unknown"]
    return propose_paid(
        attempt=_first(silent or _paid_late(payout, attempts)),
        bank_reference=request.POST.get("bank_reference", ""),
        why=_why(request),
        by=by,
        at=at,
    )


def _not_paid(request: HttpRequest, payout: Payout, by: User, at: datetime) -> object:
    silent = list(payout.attempts.filter(state="unknown").order_by("-number"))
    return propose_unpaid(attempt=_first(silent), why=_why(request), by=by, at=at)


def _came_back(request: HttpRequest, payout: Payout, by: User, at: datetime) -> object:
    return propose_return(
        payout=payout,
        received=_amount(request.POST.get("received", ""), payout.currency),
        bank_reference=request.POST.get("bank_reference", ""),
        why=_why(request),
        by=by,
        at=at,
    )


ANSWERS: dict[str, Act] = {
    "adopt": _adopt,
    "bank-paid": _paid,
    "bank-unpaid": _not_paid,
    "came-back": _came_back,
}


def _adoptable(payout: Payout, attempts: Sequence[PayoutAttempt]) -> list[PayoutAttempt]:
    """Tries that Stripe may show another transfer of: frozen ones, and those paid late."""
    frozen = [each for each in attempts if each.state == "unknown" and each.is_frozen]
    return frozen or _paid_late(payout, attempts)


def _paid_late(payout: Payout, attempts: Sequence[PayoutAttempt]) -> list[PayoutAttempt]:
    if payout.state != "held" or payout.why != PAID_LATE:
        return []
    return [each for each in attempts if each.state == "rejected" and each.first_sent_at]


def _first(found: Sequence[PayoutAttempt]) -> PayoutAttempt:
    if not found:
        raise NotFound("No try of this payout waits for that.")
    return found[0]


def _why(request: HttpRequest) -> str:
    return request.POST.get("why", "").strip()


def _amount(text: str, currency: str) -> Money:
    try:
        return parse(text.strip(), currency)
    except NotAnAmount as error:
        problem = {"field": "received", "problem": str(error)}
        raise InvalidInput(f"What came back: {error}", errors=[problem]) from error
