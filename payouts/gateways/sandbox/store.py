"""The sandbox's objects, its clock, its money and its events."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from marketplace.jobs.services.enqueueing import enqueue
from marketplace.kit import clock
from marketplace.kit.ids import uuid7
from payouts.gateways.sandbox.answers import JSON, Refusal
from payouts.models import SandboxClock, SandboxFault, SandboxObject
from payouts.models.sandbox import EVENT_FAULTS

# What we keep with an event and Stripe does not send.
OURS = ("endpoint", "is_lost")
DELAYS = {"delay_event": timedelta(minutes=2), "reorder_events": timedelta(seconds=10)}
# Of types with one reporting category only (docs.stripe.com/reports/reporting-categories).
_CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payment_failure_refund": "charge_failure",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
    "payout": "payout",
    "payout_failure": "payout_reversal",
    "topup": "topup",
    "stripe_fee": "fee",
}


_moment: ContextVar[tuple[datetime, timedelta] | None] = ContextVar("sandbox_moment", default=None)


@contextmanager
def one_moment() -> Iterator[None]:
    """Look at the clock once for all that one request does."""
    token = _moment.set(_look())
    try:
        yield
    finally:
        _moment.reset(token)


def now() -> datetime:
    """The sandbox's time: ours, or as far ahead as somebody moved it."""
    return (_moment.get() or _look())[0]


def settles_at() -> datetime:
    """When a charge made now becomes available to transfer."""
    moment, settling = _moment.get() or _look()
    return moment + settling


def _look() -> tuple[datetime, timedelta]:
    row = _clock()
    moment = clock.now() + timedelta(seconds=row.ahead_seconds)
    return moment, timedelta(seconds=row.settle_seconds)


def _clock() -> SandboxClock:
    return SandboxClock.objects.filter(id=1).order_by("id").first() or SandboxClock(id=1)


def seconds(instant: datetime) -> int:
    """Stripe's way to write an instant."""
    return int(instant.timestamp())


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid7().hex}"


def draft(
    prefix: str,
    type_: str,
    body: JSON,
    *,
    account: str = "",
    group: str = "",
    object_id: str = "",
) -> SandboxObject:
    """An object that is not kept yet; its id, type and creation are put into the body."""
    made = now()
    object_id = object_id or new_id(prefix)
    stamp = made.isoformat() if type_.startswith("v2.") else seconds(made)
    row = SandboxObject(
        object_id=object_id, type=type_, account=account, group=group, created_at=made
    )
    row.body = {"id": object_id, "object": type_, "livemode": False, "created": stamp, **body}
    return row


def add(
    prefix: str, type_: str, body: JSON, *, account: str = "", group: str = ""
) -> SandboxObject:
    """Make an object and keep it."""
    row = draft(prefix, type_, body, account=account, group=group)
    row.save(force_insert=True)
    return row


def keep(*rows: SandboxObject) -> None:
    """Keep drafts, in this order, by one statement."""
    SandboxObject.objects.bulk_create(rows)


def get(object_id: str, type_: str, *, account: str = "") -> SandboxObject:
    """An object, or Stripe's 404."""
    rows = SandboxObject.objects.filter(object_id=object_id, type=type_, account=account)
    found = rows.order_by("position").first()
    if found is None:
        raise Refusal(404, "resource_missing", f"No such {type_}: '{object_id}'")
    return found


def lock(object_id: str, type_: str, *, account: str = "") -> SandboxObject:
    """The object, held until the transaction ends."""
    get(object_id, type_, account=account)
    return SandboxObject.objects.select_for_update().get(object_id=object_id)


def body_of(row: SandboxObject) -> JSON:
    """The object as Stripe would show it now."""
    body: JSON = row.body
    if row.type == "balance_transaction":
        is_available = body["available_on"] <= seconds(now())
        return {**body, "status": "available" if is_available else "pending"}
    if row.type == "event":
        return {name: value for name, value in body.items() if name not in OURS}
    return body


def change(row: SandboxObject, **values: Any) -> None:  # Any: JSON values
    """Write new values into an object's body."""
    row.body = {**row.body, **values}
    row.save(update_fields=["body"])


def draft_line(
    kind: str,
    amount: int,
    currency: str,
    source: str,
    *,
    fee: int = 0,
    category: str = "",
    account: str = "",
    group: str = "",
) -> SandboxObject:
    """A balance transaction. Clients' payments settle later, everything else at once."""
    is_payment = kind in {"charge", "payment"} and not account
    body = {
        "type": kind,
        "reporting_category": category or _CATEGORIES[kind],
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": currency,
        "source": source,
        "available_on": seconds(settles_at() if is_payment else now()),
    }
    return draft("txn", "balance_transaction", body, account=account, group=group)


def add_line(
    kind: str,
    amount: int,
    currency: str,
    source: str,
    *,
    fee: int = 0,
    category: str = "",
    account: str = "",
) -> SandboxObject:
    """Make a balance transaction and keep it."""
    line = draft_line(kind, amount, currency, source, fee=fee, category=category, account=account)
    keep(line)
    return line


_BALANCE = """
SELECT body->>'currency',
  sum((body->>'net')::bigint) FILTER (WHERE (body->>'available_on')::bigint <= %(now)s),
  sum((body->>'net')::bigint) FILTER (WHERE (body->>'available_on')::bigint > %(now)s)
FROM payouts_sandboxobject
WHERE type = 'balance_transaction' AND account = %(account)s
GROUP BY 1 ORDER BY 1
"""


def balances(account: str = "") -> list[tuple[str, int, int]]:
    """Currency, available and pending minor units of an account."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE, {"now": seconds(now()), "account": account})
        return [(c, int(free or 0), int(later or 0)) for c, free, later in cursor.fetchall()]


def available(currency: str, account: str = "") -> int:
    """What of an account's balance may leave now."""
    return next((free for each, free, _ in balances(account) if each == currency), 0)


def lock_balance() -> None:
    """One transfer at a time looks at the balance."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('payouts.sandbox.balance'))")


def is_key_free(key: str) -> bool:
    """Take the idempotency key for this transaction; false while another request has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"sandbox:{key}"])
        return bool(cursor.fetchone()[0])


def emit(endpoint: str, kind: str, row: SandboxObject) -> None:
    """Make an event and have it delivered to the inbox after the commit, as Stripe would.

    An armed fault may lose it, send it twice and once more under another id, or hold it back:
    of several held back to be reordered, the last comes first.
    """
    body: JSON = {"type": kind, "endpoint": endpoint, "is_lost": False}
    if endpoint == "thin":
        body |= {
            "object": "v2.core.event",
            "created": now().astimezone(UTC).isoformat(),
            "related_object": {"id": row.object_id, "type": row.type},
        }
    else:
        body |= {"object": "event", "data": {"object": row.body}}
    if row.account:
        body["account"] = row.account
    fault, left = take_fault(EVENT_FAULTS, kind)
    event = add("evt", "event", body | {"is_lost": fault == "lose_event"})
    if fault == "lose_event":
        return
    wait = DELAYS[fault] * max(left, 1) if fault in DELAYS else timedelta(0)
    _deliver(event, wait, 1)
    if fault == "duplicate_event":
        _deliver(event, wait, 2)
        _deliver(add("evt", "event", body), wait, 1)


def _deliver(event: SandboxObject, wait: timedelta, time: int) -> None:
    enqueue(
        "payouts.deliver_sandbox_event",
        key=f"payouts.deliver_sandbox_event:{event.object_id}:{time}",
        run_at=clock.now() + wait if wait else None,
        event_id=event.object_id,
    )


def take_fault(kinds: Collection[str], where: str) -> tuple[str, int]:
    """Use up one armed fault of these kinds that fits `where`, and how many it had; or ("", 0)."""
    waiting = SandboxFault.objects.select_for_update(skip_locked=True)
    for fault in waiting.filter(remaining__gt=0, kind__in=kinds).order_by("id"):
        if where.startswith(fault.path):
            fault.remaining -= 1
            fault.save(update_fields=["remaining"])
            return fault.kind, fault.remaining + 1
    return "", 0


def settle_bank_later(payout: SandboxObject) -> None:
    """The bank takes the money after the commit."""
    enqueue(
        "payouts.pay_sandbox_bank",
        key=f"payouts.pay_sandbox_bank:{payout.object_id}",
        payout_id=payout.object_id,
    )
