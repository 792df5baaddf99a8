"""A client gives up a payment page before anybody has paid on it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError
from payouts.gateways.chosen import gateway
from payouts.gateways.port import GatewayError, Refused
from payouts.models import Funding
from payouts.services.funding import PaymentsUnavailable, settle_checkout

GIVEN_UP = "given_up"


class PageNotOpen(DomainError):
    """There is no open page to close: the payment has ended, or never had one."""

    code = "page_not_open"
    status = 409


def give_up_checkout(*, funding: Funding, by: UUID, at: datetime) -> Funding:
    """Have Stripe close the payment page and book what it sees then. A sequence, for edges.

    A page that was paid on meanwhile stays paid: the state that comes back is the truth. Raises
    PageNotOpen, and PaymentsUnavailable when Stripe does not answer: the hourly look-up learns
    what became of the page.
    """
    if funding.state != "paying" or not funding.url or funding.session_id is None:
        raise PageNotOpen("This payment page is closed already.")
    session_id = funding.session_id
    try:
        _close(session_id, funding.id)
        after = settle_checkout(session_id=session_id, at=at)
    except GatewayError as error:
        said = "Payments do not answer just now. Look here again in an hour."
        raise PaymentsUnavailable(said) from error
    if after.state == "expired":
        _note(after, by, at)
    return after


def _close(session_id: str, funding_id: UUID) -> None:
    try:
        gateway().expire_checkout(session_id=session_id, key=f"funding:{funding_id}:expire")
    except Refused:
        return  # paid or left meanwhile: what Stripe shows next decides


@transaction.atomic
def _note(funding: Funding, by: UUID, at: datetime) -> None:
    funding.why = GIVEN_UP
    funding.save(update_fields=["why"])
    record(
        "funding.given_up",
        at=at,
        object_kind="funding",
        object_id=funding.id,
        actor=by,
        organization=funding.organization_id,
        data={"minor": funding.amount_minor, "currency": funding.currency},
    )
