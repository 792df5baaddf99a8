"""Who a paper is from and to, as it says so: the operator, a client, an expert."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.conf import settings

from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import BillingProfile, PayeeProfile


@dataclass(frozen=True, slots=True)
class Party:
    """Name, address, country (two letters, or empty) and VAT number, as the party states them."""

    name: str
    address: str = ""
    country: str = ""
    vat_number: str = ""
    reference: str = ""

    def on_paper(self) -> dict[str, str]:
        """What a paper keeps; empty lines are left out."""
        return {name: value for name, value in asdict(self).items() if value}


def the_operator() -> Party:
    """Whoever runs this instance, from the environment."""
    said = settings.OPERATOR
    return Party(said["legal_name"], said["address"], said["country"], said["vat_number"])


def client_party(organization: Organization) -> Party:
    """The client by its billing profile; without one, by its name alone."""
    row = BillingProfile.objects.filter(organization=organization).order_by("pk").first()
    if row is None:
        return Party(organization.name)
    return Party(row.legal_name, row.address, row.country, row.vat_number, row.purchase_order)


def expert_party(expert: Expert) -> Party:
    """The expert by the payee profile; without one, by name and country."""
    row = PayeeProfile.objects.filter(expert=expert).order_by("pk").first()
    if row is None:
        return Party(expert.display_name, country=expert.country)
    return Party(row.legal_name, row.address, row.country, row.vat_number)
