"""What an organisation's programs do: make batches, fill them, open them, read results."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kit import clock
from marketplace.kit.drf.idempotency import idempotent
from marketplace.kit.drf.pagination import KeysetPagination
from marketplace.kit.money import Money
from marketplace.organizations.api.authentication import principal_of
from marketplace.organizations.api.permissions import HasScope
from marketplace.organizations.models import ApiKey
from marketplace.people.models import User
from marketplace.projects.access import visible_projects
from tasks.access import visible_batches
from tasks.api import serializers
from tasks.api.bodies import read, read_uuid
from tasks.api.reading import batch_values, found, result_page
from tasks.models import Batch, Task
from tasks.selectors.progress import batch_progress, batches_progress
from tasks.services import batches, filling

LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="Rows per page, 1 to 200.")
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="`cursor` of the page before.")
PROJECT = OpenApiParameter("project", OpenApiTypes.UUID, description="Only of this project.")


class _Readable(APIView):
    """For keys that may read."""

    permission_classes = [IsAuthenticated, HasScope(ApiKey.Scope.PROJECTS_READ)]


class _Writable(APIView):
    """For keys that may write tasks. Their rate is higher: tasks may come one at a time."""

    permission_classes = [IsAuthenticated, HasScope(ApiKey.Scope.TASKS_WRITE)]
    throttle_scope = "work"


class ProjectList(_Readable):
    """The projects that the key reaches."""

    pagination_class = KeysetPagination

    @extend_schema(responses=serializers.ProjectView(many=True))
    def get(self, request: Request) -> Response:
        pages = KeysetPagination()
        rows = pages.paginate_queryset(visible_projects(to=principal_of(request)), request, self)
        fields = ("id", "title", "format", "currency", "state", "answers_per_task")
        return pages.get_paginated_response(
            [{name: getattr(row, name) for name in fields} for row in rows]
        )


class BatchList(APIView):
    """The batches that the key reaches, and a new one."""

    pagination_class = KeysetPagination

    def get_permissions(self) -> list[Any]:  # Any: permissions of DRF
        is_read = self.request.method in ("GET", "HEAD", "OPTIONS")
        scope = ApiKey.Scope.PROJECTS_READ if is_read else ApiKey.Scope.TASKS_WRITE
        return [IsAuthenticated(), HasScope(scope)()]

    @extend_schema(responses=serializers.BatchView(many=True), parameters=[PROJECT])
    def get(self, request: Request) -> Response:
        rows = visible_batches(to=principal_of(request))
        if "project" in request.query_params:
            rows = rows.filter(project=read_uuid("project", request.query_params["project"]))
        pages = KeysetPagination()
        page = pages.paginate_queryset(rows, request, self)
        progress = batches_progress([batch.pk for batch in page])
        return pages.get_paginated_response(
            [batch_values(batch, progress[batch.pk]) for batch in page]
        )

    @extend_schema(request=serializers.NewBatch, responses={201: serializers.BatchView})
    @idempotent
    def post(self, request: Request) -> Response:
        sent = read(serializers.NewBatch, request)
        batch = batches.create_batch(
            project=found(visible_projects(to=principal_of(request)), sent["project"]),
            name=sent["name"],
            price=Money(sent["price"]["minor"], sent["price"]["currency"]),
            answers_per_task=sent.get("answers_per_task"),
            pool_percent=sent["pool_percent"],
            by=_person(request),
            at=clock.now(),
        )
        return Response(batch_values(batch, batch_progress(batch)), status=201)


class BatchDetail(_Readable):
    """One batch: its state and how far it is."""

    @extend_schema(responses=serializers.BatchView)
    def get(self, request: Request, batch_id: UUID) -> Response:
        return _answer(found(visible_batches(to=principal_of(request)), batch_id))


class BatchTasks(_Writable):
    """One more task for a batch that has not opened."""

    @extend_schema(request=serializers.NewTask, responses={201: serializers.TaskView})
    @idempotent
    def post(self, request: Request, batch_id: UUID) -> Response:
        (task,) = _add(request, batch_id, [read(serializers.NewTask, request)])
        return Response(_task(task), status=201)


class BatchTasksBulk(_Writable):
    """Up to 1,000 more tasks, all or none."""

    @extend_schema(request=serializers.NewTasks, responses={201: serializers.TasksView})
    @idempotent
    def post(self, request: Request, batch_id: UUID) -> Response:
        tasks = _add(request, batch_id, read(serializers.NewTasks, request)["tasks"])
        return Response({"tasks": [_task(task) for task in tasks]}, status=201)


class BatchOpening(_Writable):
    """Reserve the money and let experts claim. 409 names what is missing, amounts included."""

    @extend_schema(request=serializers.Nothing, responses=serializers.BatchView)
    @idempotent
    def post(self, request: Request, batch_id: UUID) -> Response:
        read(serializers.Nothing, request)
        return _answer(
            batches.open_batch(batch=_batch(request, batch_id), by=_person(request), at=clock.now())
        )


class BatchPause(_Writable):
    """Offer no more seats; running work finishes."""

    @extend_schema(request=serializers.Nothing, responses=serializers.BatchView)
    @idempotent
    def post(self, request: Request, batch_id: UUID) -> Response:
        read(serializers.Nothing, request)
        return _answer(
            batches.pause_batch(
                batch=_batch(request, batch_id), by=_person(request), at=clock.now()
            )
        )


class BatchResumption(_Writable):
    """Offer the free seats again."""

    @extend_schema(request=serializers.Nothing, responses=serializers.BatchView)
    @idempotent
    def post(self, request: Request, batch_id: UUID) -> Response:
        read(serializers.Nothing, request)
        return _answer(
            batches.resume_batch(
                batch=_batch(request, batch_id), by=_person(request), at=clock.now()
            )
        )


class BatchClosing(_Writable):
    """End a batch; running work finishes and is paid, the money that is left goes back."""

    @extend_schema(request=serializers.Ending, responses=serializers.BatchView)
    @idempotent
    def post(self, request: Request, batch_id: UUID) -> Response:
        sent = read(serializers.Ending, request)
        return _answer(
            batches.close_batch(
                batch=_batch(request, batch_id),
                reason=sent["reason"],
                by=_person(request),
                at=clock.now(),
            )
        )


class BatchCancelling(_Writable):
    """End a batch at once: running work is paid half, submitted work is decided and paid."""

    @extend_schema(request=serializers.Nothing, responses=serializers.BatchView)
    @idempotent
    def post(self, request: Request, batch_id: UUID) -> Response:
        read(serializers.Nothing, request)
        return _answer(
            batches.cancel_batch(
                batch=_batch(request, batch_id), by=_person(request), at=clock.now()
            )
        )


class ResultList(APIView):
    """Approved answers in the order of their verdicts; keep the cursor and ask again later."""

    permission_classes = [IsAuthenticated, HasScope(ApiKey.Scope.EXPORTS_READ)]

    @extend_schema(responses=serializers.ResultPage, parameters=[LIMIT, CURSOR])
    def get(self, request: Request, batch_id: UUID) -> Response:
        return Response(result_page(_batch(request, batch_id), request, at=clock.now()))


def _batch(request: Request, batch_id: UUID) -> Batch:
    return found(visible_batches(to=principal_of(request)).select_related("project"), batch_id)


def _person(request: Request) -> User:
    """On whose behalf a key acts: whoever made it."""
    key = principal_of(request)
    assert isinstance(key, ApiKey)  # HasScope let it in
    return key.created_by


def _add(request: Request, batch_id: UUID, rows: list[dict[str, Any]]) -> list[Task]:
    """Any: values of NewTask."""
    return batches.add_tasks(
        batch=_batch(request, batch_id),
        rows=[filling.NewTask(**row) for row in rows],
        by=_person(request),
        at=clock.now(),
    )


def _task(task: Task) -> dict[str, object]:
    return {"id": task.pk, "key": task.row_key, "state": task.state}


def _answer(batch: Batch) -> Response:
    return Response(batch_values(batch, batch_progress(batch)))
