"""A client pays in: a hosted page, and the credit once Stripe says it is paid."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from marketplace.organizations.models import Organization
from payouts.gateways.chosen import gateway
from payouts.gateways.port import Checkout, GatewayError
from payouts.models import Funding
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.signals import funding_paid


class PaymentsUnavailable(DomainError):
    """The payment provider did not answer. Nothing was charged."""

    code = "payments_unavailable"
    status = 503


class FundingUnknown(DomainError):
    """No funding of ours has this payment page yet."""

    code = "funding_unknown"
    status = 404


def start_checkout(
    *,
    organization: Organization,
    amount: Money,
    by: UUID,
    success_url: str,
    cancel_url: str,
    at: datetime,
) -> Funding:
    """Make a payment page for this amount; the person goes to `url`. A sequence, for edges.

    Raises InvalidInput for an amount that is not positive, PaymentsUnavailable when Stripe does
    not answer: the page, if it exists, is then known to nobody and nothing can be paid on it.
    """
    if amount.minor <= 0:
        problem = {"field": "amount", "problem": "Pay in more than nothing."}
        raise InvalidInput("Pay in more than nothing.", errors=[problem])
    funding = _create(organization, amount, by, at)
    try:
        page = gateway().open_checkout(
            funding_id=funding.id,
            amount=amount,
            success_url=success_url,
            cancel_url=cancel_url,
            key=f"funding:{funding.id}:checkout",
        )
    except GatewayError as error:
        raise PaymentsUnavailable(
            "Payments do not answer just now. Nothing was charged."
        ) from error
    with transaction.atomic(durable=True):
        row = Funding.objects.select_for_update().get(id=funding.id)
        require_transition(Funding.TRANSITIONS, row, "paying")
        row.state, row.session_id, row.url = "paying", page.session_id, page.url
        row.save(update_fields=["state", "session_id", "url"])
    return row


def settle_checkout(*, session_id: str, at: datetime) -> Funding:
    """Look at a payment page and book what Stripe sees now. A sequence; repeat it freely.

    Credits what Stripe received, once per payment intent, and the fee once it is known. Raises
    FundingUnknown where no funding of ours has the page yet.
    """
    page = gateway().read_checkout(session_id=session_id)
    with transaction.atomic(durable=True):
        rows = Funding.objects.select_for_update(of=("self",)).select_related("organization")
        funding = rows.filter(session_id=session_id).order_by("id").first()
        if funding is None:
            raise FundingUnknown("This payment is not ours, or not yet.")
        return _apply(funding, page, at)


@transaction.atomic(durable=True)
def _create(organization: Organization, amount: Money, by: UUID, at: datetime) -> Funding:
    return Funding.objects.create(
        organization=organization,
        currency=amount.currency,
        amount_minor=amount.minor,
        asked_by=by,
        livemode=gateway().is_live,
        created_at=at,
    )


def _apply(funding: Funding, page: Checkout, at: datetime) -> Funding:
    if page.is_paid and page.received is not None:
        _credit(funding, page, page.received, at)
    elif page.is_failed:
        _end(funding, "failed")
    elif not page.is_open:
        _end(funding, "expired")
    return funding


def _credit(funding: Funding, page: Checkout, received: Money, at: datetime) -> None:
    clearing = account("psp_clearing", currency=received.currency)
    wallet = account("wallet", currency=received.currency, organization=funding.organization)
    if funding.state != "paid":
        _mark_paid(funding, page, received, at)
        ledger.post(
            key=f"funding:{page.payment_intent}",
            kind="funding_paid",
            currency=received.currency,
            legs=[ledger.Leg.debit(clearing, received), ledger.Leg.credit(wallet, received)],
            effective_at=at,
            external_ref=page.payment_intent,
        )
    if page.fee:
        fees = account("psp_fees", currency=page.fee.currency)
        ledger.post(
            key=f"bt:{page.fee_id}",
            kind="fee_booked",
            currency=page.fee.currency,
            legs=[ledger.Leg.debit(fees, page.fee), ledger.Leg.credit(clearing, page.fee)],
            effective_at=at,
            external_ref=page.fee_id,
        )


def _mark_paid(funding: Funding, page: Checkout, received: Money, at: datetime) -> None:
    require_transition(Funding.TRANSITIONS, funding, "paid")
    funding.state, funding.paid_at = "paid", at
    funding.payment_intent, funding.received_minor = page.payment_intent, received.minor
    funding.save(update_fields=["state", "paid_at", "payment_intent", "received_minor"])
    record(
        "funding.paid",
        at=at,
        object_kind="funding",
        object_id=funding.id,
        actor=funding.asked_by,
        organization=funding.organization_id,
        data={"minor": received.minor, "currency": received.currency},
    )
    funding_paid.send(sender=Funding, funding=funding)


def _end(funding: Funding, state: str) -> None:
    if funding.state == "paying":
        funding.state = state
        funding.save(update_fields=["state"])
