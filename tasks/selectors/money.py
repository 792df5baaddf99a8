"""What a batch may still have to pay."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q, Sum

from marketplace.kit.money import Money
from tasks.models import Assignment, Batch, Task
from tasks.models.batches import UNFINISHED

_MAY_BE_DUE = ("active", "awaiting_review", "changes_requested", "disputed")


def kept_for(batch: Batch, *, at: datetime) -> Money:
    """What the batch's reservation must keep.

    Price and fee of every seat that may still be claimed, of every assignment without a final
    verdict, and of every rejection whose dispute window is open at `at`.
    """
    gross = batch.price_minor + batch.fee_minor
    seats = 0
    if batch.state in ("open", "paused"):
        free = Task.objects.filter(batch=batch, state__in=UNFINISHED)
        seats = free.aggregate(free=Sum(F("seats") - F("taken")))["free"] or 0
    open_or_contested = Q(state__in=_MAY_BE_DUE) | Q(state="rejected", dispute_until__gt=at)
    due = Assignment.objects.filter(open_or_contested, batch=batch).count()
    return Money(gross * (seats + due), batch.currency)
