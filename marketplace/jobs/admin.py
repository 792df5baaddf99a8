"""Jobs in the admin: to look at, to cancel, to retry; never to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from marketplace.jobs.models import Job
from marketplace.jobs.services import operating
from marketplace.kit import clock
from marketplace.kit.errors import DomainError

if TYPE_CHECKING:
    from datetime import datetime

    JobAdminBase = admin.ModelAdmin[Job]
else:
    JobAdminBase = admin.ModelAdmin  # Django's is no generic at run time


SHOWN = (
    *("id", "kind", "key", "args", "queue", "state", "attempts", "max_attempts", "run_at"),
    *("nudged_at", "lease_until", "progress_done", "progress_total", "progress_note", "result"),
    *("asked_by", "cancel_requested_at", "cancel_requested_by", "last_error"),
    *("created_at", "started_at", "finished_at"),
)


class Act(Protocol):
    def __call__(self, *, job: Job, by: UUID, at: datetime) -> Job: ...


@admin.register(Job)
class JobAdmin(JobAdminBase):
    list_display = ["id", "kind", "queue", "state", "attempts", "run_at", "finished_at"]
    list_filter = ["state", "queue", "kind"]
    search_fields = ["id", "key"]
    ordering = ["-id"]
    actions = ["cancel", "retry"]
    fields = SHOWN
    readonly_fields = SHOWN

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:  # noqa: ARG002
        return False

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._act(request, queryset, operating.cancel_job)

    @admin.action(description="Retry", permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._act(request, queryset, operating.retry_job)

    def _act(self, request: HttpRequest, queryset: QuerySet[Job], act: Act) -> None:
        for job in queryset.order_by("pk"):
            try:
                act(job=job, by=UUID(str(request.user.pk)), at=clock.now())
            except DomainError as error:
                self.message_user(request, f"{job}: {error.message}", messages.ERROR)
