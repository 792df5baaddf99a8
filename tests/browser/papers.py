"""Papers of every kind, for pages to show."""

from __future__ import annotations

from datetime import UTC, timedelta

from marketplace.kit.ids import uuid7
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import Document
from payouts.selectors.parties import Party
from payouts.services import invoicing, profiling
from payouts.services.monthly_papers import make_papers
from tests.make import NOON, usd

PARTY = Party(
    "Rechtsschutzversicherungsgesellschaft des Nordens SE & Co. KGaA",
    "Donaudampfschifffahrtsgesellschaftsstraße 1\n20095 Hamburg",
    "DE",
    "DE123456789",
    "PO-2026-000123",
)
MONTH = NOON.astimezone(UTC).date().replace(day=1)
LONG_AGO, AFTER = NOON - timedelta(days=20), NOON + timedelta(days=40)


def furnish(*, client: Organization) -> None:
    """A billing profile, an overdue invoice and one to pay, a credit note, a month's papers."""
    profiling.set_billing_profile(
        organization=client, party=PARTY, email="ap@example.org", by=uuid7(), at=NOON
    )
    owner = client.memberships.get(role="owner").user
    asked = [
        invoicing.ask_for_invoice(
            organization=client, amount=usd(1_234_567), key=str(at), by=owner.pk, at=at
        )
        for at in (LONG_AGO, NOON, NOON + timedelta(seconds=1))
    ]
    invoicing.void_invoice(invoice=asked[2], why="asked for twice", by=owner, at=NOON)
    make_papers(month=MONTH, at=AFTER)


def furnish_expert(*, expert: Expert) -> None:
    """Who the expert is, an agreement to notes, and the month's papers."""
    profiling.set_payee_profile(expert=expert, party=PARTY, at=NOON)
    profiling.agree_to_notes(expert=expert, at=LONG_AGO)
    make_papers(month=MONTH, at=AFTER)


def of_client(client: Organization, kind: str) -> Document:
    """The client's newest paper of that kind."""
    return Document.objects.filter(organization=client, kind=kind).order_by("pk").latest("pk")


def of_expert(expert: Expert, kind: str) -> Document:
    """The expert's newest paper of that kind."""
    return Document.objects.filter(expert=expert, kind=kind).order_by("pk").latest("pk")
