"""Questions about events: their order, their chain, and whether it is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet, Subquery

from marketplace.events.models import Event, EventSeal, SealerBound

FIRST_HASH = "0" * 64
CHUNK = 2_000
PROBLEMS_NAMED = 20
NEVER = "SELECT false"  # the body of the function that asks whether a trigger shall look away


@dataclass(frozen=True, slots=True)
class Head:
    """The last place of the chain; position 0 and zeros where nothing is sealed."""

    position: int
    hash: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What recomputing the chain found. `problems` names the first 20 as sentences."""

    position: int
    hash: str
    problems: list[str]


def chain_head() -> Head:
    """For the daily log line, backup manifests and exports."""
    last = EventSeal.objects.order_by("-position").first()
    return Head(0, FIRST_HASH) if last is None else Head(last.position, last.hash)


def link(previous: str, event: Event) -> str:
    """sha256 of the previous hash and the event in one fixed spelling, as 64 hex digits."""
    return hashlib.sha256(bytes.fromhex(previous) + _canonical(event)).hexdigest()


def verify_chain(*, head: Head | None = None) -> ChainReport:
    """Recompute every hash; name edited, missing, swapped and never sealed events.

    `head` was kept elsewhere (a log, a backup, an export): the chain must still pass through it,
    so a chain that was rewritten from its first row on is found too.
    """
    problems: list[str] = []
    position, last = 0, FIRST_HASH
    for seal in _seals():
        problems += _problems_at(seal, position, last)
        if head and seal.position == head.position and seal.hash != head.hash:
            problems.append(f"The chain at {head.position} differs from the given head.")
        position, last = seal.position, seal.hash
    if head and head.position > position:
        problems.append(f"The chain ends at {position}, before the given head {head.position}.")
    problems += [f"Event {event} was never sealed." for event in _left_behind()]
    return ChainReport(position, last, problems[:PROBLEMS_NAMED])


def sealed_after(position: int) -> QuerySet[EventSeal]:
    """What a reader standing at `position` has not seen yet, in order; it never misses one."""
    later = EventSeal.objects.filter(position__gt=position).select_related("event")
    return later.order_by("position")


def oldest_unsealed_at() -> datetime | None:
    """When the oldest event without a seal was written (its key tells), for the metrics."""
    waiting = Event.objects.filter(seal=None, xid__gte=sealer_bound())
    oldest = waiting.order_by("pk").first()
    return None if oldest is None else datetime.fromtimestamp((oldest.pk.int >> 80) / 1000, tz=UTC)


def sealer_bound() -> int:
    """Every event of an older transaction is sealed."""
    bound = SealerBound.objects.order_by("pk").first()
    return 0 if bound is None else bound.xid


def _canonical(event: Event) -> bytes:
    """Sorted keys, no spaces, UTC instants: the same bytes on every machine, for ever."""
    ids = ("id", "actor", "object_id", "expert", "organization", "project")
    fields: dict[str, object] = {name: _text(getattr(event, name)) for name in ids}
    fields |= {"kind": event.kind, "object_kind": event.object_kind, "data": event.data}
    fields["occurred_at"] = event.occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _seals() -> Iterator[EventSeal]:
    position = 0
    while chunk := list(sealed_after(position)[:CHUNK]):
        yield from chunk
        position = chunk[-1].position


def _problems_at(seal: EventSeal, position: int, last: str) -> list[str]:
    if seal.position != position + 1:  # the hash before the gap is unknown
        return [f"The events at {position + 1} to {seal.position - 1} are missing."]
    if link(last, seal.event) != seal.hash:
        return [f"Event {seal.event_id} at {seal.position} was changed or moved."]
    return []


def _left_behind() -> list[UUID]:
    """Events older than every transaction the sealer still looks at, yet without a seal."""
    bound = SealerBound.objects.values("xid")[:1]
    behind = Event.objects.filter(seal=None, xid__lt=Subquery(bound))
    return list(behind.order_by("xid", "pk").values_list("pk", flat=True)[:PROBLEMS_NAMED])


def triggers_can_be_ignored() -> bool:
    """Whether a session could tell the triggers of the database to look away."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prosrc FROM pg_proc WHERE oid = "
            "to_regprocedure('public._pgtrigger_should_ignore(name)')"
        )
        return cursor.fetchone() not in (None, (NEVER,))
