"""Card payments that their holders contest, as the card networks tell it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from payouts.gateways.sandbox import store
from payouts.gateways.sandbox.answers import JSON
from payouts.models import SandboxObject

FEE = 1500
TIME_FOR_EVIDENCE = timedelta(days=7)
OPEN = ("needs_response", "under_review")
WARNED = ("warning_needs_response", "warning_under_review")


@transaction.atomic
def warn(charge_id: str, reason: str = "fraudulent") -> JSON:
    """The bank asks first; no money moves."""
    return store.body_of(_begin(charge_id, reason, "warning_needs_response"))


@transaction.atomic
def open_dispute(charge_id: str, reason: str = "fraudulent") -> JSON:
    """The network takes the payment back at once, and a fee with it."""
    dispute = _begin(charge_id, reason, "needs_response")
    _take(dispute)
    return store.body_of(dispute)


@transaction.atomic
def escalate(dispute_id: str) -> JSON:
    """A warning becomes a dispute."""
    dispute = store.lock(dispute_id, "dispute")
    if dispute.body["status"] in WARNED:
        store.change(dispute, status="needs_response")
        store.emit("platform", "charge.dispute.updated", dispute)
        _take(dispute)
    return store.body_of(dispute)


@transaction.atomic
def win(dispute_id: str) -> JSON:
    """The network gives the payment back. It keeps its fee."""
    dispute = store.lock(dispute_id, "dispute")
    if dispute.body["status"] in OPEN:
        _move(dispute, dispute.body["amount"], 0, "dispute_reversal")
        store.change(dispute, status="won")
        store.emit("platform", "charge.dispute.funds_reinstated", dispute)
        store.emit("platform", "charge.dispute.closed", dispute)
    return store.body_of(dispute)


@transaction.atomic
def lose(dispute_id: str) -> JSON:
    """The payment stays with the card holder; a mere warning is closed."""
    dispute = store.lock(dispute_id, "dispute")
    if dispute.body["status"] in (*OPEN, *WARNED):
        ends = "lost" if dispute.body["status"] in OPEN else "warning_closed"
        store.change(dispute, status=ends)
        store.emit("platform", "charge.dispute.closed", dispute)
    return store.body_of(dispute)


def _begin(charge_id: str, reason: str, status: str) -> SandboxObject:
    charge = store.lock(charge_id, "charge")
    due = store.now() + TIME_FOR_EVIDENCE
    dispute = store.add(
        "dp",
        "dispute",
        {
            "amount": charge.body["amount"] - charge.body["amount_refunded"],
            "currency": charge.body["currency"],
            "charge": charge.object_id,
            "payment_intent": charge.body["payment_intent"],
            "reason": reason,
            "status": status,
            "is_charge_refundable": False,
            "evidence_details": {
                "due_by": store.seconds(due),
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "balance_transactions": [],
            "metadata": {},
        },
        group=charge.object_id,
    )
    store.change(charge, disputed=True)
    store.emit("platform", "charge.dispute.created", dispute)
    return dispute


def _take(dispute: SandboxObject) -> None:
    _move(dispute, -dispute.body["amount"], FEE, "dispute")
    store.emit("platform", "charge.dispute.funds_withdrawn", dispute)


def _move(dispute: SandboxObject, amount: int, fee: int, category: str) -> None:
    line = store.add_line(
        "adjustment",
        amount,
        dispute.body["currency"],
        dispute.object_id,
        fee=fee,
        category=category,
    )
    moved = [*dispute.body["balance_transactions"], store.body_of(line)]
    store.change(dispute, balance_transactions=moved)
