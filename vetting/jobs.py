"""What Celery calls."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from marketplace.kit import clock
from vetting.services import attempts, documents, qualifying, scoring


@shared_task(name="vetting.update_score", queue="default")
def update_score(*, expert_id: str, skill_id: str) -> None:
    scoring.update_score(expert_id=UUID(expert_id), skill_id=UUID(skill_id), at=clock.now())


@shared_task(name="vetting.close_attempts", queue="default")
def close_attempts() -> None:
    attempts.time_out_attempts(at=clock.now())


@shared_task(name="vetting.expire_qualifications", queue="default")
def expire_qualifications() -> None:
    qualifying.expire_qualifications(at=clock.now())


@shared_task(name="vetting.purge_documents", queue="bulk")
def purge_documents() -> None:
    documents.purge_documents(at=clock.now())
