"""Write down that something happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from django.db import transaction

from marketplace.events.models import Event

JSON: TypeAlias = "str | int | float | bool | datetime | UUID | list[JSON] | dict[str, JSON] | None"


def record(  # noqa: PLR0913 an event names everybody it concerns
    kind: str,
    *,
    at: datetime,
    object_kind: str,
    object_id: UUID,
    actor: UUID | None = None,
    expert: UUID | None = None,
    organization: UUID | None = None,
    project: UUID | None = None,
    data: Mapping[str, JSON] | None = None,
) -> Event:
    """Add an event to the caller's transaction: both become true together, or neither.

    `kind` is `noun.verb_past`. `data` holds ids, codes and amounts, never personal data.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("record() belongs inside the transaction of the verb")
    return Event.objects.create(
        kind=kind,
        actor=actor,
        object_kind=object_kind,
        object_id=object_id,
        expert=expert,
        organization=organization,
        project=project,
        data=dict(data or {}),
        occurred_at=at,
    )
