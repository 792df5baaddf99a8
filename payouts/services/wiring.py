"""Bank transfers of clients: one person enters what the bank shows, another confirms it."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.organizations.models import Organization
from marketplace.people.models import User
from payouts.gateways.chosen import gateway
from payouts.models import Funding
from payouts.services.arriving import LARGEST_AMOUNT, credit_funding, require_amount
from payouts.services.proposing import SamePerson


class WireKnown(DomainError):
    """A transfer with this bank reference was entered before."""

    code = "wire_known"
    status = 409


class NotAWire(DomainError):
    """Only a bank transfer that waits for its second person can be confirmed or withdrawn."""

    code = "not_a_wire"
    status = 409


@transaction.atomic
def enter_wire(
    *, organization: Organization, amount: Money, reference: str, by: User, at: datetime
) -> Funding:
    """Write down a transfer that the operator's bank shows. Nothing is credited yet.

    `reference` is the bank's own, as on its statement. Raises WireKnown, InvalidInput.
    """
    require_amount(amount=amount, most=LARGEST_AMOUNT)
    ours = " ".join(reference.split()).upper()
    if not 4 <= len(ours) <= 100:
        problem = {"field": "reference", "problem": "needs 4 to 100 characters"}
        raise InvalidInput("Copy the reference from the bank's statement.", errors=[problem])
    try:
        with transaction.atomic():
            row = Funding.objects.create(
                organization=organization,
                method="wire",
                reference=ours,
                currency=amount.currency,
                amount_minor=amount.minor,
                state="paying",
                asked_by=by.pk,
                livemode=gateway().is_live,
                created_at=at,
            )
    except IntegrityError as error:
        if "a_wire_is_entered_once" not in str(error):
            raise
        raise WireKnown(f"A transfer with the reference {ours} was entered before.") from error
    _note("wire.entered", row, by, at)
    return row


@transaction.atomic
def confirm_wire(*, wire: Funding, by: User, at: datetime) -> Funding:
    """Credit the wallet with a transfer that somebody else entered. Raises SamePerson, NotAWire."""
    row = _lock(wire, "paid")
    if row.asked_by == by.pk:
        raise SamePerson("Somebody else has to confirm the transfer you entered.")
    row.confirmed_by = by.pk
    row.save(update_fields=["confirmed_by"])
    credit_funding(funding=row, received=Money(row.amount_minor, row.currency), at=at)
    _note("wire.confirmed", row, by, at)
    return row


@transaction.atomic
def withdraw_wire(*, wire: Funding, by: User, at: datetime) -> Funding:
    """Take back what was entered by mistake, before it is confirmed. Its reference is free again.

    Raises NotAWire.
    """
    row = _lock(wire, "failed")
    row.state = "failed"
    row.save(update_fields=["state"])
    _note("wire.withdrawn", row, by, at)
    return row


def _lock(wire: Funding, target: str) -> Funding:
    rows = Funding.objects.select_for_update(of=("self",)).select_related("organization")
    row = rows.get(id=wire.id)
    if row.method != "wire" or row.state != "paying":
        raise NotAWire("This transfer was confirmed or withdrawn before.")
    require_transition(Funding.TRANSITIONS, row, target)
    return row


def _note(kind: str, row: Funding, by: User, at: datetime) -> None:
    record(
        kind,
        at=at,
        object_kind="funding",
        object_id=row.id,
        actor=by.pk,
        organization=row.organization_id,
        data={"minor": row.amount_minor, "currency": row.currency, "reference": row.reference},
    )
