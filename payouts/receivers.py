"""News of the money that other parts of the money follow."""

from __future__ import annotations

from django.dispatch import receiver

from marketplace.jobs.services.enqueueing import enqueue
from payouts.models import Funding
from payouts.signals import funding_paid


@receiver(funding_paid, dispatch_uid="payouts.settle_funding")
def settle_credit(*, funding: Funding, **_: object) -> None:
    """A payment first settles what the client owes; by a job, when the payment is booked."""
    enqueue(
        "payouts.settle_funding",
        key=f"payouts.settle_funding:{funding.id}",
        funding_id=str(funding.id),
    )


@receiver(funding_paid, dispatch_uid="payouts.issue_receipt")
def issue_receipt(*, funding: Funding, **_: object) -> None:
    """Every payment has a receipt; by a job, so that no payment waits for another's number."""
    enqueue(
        "payouts.issue_receipt",
        key=f"payouts.issue_receipt:{funding.id}",
        funding_id=str(funding.id),
    )


@receiver(funding_paid, dispatch_uid="payouts.settle_invoice")
def settle_invoice(*, funding: Funding, **_: object) -> None:
    """A bank transfer that names an invoice pays it."""
    if funding.method == "wire":
        enqueue(
            "payouts.settle_invoice",
            key=f"payouts.settle_invoice:{funding.id}",
            funding_id=str(funding.id),
        )
