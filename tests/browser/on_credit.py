"""A client who pays afterwards: something owed, an overdue invoice and one that is open."""

from __future__ import annotations

from datetime import timedelta

from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from payouts.models import BillingTerms
from payouts.services import lending
from tests import make
from tests.make import NOON, usd

DAY = timedelta(days=1)


def debtor() -> Organization:
    """A client with a project, a limit of 50,000 USD, and invoices in both states."""
    client = make.organization()
    BillingTerms.objects.create(
        organization=client,
        mode="post_paid",
        currency="USD",
        limit_minor=5_000_000,
        net_days=30,
        effective_at=NOON - 60 * DAY,
        made_by=uuid7(),
        approved_by=uuid7(),
    )
    draw(client, 123_456, days=40)
    draw(client, 222_221, days=20)
    make.project(client=client)
    return client


def draw(client: Organization, wanted: int, *, days: int) -> None:
    """Bring the wallet up to `wanted` so many days ago, and be asked for it."""
    at = NOON - days * DAY
    lending.draw_credit(organization=client, wanted=usd(wanted), key=f"draw-{days}", by=None, at=at)
    lending.invoice_credit(at=at)
