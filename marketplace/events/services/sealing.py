"""Give events their place in the chain, in the order in which they became true."""

from __future__ import annotations

import logging

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from marketplace.events.models import Event, EventSeal, SealerBound
from marketplace.events.selectors import chain_head, link

logger = logging.getLogger(__name__)

CHUNK = 2_000
CHUNKS_PER_TICK = 10
LOCK = 0x6576656E7473  # an advisory lock number of our own


def seal_events() -> int:
    """Append every event of a finished transaction to the chain; how many.

    Only transactions older than the oldest one still running are taken, so nothing can commit
    before what is sealed. One sealer works at a time; another one returns at once.
    """
    sealed = 0
    for _ in range(CHUNKS_PER_TICK):
        in_this_chunk = _seal_chunk()
        sealed += in_this_chunk
        if in_this_chunk < CHUNK:
            break
    return sealed


@transaction.atomic
def seal_restored() -> int:
    """After a restore, before anybody writes: seal what is left and look from 0 again; how many.

    Transaction ids begin anew there, so those of the restored events tell nothing any more.
    """
    _lock_and_wait()
    return _seal_all(_locked_bound())


def log_head() -> None:
    """Write the head of the chain to the log: a copy outside the database to verify against."""
    head = chain_head()
    logger.info("Event chain head", extra={"position": head.position, "hash": head.hash})


@transaction.atomic
def _seal_chunk() -> int:
    if not _is_locked_by_us():
        return 0
    bound = _locked_bound()
    # Read before the events: a later statement sees all that had ended by this snapshot.
    horizon = _oldest_running_transaction()
    if horizon < bound.xid:  # ids began anew and nobody called seal_restored
        return _seal_all(bound)
    settled = Event.objects.filter(seal=None, xid__gte=bound.xid, xid__lt=horizon)
    sealed = _append(settled.order_by("xid", "pk")[:CHUNK])
    bound.xid = sealed[-1].xid if len(sealed) == CHUNK else horizon
    bound.save(update_fields=["xid"])
    return len(sealed)


def _seal_all(bound: SealerBound) -> int:
    sealed = _append(Event.objects.filter(seal=None).order_by("xid", "pk"))
    bound.xid = 0
    bound.save(update_fields=["xid"])
    return len(sealed)


def _append(events: QuerySet[Event]) -> list[Event]:
    head = chain_head()
    seals, position, last = [], head.position, head.hash
    sealed = list(events)
    for event in sealed:
        position, last = position + 1, link(last, event)
        seals.append(EventSeal(position=position, event=event, hash=last, sealed_at=Now()))
    EventSeal.objects.bulk_create(seals, batch_size=CHUNK)
    return sealed


def _locked_bound() -> SealerBound:
    bound, _ = SealerBound.objects.select_for_update().get_or_create(pk=1)
    return bound


def _is_locked_by_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        (is_ours,) = cursor.fetchone()
    return bool(is_ours)


def _lock_and_wait() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _oldest_running_transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())")
        (xid,) = cursor.fetchone()
    return int(xid)
