"""Books that differ from Stripe's, for the pages that show it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F

from marketplace.people.models import User
from payouts.gateways.sandbox import store
from payouts.models import Account, Break, SandboxObject, StripeEvent
from payouts.services import breaking, reconciling
from payouts.services.inbox import keep_missed_event
from tests.make import NOON

NOTE = "Stripe keeps a reserve until the first client has paid for three months, its letter says."


def furnish(*, by: User) -> None:
    """A difference, one that waits for a second person, and a parked message."""
    store.add_line("topup", -123_456_700, "usd", "", category="risk_reserved_funds")
    sent = SandboxObject.objects.filter(type="balance_transaction", body__type="transfer")
    row = sent.filter(account="").order_by("position")[0]
    row.body |= {"amount": row.body["amount"] - 100, "net": row.body["net"] - 100}
    row.save(update_fields=["body"])
    reconciling.reconcile(at=store.now())
    reserve = Break.objects.get(kind="unknown_type")
    breaking.take_break(row=reserve, owner=by)
    breaking.propose_resolution(row=reserve, note=NOTE, by=by, at=NOON)
    _park()


def difference(kind: str) -> tuple[UUID]:
    """The address of the difference of this kind."""
    return (Break.objects.get(kind=kind).pk,)


def clearing() -> tuple[UUID]:
    """The busiest account."""
    return (Account.objects.get(kind="psp_clearing", currency="USD").pk,)


def _park() -> None:
    body = {
        "id": "evt_parked",
        "type": "checkout.session.async_payment_succeeded",
        "livemode": False,
        "data": {"object": {"id": "cs_test_0192837465564738291001928374655647382910"}},
    }
    event = keep_missed_event(body=body, at=NOON)
    StripeEvent.objects.filter(pk=event.pk).update(
        state="parked", reason="This payment is not ours, or not yet.", handled_at=F("received_at")
    )
