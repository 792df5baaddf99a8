"""The sandbox's own books, and a comparison of them with ours."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace.kit.ids import uuid7
from payouts.gateways.sandbox import store
from payouts.models import Break, PayoutAttempt, SandboxObject
from payouts.services import reconciling, sandboxing
from tests.payouts import make
from tests.payouts.make import NOON

HOUR = timedelta(hours=1)


def sent(pay: int = 5000) -> PayoutAttempt:
    """One expert paid through the whole chain; client and expert are the sandbox's."""
    make.owed(pay)
    return make.send(make.approved_run()).attempts.get()


def reconcile(at: datetime = NOON + HOUR) -> dict[str, tuple[int, int]]:
    """Every open break after a run: expected and found by kind."""
    reconciling.reconcile(at=at)
    rows = Break.objects.filter(state="open").order_by("id")
    return {row.kind: (row.expected_minor, row.found_minor) for row in rows}


def movement(kind: str) -> SandboxObject:
    """The only movement of this type at the provider."""
    return SandboxObject.objects.get(type="balance_transaction", body__type=kind, account="")


def rewrite(row: SandboxObject, **values: object) -> None:
    """Let the provider say something else."""
    row.body = {**row.body, **values}
    row.save(update_fields=["body"])


def resize(transfer_id: str, minor: int) -> None:
    """Let the provider have sent this much by a transfer."""
    rewrite(SandboxObject.objects.get(object_id=transfer_id), amount=minor)
    line = SandboxObject.objects.get(type="balance_transaction", body__source=transfer_id)
    rewrite(line, amount=-minor, net=-minor)


def stranger() -> str:
    """A charge of nobody's."""
    row = store.add("ch", "charge", {"amount": 4000, "currency": "usd", "payment_intent": None})
    return row.object_id


def press(button: str, object_id: str) -> str:
    """Let it happen at the sandbox, and its messages arrive."""
    body = sandboxing.press(button=button, object_id=object_id, by=uuid7(), at=NOON)
    make.drain()
    return str(body["id"])
