"""A client's payments in every state: paid, under way, contested, going back, and a wire."""

from __future__ import annotations

from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.models import Funding, Refund
from payouts.services import refunding, sandboxing, wiring
from tests.make import NOON, usd
from tests.payouts import make as money

LONG_REFERENCE = "SEPA-INSTANT-2026-11-20-RECHTSSCHUTZVERSICHERUNGSGESELLSCHAFT-000123"


def furnish(*, client: Organization, by: User) -> None:
    """Two card payments, one contested; a bank debit under way; refunds; a wire to confirm."""
    kept, contested = (money.paid_funding(client, usd(minor)) for minor in (1_250_000, 98_765))
    press("open_chargeback", str(contested.charge_id))
    warned = money.paid_funding(client, usd(4_200))
    press("warn_of_chargeback", str(warned.charge_id))
    assert kept.flag == ""
    sent = ask(client, 30_000)
    refunding.approve_refund(refund=sent, by=by, at=NOON)
    money.drain()
    ask(client, 12_345)
    refused = ask(client, 777)
    refunding.refuse_refund(
        refund=refused, answer="Please return the budget first.", by=by, at=NOON
    )
    row = money.start_funding(client, usd(50_000))
    sandboxing.act_on_checkout(session_id=str(row.session_id), act="debit")
    money.drain()
    money.start_funding(client, usd(60_000))
    entered(client, by)


def unpaid(client: Organization) -> Funding:
    """The payment whose page is still open."""
    return Funding.objects.filter(organization=client, state="paying").exclude(url="").latest("pk")


def entered(client: Organization, by: User) -> Funding:
    """A bank transfer that waits for its second person."""
    return wiring.enter_wire(
        organization=client, amount=usd(9_999_999), reference=LONG_REFERENCE, by=by, at=NOON
    )


def ask(client: Organization, minor: int) -> Refund:
    """Free money asked back by somebody of the client."""
    return refunding.request_refund(
        refund_id=uuid7(),
        organization=client,
        amount=usd(minor),
        why="The second half of the project was cancelled",
        by=uuid7(),
        at=NOON,
    )


def press(button: str, object_id: str) -> None:
    """Let it happen at the sandbox, and its messages arrive."""
    sandboxing.press(button=button, object_id=object_id, by=uuid7(), at=NOON)
    money.drain()
