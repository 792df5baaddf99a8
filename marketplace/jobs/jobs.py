"""What Celery calls: the runner, the ticks, and this package's own kinds."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from marketplace.jobs.services import planning, running, sweeping, ticking
from marketplace.kit import clock


@shared_task(name="jobs.run", queue="default")
def run(job_id: str) -> None:
    running.run_job(job_id=UUID(job_id))


@shared_task(name="jobs.tick", queue="default")
def tick(name: str) -> None:
    ticking.run_tick(name=name)


@shared_task(name="jobs.sweep", queue="default")
def sweep() -> None:
    sweeping.sweep()


@shared_task(name="jobs.plan", queue="default")
def plan() -> None:
    planning.plan(at=clock.now())


@shared_task(name="jobs.forget_old", queue="bulk")
def forget_old() -> None:
    sweeping.forget_old()
