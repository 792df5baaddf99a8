"""The time left on a task, as the page counts it down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from tasks.models import Assignment
from tasks.policy import MOST_EXTENSIONS


@dataclass(frozen=True, slots=True)
class Lease:
    """Seconds left, never an instant: the browser's clock may be wrong."""

    seconds_left: int
    seconds_total: int
    beat_url: str
    extend_url: str


def lease_of(assignment: Assignment, *, at: datetime) -> Lease | None:
    """The lease of an active assignment; None where a due time stands instead."""
    if assignment.lease_until is None:
        return None
    left = max(0, int((assignment.lease_until - at).total_seconds()))
    may_extend = assignment.extensions < MOST_EXTENSIONS
    return Lease(
        seconds_left=left,
        seconds_total=assignment.lease_seconds,
        beat_url=reverse("beat", args=[assignment.pk]),
        extend_url=reverse("extend_lease", args=[assignment.pk]) if may_extend else "",
    )


def ended(assignment: Assignment) -> Lease:
    """A lease that is over: nothing to beat, nothing to extend."""
    return Lease(0, assignment.lease_seconds, beat_url="", extend_url="")
