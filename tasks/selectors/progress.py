"""How far a batch or a project is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Sum

from tasks.models import Assignment, Batch, Task


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of one batch or project. `answers_wanted` is what all seats together ask for."""

    tasks: int
    tasks_ended: int
    answers_wanted: int
    active: int
    in_review: int
    changes_requested: int
    approved: int
    rejected: int
    returned: int
    expired: int
    paid_minor: int

    @property
    def percent(self) -> int:
        """Approved answers of those wanted, 0 to 100."""
        return 100 * self.approved // self.answers_wanted if self.answers_wanted else 0


def batch_progress(batch: Batch) -> Progress:
    """Where one batch stands."""
    return batches_progress([batch.pk])[batch.pk]


def batches_progress(batch_ids: Iterable[UUID]) -> dict[UUID, Progress]:
    """Where each of these batches stands, in two queries."""
    ids = list(batch_ids)
    tasks = (
        Task.objects.filter(batch__in=ids)
        .values("batch_id", "state")
        .annotate(n=Count("id"), wanted=Sum("seats"))
        .order_by("batch_id", "state")
    )
    held = (
        Assignment.objects.filter(batch__in=ids)
        .values("batch_id", "state")
        .annotate(n=Count("id"), paid=Sum("pay_minor"))
        .order_by("batch_id", "state")
    )
    return {
        key: _progress(
            {row["state"]: (row["n"], row["wanted"]) for row in tasks if row["batch_id"] == key},
            {row["state"]: (row["n"], row["paid"]) for row in held if row["batch_id"] == key},
        )
        for key in ids
    }


def projects_progress(project_ids: Iterable[UUID]) -> dict[UUID, Progress]:
    """Where each of these projects stands, all batches together, in two queries."""
    ids = list(project_ids)
    tasks = (
        Task.objects.filter(batch__project__in=ids)
        .values("state", project=F("batch__project_id"))
        .annotate(n=Count("id"), wanted=Sum("seats"))
        .order_by("project", "state")
    )
    held = (
        Assignment.objects.filter(project__in=ids)
        .values("project_id", "state")
        .annotate(n=Count("id"), paid=Sum("pay_minor"))
        .order_by("project_id", "state")
    )
    return {
        key: _progress(
            {row["state"]: (row["n"], row["wanted"]) for row in tasks if row["project"] == key},
            {row["state"]: (row["n"], row["paid"]) for row in held if row["project_id"] == key},
        )
        for key in ids
    }


def _progress(
    tasks: dict[str, tuple[int, int]], held: dict[str, tuple[int, int | None]]
) -> Progress:
    def count(*states: str) -> int:
        return sum(held.get(state, (0, 0))[0] for state in states)

    return Progress(
        tasks=sum(n for n, _ in tasks.values()),
        tasks_ended=sum(tasks.get(state, (0, 0))[0] for state in ("completed", "cancelled")),
        answers_wanted=sum(wanted for state, (_, wanted) in tasks.items() if state != "cancelled"),
        active=count("active"),
        in_review=count("awaiting_review", "disputed"),
        changes_requested=count("changes_requested"),
        approved=count("approved", "partially_approved"),
        rejected=count("rejected", "rejected_final"),
        returned=count("returned"),
        expired=count("expired"),
        paid_minor=sum(paid or 0 for _, paid in held.values()),
    )
