"""What papers say about a client or an expert: they state it themselves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.countries import COUNTRIES
from marketplace.kit.errors import InvalidInput
from marketplace.organizations.models import Organization
from marketplace.people.models import Expert
from payouts.models import BillingProfile, PayeeProfile
from payouts.selectors.parties import Party
from payouts.selectors.vat import compact, may_be_of


@transaction.atomic
def set_billing_profile(
    *, organization: Organization, party: Party, email: str, by: UUID, at: datetime
) -> BillingProfile:
    """State who the client is on papers made from now on. Raises InvalidInput."""
    _require_complete(party)
    row, _ = BillingProfile.objects.update_or_create(
        organization=organization,
        defaults={
            "legal_name": party.name.strip(),
            "address": party.address.strip(),
            "country": party.country,
            "vat_number": compact(party.vat_number),
            "purchase_order": party.reference.strip(),
            "email": email,
            "changed_at": at,
        },
    )
    record(
        "billing_profile.changed",
        at=at,
        object_kind="organization",
        object_id=organization.pk,
        actor=by,
        organization=organization.pk,
    )
    return row


@transaction.atomic
def set_payee_profile(*, expert: Expert, party: Party, at: datetime) -> PayeeProfile:
    """State who the expert is on notes made from now on. Raises InvalidInput."""
    _require_complete(party)
    row, _ = PayeeProfile.objects.update_or_create(
        expert=expert,
        defaults={
            "legal_name": party.name.strip(),
            "address": party.address.strip(),
            "country": party.country,
            "vat_number": compact(party.vat_number),
            "changed_at": at,
        },
    )
    _note("payee_profile.changed", expert, at)
    return row


@transaction.atomic
def agree_to_notes(*, expert: Expert, at: datetime) -> PayeeProfile:
    """The expert lets the operator write self-billing notes for payouts from now on.

    Raises InvalidInput while the profile is not filled in.
    """
    row = _own(expert)
    if row.agreed_to_notes_at is None:
        row.agreed_to_notes_at = at
        row.save(update_fields=["agreed_to_notes_at"])
        _note("self_billing.agreed", expert, at)
    return row


@transaction.atomic
def end_agreement_to_notes(*, expert: Expert, at: datetime) -> PayeeProfile:
    """No more self-billing notes; those that were made stand."""
    row = _own(expert)
    if row.agreed_to_notes_at is not None:
        row.agreed_to_notes_at = None
        row.save(update_fields=["agreed_to_notes_at"])
        _note("self_billing.ended", expert, at)
    return row


def _own(expert: Expert) -> PayeeProfile:
    rows = PayeeProfile.objects.select_for_update().filter(expert=expert)
    row = rows.order_by("pk").first()
    if row is None:
        problem = {"field": "legal_name", "problem": "Save your name and address first."}
        raise InvalidInput("Save your name and address first.", errors=[problem])
    return row


def _require_complete(party: Party) -> None:
    said = {"legal_name": party.name, "address": party.address}
    problems = [
        {"field": name, "problem": "This has to be on every paper."}
        for name, value in said.items()
        if not value.strip()
    ]
    if party.country not in COUNTRIES:
        problems.append({"field": "country", "problem": "Choose a country."})
    if party.vat_number and not may_be_of(party.vat_number, country=party.country):
        words = "This is no VAT number of the country; leave it empty if there is none."
        problems.append({"field": "vat_number", "problem": words})
    if problems:
        raise InvalidInput("Something is missing or wrong.", errors=problems)


def _note(kind: str, expert: Expert, at: datetime) -> None:
    record(kind, at=at, object_kind="expert", object_id=expert.pk, expert=expert.pk)
