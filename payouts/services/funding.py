"""A client pays in: a hosted page, and the credit once Stripe says it is paid."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from marketplace.kit.errors import DomainError, InvalidInput
from marketplace.kit.money import Money, exponent
from marketplace.kit.states import require_transition
from marketplace.organizations.models import Organization
from payouts.gateways.chosen import gateway
from payouts.gateways.port import Checkout, GatewayError, Misconfigured, Refused
from payouts.models import Funding
from payouts.services.arriving import book_fee, credit_funding, require_amount, require_step

logger = logging.getLogger(__name__)
# Stripe takes eight digits on a page: docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
LARGEST_PAYMENT = 99_999_999
JUST_NOW = timedelta(minutes=10)
NEVER_PAGED = timedelta(hours=24)
MOST_LOOK_UPS = 500


class PaymentsUnavailable(DomainError):
    """The payment provider did not answer. Nothing was charged."""

    code = "payments_unavailable"
    status = 503


class FundingUnknown(DomainError):
    """No funding of ours has this payment page yet."""

    code = "funding_unknown"
    status = 404


class FundingKeyReused(DomainError):
    """The client used the key before, for another amount."""

    code = "funding_key_reused"
    status = 422


def start_checkout(
    *,
    organization: Organization,
    amount: Money,
    by: UUID,
    success_url: str,
    cancel_url: str,
    at: datetime,
    key: str = "",
) -> Funding:
    """Make a payment page for this amount; the person goes to `url`. A sequence, for edges.

    With a `key`, the same key of the same client gets the first page again, and another amount
    raises FundingKeyReused. Raises InvalidInput for what Stripe does not take: below one whole
    (100 where there are no decimals), above eight digits, between its steps; PaymentsUnavailable
    when Stripe does not answer: the page, if it exists, is then known to nobody and nothing can be
    paid on it.
    """
    require_amount(amount=amount, most=LARGEST_PAYMENT)
    require_step(amount=amount)
    _require_worth(amount)
    funding = _create(organization, amount, by, key, at)
    if funding.state != "created":
        return funding
    try:
        page = gateway().open_checkout(
            funding_id=funding.id,
            amount=amount,
            success_url=success_url,
            cancel_url=cancel_url,
            key=f"funding:{funding.id}:checkout",
        )
    except Refused as refusal:
        said = f"Stripe does not take {amount}."
        problem = {"field": "amount", "problem": said}
        raise InvalidInput(said, errors=[problem]) from refusal
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
        # NO KEY: a refund that is asked for meanwhile refers to this row while it has the wallet.
        rows = Funding.objects.select_for_update(no_key=True, of=("self",))
        funding = (
            rows.select_related("organization").filter(session_id=session_id).order_by("id").first()
        )
        if funding is None:
            raise FundingUnknown("This payment is not ours, or not yet.")
        return _apply(funding, page, at)


def settle_charge(*, charge_id: str, at: datetime) -> Funding | None:
    """Look again at the page of a charge, whose fee may be known now. A sequence.

    None where the charge is not of a page of ours.
    """
    rows = Funding.objects.filter(charge_id=charge_id, session_id__isnull=False)
    known = rows.order_by("id").first()
    return known and settle_checkout(session_id=str(known.session_id), at=at)


def look_up_fundings(*, at: datetime) -> int:
    """Look at every page that has no end yet, as if its message were lost; how many. A sequence.

    What never got a page within a day is given up.
    """
    created = Funding.objects.filter(method="checkout", state="created")
    created.filter(created_at__lt=at - NEVER_PAGED).update(state="failed")
    rows = Funding.objects.filter(method="checkout", state="paying", created_at__lt=at - JUST_NOW)
    pages = list(rows.order_by("id").values_list("session_id", flat=True)[:MOST_LOOK_UPS])
    for session_id in pages:
        try:
            settle_checkout(session_id=str(session_id), at=at)
        except Misconfigured:
            raise
        except GatewayError:
            logger.exception("Could not look up a payment page", extra={"session": session_id})
    return len(pages)


def _require_worth(amount: Money) -> None:
    """Stripe takes no less than 0.50 USD or 50 JPY, and its fee alone is 0.30 USD."""
    least = Money(10 ** max(2, exponent(amount.currency)), amount.currency)
    if amount < least:
        said = f"The amount has to be at least {least}."
        raise InvalidInput(said, errors=[{"field": "amount", "problem": said}])


@transaction.atomic(durable=True)
def _create(organization: Organization, amount: Money, by: UUID, key: str, at: datetime) -> Funding:
    if key:
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        known = Funding.objects.filter(organization=organization, method="checkout", reference=key)
        found = known.order_by("id").first()
        if found is not None and (found.amount_minor, found.currency) != (
            amount.minor,
            amount.currency,
        ):
            raise FundingKeyReused("This key already stands for another payment.")
        if found is not None:
            return found
    return Funding.objects.create(
        organization=organization,
        reference=key,
        currency=amount.currency,
        amount_minor=amount.minor,
        asked_by=by,
        livemode=gateway().is_live,
        created_at=at,
    )


def _apply(funding: Funding, page: Checkout, at: datetime) -> Funding:
    if page.is_paid and page.received is not None:
        _book(funding, page, page.received, at)
    elif page.is_failed:
        _end(funding, "failed", page.why)
    elif page.is_expired:
        _end(funding, "expired")
    elif not page.is_open and funding.url:
        # The payer has left the page; its bank may take days. There is nothing left to pay there.
        funding.url = ""
        funding.save(update_fields=["url"])
    return funding


def _book(funding: Funding, page: Checkout, received: Money, at: datetime) -> None:
    if funding.state != "paid":
        credit_funding(
            funding=funding,
            received=received,
            payment_intent=page.payment_intent,
            charge_id=page.charge,
            at=at,
        )
    elif not Funding.objects.filter(payment_intent=page.payment_intent).exists():
        credit_funding(
            funding=_again(funding, received, at),
            received=received,
            payment_intent=page.payment_intent,
            charge_id=page.charge,
            at=at,
        )
    if page.fee:
        book_fee(key=f"bt:{page.fee_id}", fee=page.fee, ref=page.fee_id, at=at)


def _again(funding: Funding, received: Money, at: datetime) -> Funding:
    """A second payment for what is paid already: money of the client all the same."""
    return Funding.objects.create(
        organization=funding.organization,
        currency=received.currency,
        amount_minor=received.minor,
        state="paying",
        flag="paid_twice",
        asked_by=funding.asked_by,
        livemode=funding.livemode,
        created_at=at,
    )


def _end(funding: Funding, state: str, why: str = "") -> None:
    if funding.state == "paying":
        funding.state, funding.why = state, why[:100]
        funding.save(update_fields=["state", "why"])
