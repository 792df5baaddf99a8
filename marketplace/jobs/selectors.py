"""Questions about jobs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Now

from marketplace.jobs.models import Job

ALIVE = Q(state__in=["ready", "running"])  # spelled as in the partial index
ESTIMATE_AFTER = timedelta(seconds=5)
WAITING = Q(state="ready", run_at__gt=Now())
RUNNING = Q(state="running", lease_until__gte=Now())
# Also what a vanished worker left.
DUE = Q(state="ready", run_at__lte=Now()) | Q(state="running", lease_until__lt=Now())


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is, as its card shows it."""

    state: str
    done: int
    total: int | None
    rate: float | None  # per second, from the start to the last report
    seconds_left: int | None  # known after 5 s of running
    note: str
    last_error: str
    is_cancelling: bool

    @property
    def percent(self) -> int | None:
        """0 to 100, rounded down; None while the total is unknown."""
        return None if not self.total else min(100, self.done * 100 // self.total)


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One queue on the staff page."""

    queue: str
    due: int
    running: int
    waiting: int  # their `run_at` lies ahead
    dead: int
    oldest_due_seconds: int  # over 60: workers or beat are missing


def job_progress(job: Job) -> JobProgress:
    """What the job reported last."""
    elapsed = _elapsed(job)
    rate = job.progress_done / elapsed.total_seconds() if elapsed and job.progress_done else None
    left = None
    if job.state == "running" and rate and job.progress_total and elapsed >= ESTIMATE_AFTER:
        left = max(0, round((job.progress_total - job.progress_done) / rate))
    return JobProgress(
        state=job.state,
        done=job.progress_done,
        total=job.progress_total,
        rate=rate,
        seconds_left=left,
        note=job.progress_note,
        last_error=job.last_error,
        is_cancelling=job.state == "running" and job.cancel_requested_at is not None,
    )


def due_ids(*, queues: Collection[str], limit: int) -> list[UUID]:
    """Jobs that can be taken now, the longest waiting first."""
    due = Job.objects.filter(DUE, queue__in=queues, attempts__lt=F("max_attempts"))
    return list(due.order_by("run_at", "pk").values_list("pk", flat=True)[:limit])


def queue_overview(jobs: QuerySet[Job]) -> list[QueueLine]:
    """One line per queue of the settings, in their order, in one statement."""
    rows: dict[str, dict[str, Any]] = {  # Any: the columns below
        row["queue"]: dict(row)
        for row in jobs.order_by()
        .filter(ALIVE | Q(state="dead"))
        .values("queue")
        .annotate(
            due=Count("pk", filter=DUE),
            running=Count("pk", filter=RUNNING),
            waiting=Count("pk", filter=WAITING),
            dead=Count("pk", filter=Q(state="dead")),
            oldest=Now() - Min("run_at", filter=DUE),
        )
    }
    return [_line(queue, rows.get(queue, {})) for queue in settings.JOB_QUEUES]


def dead_jobs(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Those that wait for a person, the latest first."""
    return jobs.filter(state="dead").order_by("-finished_at", "-pk")


def current_jobs(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Those that run or wait, the most urgent first."""
    return jobs.filter(state__in=["ready", "running"]).order_by("run_at", "pk")


def ended_jobs(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Those done or cancelled, the latest first."""
    return jobs.filter(state__in=["done", "cancelled"]).order_by("-finished_at", "-pk")


def _elapsed(job: Job) -> timedelta:
    """From the start to the last report: a report starts the lease anew, so it tells the time."""
    if job.started_at is None:
        return timedelta(0)
    if job.lease_until is not None:
        return job.lease_until - timedelta(seconds=job.lease_seconds) - job.started_at
    return (job.finished_at or job.started_at) - job.started_at


def _line(queue: str, row: dict[str, Any]) -> QueueLine:  # Any: as above
    oldest: timedelta | None = row.get("oldest")
    return QueueLine(
        queue=queue,
        due=row.get("due", 0),
        running=row.get("running", 0),
        waiting=row.get("waiting", 0),
        dead=row.get("dead", 0),
        oldest_due_seconds=int(oldest.total_seconds()) if oldest else 0,
    )
