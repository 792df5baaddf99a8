"""What the operator's bank exchanged: one booked, one that waits."""

from __future__ import annotations

from marketplace.kit.money import Money
from marketplace.people.models import User
from payouts.services import proposing
from payouts.services.exchanging import propose_exchange, propose_unusual_exchange
from tests.make import NOON, usd


def furnish(*, maker: User, checker: User) -> None:
    """Dollars sold for yen at a usual rate, and yen sold at one that is far off."""
    row = propose_exchange(
        sold=usd(123_456_789),
        bought=Money(184_598_763, "JPY"),
        reference="FX 2026-0077-Rechtsschutzversicherung",
        why="Experts in Japan are paid in yen.",
        by=maker,
        at=NOON,
    )
    proposing.approve(proposal=row, by=checker, at=NOON)
    propose_unusual_exchange(
        sold=Money(1_000_000, "JPY"),
        bought=usd(999_999),
        reference="FX 2026-0078",
        why="The project in yen has ended.",
        by=maker,
        at=NOON,
    )
