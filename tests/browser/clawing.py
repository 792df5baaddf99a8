"""Something taken back and something proposed, for pages to show."""

from __future__ import annotations

from marketplace.people.models import Expert
from payouts.models import Clawback, Earning
from payouts.services.clawing_back import make_clawback, propose_clawback
from tests.make import NOON
from tests.payouts import make as money

MESSAGE = (
    "Forty of your answers repeat, word for word and with the same typing errors, what another "
    "account sent from the same address an hour before."
)


def furnish() -> None:
    """One clawback that waits, one that was made."""
    proposed(money.available(money.expert(), 123_456))
    taken(money.expert())


def taken(who: Expert) -> Clawback:
    """A part of what somebody had earned, taken back."""
    return make_clawback(clawback=proposed(money.available(who, 123_456)), by=money.user(), at=NOON)


def proposed(earning: Earning) -> Clawback:
    """Half of an earning, on its way back."""
    return propose_clawback(
        earning=earning,
        amount=money.usd(earning.pay_minor // 2),
        reason="proven_fraud",
        message=MESSAGE,
        evidence=["Submissions 12 to 51 equal those of another account, sha256 by sha256."],
        by=money.user("Quinn Quality-Rechtsschutzversicherung"),
        at=NOON,
    )
