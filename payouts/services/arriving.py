"""A client's money has arrived: credited once, flagged where somebody should look."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from marketplace.events.services.recording import record
from marketplace.kit.errors import InvalidInput
from marketplace.kit.money import Money
from marketplace.kit.states import require_transition
from payouts.models import Funding
from payouts.policy import charge_unit
from payouts.services import ledger
from payouts.services.accounts import account
from payouts.signals import funding_paid

# The largest whole number that every JSON reader and spreadsheet keeps exactly.
LARGEST_AMOUNT = 2**53 - 1
TWICE_WITHIN = timedelta(hours=1)


def require_amount(*, amount: Money, most: int) -> None:
    """Refuse what is not more than nothing or above `most` minor units. Raises InvalidInput."""
    if amount.minor <= 0:
        said = "The amount has to be more than nothing."
    elif amount.minor > most:
        said = f"The amount can be at most {Money(most, amount.currency)}."
    else:
        return
    raise InvalidInput(said, errors=[{"field": "amount", "problem": said}])


def require_step(*, amount: Money) -> None:
    """Refuse what Stripe cannot move to the last unit. Raises InvalidInput."""
    step = Money(charge_unit(amount.currency), amount.currency)
    below = Money(amount.minor - amount.minor % step.minor, amount.currency)
    if below != amount:
        said = f"Stripe moves {amount.currency} in steps of {step}: write {max(below, step)}."
        raise InvalidInput(said, errors=[{"field": "amount", "problem": said}])


@transaction.atomic
def credit_funding(
    *,
    funding: Funding,
    received: Money,
    at: datetime,
    payment_intent: str = "",
    charge_id: str = "",
) -> None:
    """Mark a locked funding paid and credit the wallet with what was really received.

    Through Stripe with its payment intent, else by wire. Another amount than was asked for, or
    the same amount twice within an hour, is credited too and flagged.
    """
    require_transition(Funding.TRANSITIONS, funding, "paid")
    is_wire = funding.method == "wire"
    funding.flag = funding.flag or _flag(funding, received, at)
    funding.state, funding.paid_at, funding.url = "paid", at, ""
    funding.currency, funding.received_minor = received.currency, received.minor
    funding.payment_intent, funding.charge_id = payment_intent or None, charge_id or None
    funding.save(
        update_fields=[
            "flag",
            "state",
            "paid_at",
            "url",
            "currency",
            "received_minor",
            "payment_intent",
            "charge_id",
        ]
    )
    source = account("platform_bank" if is_wire else "psp_clearing", currency=received.currency)
    wallet = account("wallet", currency=received.currency, organization=funding.organization)
    ledger.post(
        key=f"wire:{funding.id}" if is_wire else f"funding:{payment_intent}",
        kind="wire_received" if is_wire else "funding_paid",
        currency=received.currency,
        legs=[ledger.Leg.debit(source, received), ledger.Leg.credit(wallet, received)],
        effective_at=at,
        actor=funding.confirmed_by,
        external_ref=funding.reference if is_wire else payment_intent,
    )
    _announce(funding, received, at)


def book_fee(*, key: str, fee: Money, ref: str, at: datetime) -> None:
    """Book what Stripe kept, once per key; a fee below zero came back."""
    fees = account("psp_fees", currency=fee.currency)
    clearing = account("psp_clearing", currency=fee.currency)
    amount = Money(abs(fee.minor), fee.currency)
    paid, kept = (fees, clearing) if fee.minor > 0 else (clearing, fees)
    ledger.post(
        key=key,
        kind="fee_booked",
        currency=fee.currency,
        legs=[ledger.Leg.debit(paid, amount), ledger.Leg.credit(kept, amount)],
        effective_at=at,
        external_ref=ref,
    )


def _flag(funding: Funding, received: Money, at: datetime) -> str:
    if (received.minor, received.currency) != (funding.amount_minor, funding.currency):
        return "other_amount"
    twins = Funding.objects.filter(
        organization=funding.organization,
        state="paid",
        currency=received.currency,
        received_minor=received.minor,
        paid_at__gt=at - TWICE_WITHIN,
    )
    return "paid_twice" if twins.exclude(id=funding.id).exists() else ""


def _announce(funding: Funding, received: Money, at: datetime) -> None:
    record(
        "funding.paid",
        at=at,
        object_kind="funding",
        object_id=funding.id,
        actor=funding.asked_by,
        organization=funding.organization_id,
        data={"minor": received.minor, "currency": received.currency, "flag": funding.flag},
    )
    funding_paid.send(sender=Funding, funding=funding)
